import { describe, expect, it } from 'vitest';
import { type Given, good } from '../../test/kit/config.ts';
import { planReload } from './reload.ts';
import { LEAVES } from './settings.ts';

/** What a process makes of a second file; flags and variables stay as they are. */
function reload(before: string, after: string, rest: Given = {}) {
  const config = (yaml: string) => good({ ...rest, yaml }).config;
  const old = config(before);
  return { old, plan: planReload(old, config(after)) };
}

describe('a configuration that is read again', () => {
  it('is the same, then nothing happens', () => {
    const yaml =
      'registries: ["etcd://u:p@a", "memory://"]\nadvertise: [10.0.0.1]\netcd: { username: x, password: y }';
    const { old, plan } = reload(yaml, `# another comment\n${yaml}`);
    expect(plan).toMatchObject({ applied: [], restart: [] });
    expect(plan.config).toEqual(old);
  });

  it('is taken over where that is safe, and keeps what it was elsewhere', () => {
    const { old, plan } = reload(
      'resync: 60s\nleaseTtl: 15s\nlog: { level: info, format: json }',
      'resync: 30s\nleaseTtl: 20s\nlog: { level: debug, format: pretty }\ndialects: { published: { enabled: false } }',
    );
    expect(plan.applied).toEqual(['dialects.published.enabled', 'resync', 'log.level']);
    expect(plan.restart).toEqual(['leaseTtl', 'log.format']);
    expect(plan.config).toEqual({
      ...old,
      resync: 30_000,
      log: { level: 'debug', format: 'json' },
      dialects: { ...old.dialects, published: { enabled: false } },
    });
  });

  it('is taken over from the file of another program, too', () => {
    const { plan } = reload('interval: 3000\nttl: 12000', 'interval: 5000\nttl: 13000\nlog_level: debug', {
      flags: { compat: 'service-registrar' },
    });
    expect(plan).toMatchObject({ applied: ['resync', 'log.level'], restart: ['leaseTtl'] });
    expect(plan.config).toMatchObject({ resync: 5000, leaseTtl: 12_000, log: { level: 'debug' } });
  });

  it('does not change what it is compared with', () => {
    const { old, plan } = reload('drainTime: 1s', 'drainTime: 2s\nlog: { level: error }');
    expect([old.drainTime, old.log.level]).toEqual([1000, 'info']);
    expect([plan.config.drainTime, plan.config.log.level]).toEqual([2000, 'error']);
  });

  it('cannot outrank flags and variables', () => {
    const rest = { env: { PORTOLAN_RESYNC: '5s' }, flags: { 'log.level': 'warn' } };
    const { plan } = reload('resync: 60s', 'resync: 30s\nlog: { level: debug }', rest);
    expect(plan).toMatchObject({
      applied: [],
      restart: [],
      config: { resync: 5000, log: { level: 'warn' } },
    });
  });

  it('takes over login and policy of each registry, by its name, and never shows a password', () => {
    const { plan } = reload(
      'registries: [{ url: "etcd://u:old-secret@a", name: one }, "etcd://b"]',
      'registries: [{ url: "etcd://u:new-secret@a", name: one }, { url: "etcd://b", policy: create-only }]',
    );
    expect(plan.applied).toEqual(['login of one', 'policy of etcd://b:2379']);
    expect(plan.restart).toEqual([]);
    expect(plan.config.registries[0]?.password?.reveal()).toBe('new-secret');
    expect(plan.config.registries[1]?.policy).toBe('create-only');
    expect(JSON.stringify(plan)).not.toContain('secret');
  });

  it.each([
    ['["etcd://a"]', '["etcd://a", "etcd://b"]'],
    ['["etcd://a", "etcd://b"]', '["etcd://a"]'],
    ['["etcd://a"]', '["etcd://b"]'],
    ['[{ url: "etcd://a", name: x }]', '[{ url: "etcds://a", name: x }]'],
    ['[{ url: "etcd://a", name: x }]', '[{ url: "etcd://b", name: x }]'],
  ])('needs a restart for another set of registries: %s to %s', (before, after) => {
    const { old, plan } = reload(`registries: ${before}`, `registries: ${after}`);
    expect(plan.restart).toEqual(['registries']);
    expect(plan.config).toEqual(old);
  });

  it('can be taken over for exactly these settings', () => {
    const live = [...LEAVES.values()].filter(({ meta }) => meta.reload === true).map(({ path }) => path);
    expect(live).toEqual([
      'policy',
      'dialects.portolan.enabled',
      'dialects.announce.enabled',
      'dialects.registrar.enabled',
      'dialects.published.enabled',
      'announcements',
      'docker.oneOff',
      'advertise',
      'address',
      'network',
      'family',
      'resync',
      'debounce',
      'drainTime',
      'probes.parallel',
      'flaps.damping',
      'flaps.after',
      'flaps.within',
      'flaps.firstOut',
      'flaps.longestOut',
      'handover',
      'deadHostGrace',
      'deregisterOnExit',
      'log.level',
    ]);
  });
});
