import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { good, load } from '../../test/kit/config.ts';
import type { Loaded } from './load.ts';
import { formatProblem } from './problem.ts';
import { LEAVES, SETTINGS } from './settings.ts';

describe('defaults', () => {
  it('need no configuration at all and mean the embedded registry', () => {
    const { config } = good({});
    expect(config.registries).toEqual([
      {
        name: 'memory://',
        url: 'memory://',
        kind: 'memory',
        members: [],
        tls: undefined,
        username: undefined,
        password: undefined,
        policy: 'sync',
      },
    ]);
    expect(config).toMatchObject({
      stateDir: '/var/lib/portolan',
      controlSocket: '/var/lib/portolan/portolan.sock',
      resync: 60_000,
      debounce: { minMs: 2, maxMs: 20 },
      leaseTtl: 15_000,
      handover: 300_000,
      layouts: { services: { enabled: true, prefix: '/services/' } },
      http: { listen: { host: '127.0.0.1', port: 7979 } },
    });
  });

  it('keep the state of an ordinary user in the home folder', () => {
    expect(good({ uid: 1000 }).config.stateDir).toBe('/home/ann/.local/state/portolan');
  });
});

describe('precedence', () => {
  const yaml = 'resync: 1m\nhandover: 1m\nleaseTtl: 1m\n';
  const env = { PORTOLAN_HANDOVER: '2m', PORTOLAN_LEASE_TTL: '2m' };
  const { config, origins } = good({ yaml, env, flags: { leaseTtl: '3m' } });

  it('lets the environment outrank the file, and a flag outrank both', () => {
    expect(config).toMatchObject({ resync: 60_000, handover: 120_000, leaseTtl: 180_000, drainTime: 30_000 });
  });

  it('knows where each value came from', () => {
    expect(origins.get('resync')).toEqual({ type: 'file', path: 'p.yaml', line: 1 });
    expect(origins.get('handover')).toEqual({ type: 'env', name: 'PORTOLAN_HANDOVER' });
    expect(origins.get('leaseTtl')).toEqual({ type: 'flag', name: '--lease-ttl' });
    expect(origins.get('drainTime')).toEqual({ type: 'default' });
  });

  it('honours the variables of Docker, and its own before them', () => {
    const docker = { DOCKER_HOST: 'tcp://a:1', DOCKER_TLS_VERIFY: '0', DOCKER_CERT_PATH: '/certs' };
    expect(good({ env: docker, readSecrets: false }).config.docker).toMatchObject({
      host: 'tcp://a:1',
      tlsVerify: true,
      certPath: '/certs',
    });
    expect(
      good({ env: { ...docker, PORTOLAN_DOCKER_HOST: 'tcp://b:1' }, readSecrets: false }).config.docker.host,
    ).toBe('tcp://b:1');
  });

  it('takes an empty variable for one that is not set', () => {
    expect(good({ env: { PORTOLAN_POLICY: '', DOCKER_TLS_VERIFY: '' } }).config).toMatchObject({
      policy: 'sync',
      docker: { tlsVerify: false },
    });
  });

  it('reads the file that PORTOLAN_CONFIG names', () => {
    const files = { '/etc/p.yaml': 'policy: create-only' };
    expect(good({ env: { PORTOLAN_CONFIG: '/etc/p.yaml' }, files }).config.policy).toBe('create-only');
  });

  it('lets a switched flag turn off what the file turned on', () => {
    expect(
      good({ yaml: 'deregisterOnExit: true', flags: { deregisterOnExit: false } }).config.deregisterOnExit,
    ).toBe(false);
  });
});

