import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { good, load } from '../../test/kit/config.ts';
import { settingsYaml, shownSettings } from './print.ts';

const YAML = `
registries:
  - etcds://ann:hunter2@a
  - { url: "etcds://b", username: bob, password: hunter2 }
leaseTtl: 20s
`;
const loaded = good({ yaml: YAML, env: { PORTOLAN_ETCD_PASSWORD: 'hunter2', ETCD_USERNAME: 'cid' } });
const shown = shownSettings(loaded.given, { stateDir: '/state' });

describe('the printed configuration', () => {
  it('has each setting once, with its value and its origin', () => {
    const byName = new Map(shown.map((item) => [item.setting, item]));
    expect(byName.size).toBe(shown.length);
    expect(byName.get('leaseTtl')).toEqual({ setting: 'leaseTtl', value: '20s', origin: 'p.yaml:5' });
    expect(byName.get('etcd.username')).toEqual({
      setting: 'etcd.username',
      value: 'cid',
      origin: 'ETCD_USERNAME',
    });
    expect(byName.get('policy')).toEqual({ setting: 'policy', value: 'sync', origin: 'default' });
    expect(byName.get('stateDir')).toEqual({ setting: 'stateDir', value: '/state', origin: 'default' });
    expect(byName.get('network')).toMatchObject({ note: expect.stringContaining('first') as string });
  });

  it('hides every secret, in every form', () => {
    const text = `${JSON.stringify(shown)}${settingsYaml(shown)}${JSON.stringify(loaded.config)}`;
    expect(text).not.toContain('hunter2');
    expect(text).toContain('***');
  });

  it('is, as YAML, a configuration with the same meaning', () => {
    const plain = good({ yaml: 'resync: 2m\nadvertise: [iface:eth1]\nonce: false\nhttp: { listen: "off" }' });
    const printed = settingsYaml(shownSettings(plain.given, {}));
    expect(printed).toContain('resync: 2m # p.yaml:1');
    const again = load({ yaml: printed });
    expect(again).toMatchObject({ ok: true, config: plain.config });
    expect(parse(printed)).toMatchObject({ http: { listen: 'off' } });
  });
});
