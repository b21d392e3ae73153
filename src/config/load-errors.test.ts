import { describe, expect, it } from 'vitest';
import { errors, type Given, good } from '../../test/kit/config.ts';
import { formatProblem } from './problem.ts';

describe('errors', () => {
  const cases: readonly (readonly [string, Given, string | RegExp])[] = [
    [
      'a password that looks like an alias, without showing it',
      { yaml: 'etcd: { username: u, password: *hunter2 }' },
      'p.yaml: is not valid YAML: Unresolved alias (the anchor must be set before the alias); write it without aliases',
    ],
    [
      'a password that looks like a block, without showing it',
      { yaml: 'etcd:\n  password: |hunter2' },
      'p.yaml:2: is not valid YAML: Block scalar header includes extra characters; correct this line',
    ],
    [
      'a password without a blank before it, without showing it',
      { yaml: 'etcd: { password:hunter2 }' },
      'p.yaml:1: etcd.password:…: is no setting; etcd has username, password, passwordFile, tls',
    ],
    [
      'a registry that stands for another value, without its password',
      { flags: { ownerId: '--registry=etcd://u:hunter2@a' } },
      '--owner-id: ownerId: "--registry=etcd://***@a" is not an owner id; use 1 to 64 of A-Z a-z 0-9 . _ -',
    ],
    [
      'an endless value by its beginning',
      { flags: { ownerId: 'x'.repeat(10_000) } },
      `--owner-id: ownerId: "${'x'.repeat(60)}…" is not an owner id; use 1 to 64 of A-Z a-z 0-9 . _ -`,
    ],
    [
      'a choice that does not exist',
      { yaml: 'log:\n  level: inof' },
      'p.yaml:2: log.level: "inof" is not one of debug, info, warn, error; did you mean info?',
    ],
    [
      'an expiry that does not exist',
      { env: { PORTOLAN_LAYOUTS_ANNOUNCE_EXPIRY: 'tll' } },
      'PORTOLAN_LAYOUTS_ANNOUNCE_EXPIRY: layouts.announce.expiry: "tll" is not one of prune, ttl; did you mean ttl?',
    ],
    [
      'an unknown key',
      { yaml: 'policy: sync\nresinc: 1m' },
      'p.yaml:2: resinc: is no setting; did you mean resync?',
    ],
    [
      'a key in the wrong place',
      { yaml: 'level: info' },
      'p.yaml:1: level: is no setting; did you mean log.level?',
    ],
    [
      'an unknown key that resembles nothing',
      { yaml: 'http: { colour: red }' },
      'p.yaml:1: http.colour: is no setting; http has listen, allowedHosts',
    ],
    [
      'a group that is not a mapping',
      { yaml: 'http: 127.0.0.1:1' },
      'p.yaml:1: http: is not a mapping; write its settings below it: listen, allowedHosts',
    ],
    [
      'a file that is not a mapping',
      { yaml: '- a' },
      /^p\.yaml: is not a mapping; write its settings below it/,
    ],
    [
      'a number where a duration is expected',
      { yaml: 'resync: 60' },
      'p.yaml:1: resync: 60 is not text; write a number and a unit, such as 250ms, 15s or 5m',
    ],
    [
      'a duration without a unit',
      { env: { PORTOLAN_RESYNC: '60' } },
      'PORTOLAN_RESYNC: resync: "60" is not a duration; write a number and a unit, such as 250ms, 15s or 5m',
    ],
    [
      'a lease that is too short',
      { flags: { leaseTtl: '1s' } },
      '--lease-ttl: leaseTtl: 1s is too short; write a duration from 5s to 1h',
    ],
    [
      'a pair of durations in the wrong order',
      { flags: { debounce: '9ms:3ms' } },
      '--debounce: debounce: the longest wait 3ms is shorter than the quiet time 9ms; write min:max, such as 2ms:20ms',
    ],
    [
      'a truth that is none',
      { env: { PORTOLAN_DRY_RUN: 'maybe' } },
      'PORTOLAN_DRY_RUN: dryRun: "maybe" is neither yes nor no; write true or false',
    ],
    [
      'an unknown dialect',
      { flags: { dialects: ['anounce'] } },
      '--dialect: dialects: "anounce" is unknown; did you mean announce?',
    ],
    [
      'a scalar where a list is expected',
      { yaml: 'registries: etcd://a' },
      'p.yaml:1: registries: "etcd://a" is not a list; write a list, such as [a, b]',
    ],
    [
      'a registry of an unknown kind, by its line',
      { yaml: 'registries:\n  - memory://\n  - http://u:secret@a' },
      'p.yaml:3: registries[1]: "http://***@a" does not say what kind of registry it is; write etcd://host:2379, etcds:// for TLS, or memory://',
    ],
    [
      'an unknown key of a registry, by its line',
      { yaml: 'registries:\n  - url: etcd://a\n    usrname: x' },
      'p.yaml:3: registries[0].usrname: is no setting of a registry; did you mean username?',
    ],
    [
      'registries that are joined by a comma',
      { env: { PORTOLAN_REGISTRY: 'etcd://a,etcd://b' } },
      /^PORTOLAN_REGISTRY: registries\[0\]: .* has a second scheme after a comma; .*separate registries by a space or ;$/,
    ],
    [
      'a registry without a URL',
      { yaml: 'registries: [{ name: x }]' },
      'p.yaml:1: registries[0].url: is missing; write text',
    ],
    [
      'a registry that is a number',
      { yaml: 'registries: [5]' },
      /registries\[0\]: 5 is neither a URL nor a mapping/,
    ],
    [
      'two registries with one name',
      { flags: { registries: ['etcd://a', 'etcd://a:2379'] } },
      /^--registry: registries\[1\]: is a second registry with the name etcd:\/\/a:2379;/,
    ],
    [
      'a password file that is not there',
      { env: { PORTOLAN_REGISTRY: 'etcd://a', ETCD_USERNAME: 'u', ETCD_PASSWORD_FILE: '/nowhere' } },
      'ETCD_PASSWORD_FILE: etcd.passwordFile: names a file that cannot be read, /nowhere (ENOENT); check the path and who may read it',
    ],
    [
      'a user without a password',
      { yaml: 'registries: [etcd://a]\netcd: { username: u }' },
      'p.yaml:2: etcd: has a user name without a password; give both or neither',
    ],
    [
      'TLS files for a registry without TLS',
      { yaml: 'registries: [{ url: "etcd://a", tls: { ca: /x } }]' },
      'p.yaml:1: registries[0].tls: is set, but etcd://a:2379 is without TLS; write etcds://',
    ],
    [
      'a certificate without its key',
      { flags: { registries: ['etcds://a'], 'etcd.tls.cert': '/c' }, files: { '/c': '' } },
      '--etcd-cert: etcd.tls: has a cert without key; give both or neither',
    ],
    [
      'a prefix among the bookkeeping',
      { flags: { 'layouts.services.prefix': '/portolan/x' } },
      '--services-prefix: layouts.services.prefix: /portolan/x lies below /portolan, where the bookkeeping is; write a path such as /services',
    ],
    [
      'a prefix inside another',
      { flags: { 'layouts.announce.prefix': '/services/announce' } },
      '--announce-prefix: layouts.announce.prefix: /services/announce/ lies inside that of services, /services/; give each layout a prefix of its own',
    ],
    [
      'an address rule',
      { flags: { advertise: ['eth0'] } },
      /^--advertise: advertise\[0\]: "eth0" is not an address rule; write/,
    ],
    [
      'an owner id with a slash',
      { flags: { ownerId: 'a/b' } },
      /^--owner-id: ownerId: "a\/b" is not an owner id; use/,
    ],
    [
      'a listener without a port',
      { flags: { 'http.listen': 'localhost' } },
      /"localhost" is not host:port; write/,
    ],
    [
      'a socket path that the kernel refuses',
      { flags: { controlSocket: `/${'x'.repeat(120)}` } },
      /^--control-socket: controlSocket: \/x+ is longer than 107 bytes; name a shorter one/,
    ],
    [
      'once without a real registry',
      { flags: { once: true } },
      /^--once: once: has nothing to converge: .*; name a real registry/,
    ],
    [
      'a file that is not there',
      { env: { PORTOLAN_CONFIG: '/gone.yaml' } },
      'PORTOLAN_CONFIG: names a configuration file that cannot be read, /gone.yaml (ENOENT); check the path and who may read it',
    ],
    [
      'a file that is not YAML',
      { yaml: 'policy: sync\nlog: [' },
      /^p\.yaml:2: is not valid YAML: .*; correct this line$/,
    ],
    ['an alias that leads nowhere', { yaml: 'policy: *x' }, /is not valid YAML/],
  ];

  it.each(cases)('name %s, its place and its remedy', (_name, given, expected) => {
    const found = errors(given);
    expect(found).toHaveLength(1);
    if (typeof expected === 'string') expect(found[0]).toBe(expected);
    else expect(found[0]).toMatch(expected);
  });

  it('are reported all at once, from every source', () => {
    const found = errors({ yaml: 'a: 1\npolicy: x', env: { PORTOLAN_ONCE: 'x' }, flags: { resync: 'x' } });
    expect(found.map((text) => text.split(':')[0])).toEqual([
      'p.yaml',
      'PORTOLAN_ONCE',
      'p.yaml',
      '--resync',
    ]);
  });

  it('never show a password, whatever is wrong with it', () => {
    const shown = [
      ...errors({ yaml: 'etcd:\n  password: [hunter2]' }),
      ...errors({ yaml: 'registries: [{ url: "etcd://a", password: 0xbad5ec }]' }),
      ...errors({ flags: { registries: ['etcdd://u:hunter2@a', 'u:hunter2@a', 'etcd://u:%hunter2@a'] } }),
      ...errors({ env: { PORTOLAN_REGISTRY: 'etcd://u:hun@ter2@a b' } }),
    ];
    expect(shown.length).toBeGreaterThanOrEqual(6);
    expect(shown.join('\n')).not.toMatch(/hunter2|ter2|hun@|12244460|bad5ec/);
  });

  it('of an unknown PORTOLAN_ variable are warnings, without its value', () => {
    const { warnings } = good({ env: { PORTOLAN_RESINC: 'hunter2', PORTOLAN_XYZZY: 'hunter2', OTHER: 'x' } });
    expect(warnings.map(formatProblem)).toEqual([
      'PORTOLAN_RESINC: is no setting of Portolan and is ignored; did you mean PORTOLAN_RESYNC?',
      'PORTOLAN_XYZZY: is no setting of Portolan and is ignored; see `portolan config schema` for the settings',
    ]);
  });
});