describe('registries', () => {
  it('are separated by blanks or semicolons, their members by commas', () => {
    const env = { PORTOLAN_REGISTRY: 'etcd://a:1,b:2,c ; etcds://[::1]:3\nmemory://' };
    expect(good({ env }).config.registries.map(({ name, members }) => [name, members])).toEqual([
      ['etcd://a:1,b:2,c:2379', ['a:1', 'b:2', 'c:2379']],
      ['etcds://[::1]:3', ['[::1]:3']],
      ['memory://', []],
    ]);
  });

  it('take their own credentials before the common ones', () => {
    const yaml = `
registries:
  - etcd://127.0.0.1
  - { url: etcd://127.0.0.2, username: own, passwordFile: /own }
  - etcd://u%40x:p%3Aw@127.0.0.3
etcd: { username: common, passwordFile: /common }
`;
    const files = { '/own': 'one\n', '/common': 'two\n' };
    const found = good({ yaml, files }).config.registries;
    expect(found.map(({ username, password }) => [username, password?.reveal()])).toEqual([
      ['common', 'two'],
      ['own', 'one'],
      ['u@x', 'p:w'],
    ]);
  });

  it('let a password of higher rank outrank a password file', () => {
    const yaml = 'registries: [etcd://127.0.0.1]\netcd: { username: u, passwordFile: /missing }';
    const { config } = good({ yaml, env: { ETCD_PASSWORD: 'from-env' } });
    expect(config.registries[0]?.password?.reveal()).toBe('from-env');
  });

  it('warn when a password leaves the machine without TLS', () => {
    const { warnings } = good({ flags: { registries: ['etcd://u:p@10.0.0.1'] } });
    expect(warnings.map(formatProblem)).toEqual([
      '--registry: registries[0]: sends its password without TLS; use etcds://',
    ]);
  });
});

describe('switches', () => {
  it('turn on what they name and everything else off', () => {
    const { config } = good({ env: { PORTOLAN_DIALECT: 'portolan' }, flags: { layouts: ['none'] } });
    expect(Object.values(config.dialects).map(({ enabled }) => enabled)).toEqual([true, false, false, false]);
    expect(Object.values(config.layouts).map(({ enabled }) => enabled)).toEqual([false, false, false, false]);
  });
});

describe('whatever comes in', () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom(
      'true',
      '5s',
      'etcd://a:1',
      '/x',
      'none',
      'sync',
      ',;',
      'etcd://u:p@',
      '[::1]:80',
      '__proto__',
    ),
  );
  const names = SETTINGS.flatMap(({ env }) => env);
  const value = fc.oneof(
    text,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(text),
    fc.dictionary(text, text),
  );
  const keys = fc.constantFrom(...SETTINGS.flatMap(({ keys: found }) => found), '__proto__', 'constructor');
  const tree = fc.dictionary(keys, fc.oneof(value, fc.dictionary(keys, value)));

  const nameable = (loaded: Loaded): boolean =>
    loaded.ok ||
    (loaded.problems.length > 0 && loaded.problems.every(({ what, remedy }) => what !== '' && remedy !== ''));

  it('the loader never throws, and each error has a name and a remedy', () => {
    const env = fc.dictionary(fc.constantFrom(...names), text);
    const flags = fc.dictionary(
      fc.constantFrom(...SETTINGS.map(({ path }) => path)),
      fc.oneof(text, fc.array(text)),
    );
    fc.assert(
      fc.property(tree, env, flags, (yaml, variables, given) => {
        expect(nameable(load({ yaml: JSON.stringify(yaml), env: variables, flags: given }))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('text that is hardly YAML is an error or a configuration', () => {
    const scrap = fc.array(
      fc.constantFrom(
        ':',
        ' ',
        '\n',
        '-',
        '{',
        '}',
        '[',
        '&a',
        '*a',
        '<<',
        '!!x',
        '"',
        '#',
        '|',
        'log',
        '\t',
        '---',
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          scrap.map((parts) => parts.join('')),
        ),
        (yaml) => {
          expect(nameable(load({ yaml }))).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

it('every secret can also be read from a file that a variable names', () => {
  const secrets = [...LEAVES.values()].filter(({ meta }) => meta.secret === true);
  expect(secrets).not.toEqual([]);
  for (const { path, env } of secrets)
    expect(LEAVES.get(`${path}File`)?.env).toEqual(env.map((name) => `${name}_FILE`));
});
