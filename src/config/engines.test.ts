import { describe, expect, it } from 'vitest';
import { errors, good } from '../../test/kit/config.ts';
import { configOf } from './engine-configs.ts';
import { planReload } from './reload.ts';

const two = `
stateDir: /var/lib/portolan
resync: 30s
engines:
  - { name: here, host: unix:///var/run/docker.sock, ownerId: web-1 }
  - { name: there, host: "tcp://10.0.0.2:2375" }
`;

/** The file with these lines below `engines`. */
const engines = (...entries: readonly string[]): string =>
  `engines:\n${entries.map((entry) => `  - ${entry}\n`).join('')}`;

describe('engines', () => {
  it('are configured each as if it were the only one', () => {
    const { config } = good({ yaml: two });
    const [here, there] = config.engines.map((engine) => configOf(config, engine));
    expect(here).toMatchObject({
      ownerId: 'web-1',
      advertise: [],
      resync: 30_000,
      stateDir: '/var/lib/portolan/engines/here',
      controlSocket: '/var/lib/portolan/portolan.sock',
      engines: [],
      docker: { host: 'unix:///var/run/docker.sock', sockets: [], oneOff: false },
    });
    expect(there).toMatchObject({
      ownerId: undefined,
      advertise: [{ type: 'literal', ip: '10.0.0.2' }],
      stateDir: '/var/lib/portolan/engines/there',
    });
  });

  it('are none without the setting', () => {
    expect(good({}).config.engines).toEqual([]);
  });

  it('on this machine have its addresses, also over the loopback', () => {
    const yaml = `advertise: [10.0.0.1]\n${engines(
      '{ name: a, host: unix:///run/a.sock }',
      '{ name: b, host: "tcp://127.0.0.1:2375" }',
      '{ name: c, host: "tcp://[::1]:2375", advertise: [10.0.0.3] }',
    )}`;
    const { config } = good({ yaml });
    const addresses = config.engines.map((engine) => configOf(config, engine).advertise);
    const literal = (ip: string) => [{ type: 'literal', ip }];
    expect(addresses).toEqual([literal('10.0.0.1'), literal('10.0.0.1'), literal('10.0.0.3')]);
    expect(config.engines.map(({ remote }) => remote)).toEqual([false, false, false]);
  });

  it('elsewhere never have the addresses of this machine', () => {
    expect(
      errors({ yaml: `advertise: [10.0.0.1]\n${engines('{ name: a, host: "tcp://web:2375" }')}` }),
    ).toEqual([
      'p.yaml:3: engines[0].advertise: is missing, and web is no IP address; write the IP addresses under which others reach what it publishes',
    ]);
    expect(
      errors({ yaml: engines('{ name: a, host: "tcp://10.0.0.2:2375", advertise: ["iface:eth0"] }') }),
    ).toEqual([
      'p.yaml:2: engines[0].advertise: looks at this machine, and the engine is on another; write the IP addresses under which others reach what it publishes',
    ]);
    const { config } = good({ yaml: engines('{ name: a, host: "tcp://web:2375", advertise: [10.0.0.7] }') });
    expect(config.engines[0]).toMatchObject({
      remote: true,
      advertise: [{ type: 'literal', ip: '10.0.0.7' }],
    });
  });

  it.each([
    ['name', '{ name: a, host: unix:///run/b.sock }', 'engines[1].name: a is the name of another engine'],
    [
      'socket',
      '{ name: b, host: unix:///var/run/a.sock }',
      'engines[1].host: leads to the same engine as that of a',
    ],
    ['owner id', '{ name: b, host: unix:///run/b.sock, ownerId: web-1 }', 'engines[1].ownerId: is that of a'],
  ])('cannot share a %s', (_, second, problem) => {
    const found = errors({ yaml: engines('{ name: a, host: unix:///run/a.sock, ownerId: web-1 }', second) });
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`p.yaml:3: ${problem}; `);
  });

  it('cannot share a place, however it is written', () => {
    const yaml = engines(
      '{ name: a, host: "tcp://10.0.0.2" }',
      '{ name: b, host: "http://10.0.0.2:2375/" }',
      '{ name: c, host: "tcp://10.0.0.2:2376" }',
    );
    expect(errors({ yaml })).toEqual([
      'p.yaml:3: engines[1].host: leads to the same engine as that of a; remove one of the two entries',
    ]);
  });

  it('stand in place of the single one', () => {
    expect(
      errors({ yaml: two, env: { DOCKER_HOST: 'unix:///run/x.sock' }, flags: { ownerId: 'me' } }),
    ).toEqual([
      'DOCKER_HOST: docker.host: is set beside engines, where each entry has its own; leave one of the two out',
      '--owner-id: ownerId: is set beside engines, where each entry has its own; leave one of the two out',
    ]);
  });

  it.each(['ssh://web', 'unix://run/docker.sock', 'web:2375', 'tcp://10.0.0.2:99999', 'unix:///run/'])(
    'are not reached by %s',
    (host) => {
      expect(errors({ yaml: engines(`{ name: a, host: "${host}" }`) })).toEqual([
        `p.yaml:2: engines[0].host: ${host} is no engine; write unix:///run/docker.sock or tcp://host:port`,
      ]);
    },
  );

  it('have no name that leads out of the state folder', () => {
    for (const name of ['..', '../x', 'a/b', '.hidden', ''])
      expect(errors({ yaml: engines(`{ name: "${name}", host: unix:///run/a.sock }`) })).toHaveLength(1);
  });

  it('have no other settings, and a misspelt one is named', () => {
    expect(errors({ yaml: engines('{ name: a, host: unix:///run/a.sock, owner: x }') })).toEqual([
      expect.stringContaining('engines[0].owner: is no setting of an engine; '),
    ]);
  });

  it('need a restart when they change, and take over at once what holds for all', () => {
    const { config: before } = good({ yaml: two });
    const { config: after } = good({ yaml: `${two.replace('web-1', 'web-2')}\ndrainTime: 5s\n` });
    const { applied, restart, config } = planReload(before, after);
    expect({ applied, restart }).toEqual({ applied: ['drainTime'], restart: ['engines'] });
    expect(config.engines[0]?.ownerId).toBe('web-1');
  });
});
