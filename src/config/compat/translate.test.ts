import { describe, expect, it } from 'vitest';
import { errors, type Given, good } from '../../../test/kit/config.ts';
import { elementName } from '../../core/path-template.ts';
import { formatProblem } from '../problem.ts';

const compat = { PORTOLAN_COMPAT: 'service-registrar' };
const loaded = (given: Given) => good({ ...given, env: { ...compat, ...given.env } });
const complaints = (given: Given) => errors({ ...given, env: { ...compat, ...given.env } });
const told = (given: Given) => {
  const { warnings, notes } = loaded(given);
  return { warnings: warnings.map(formatProblem), notes: notes.map(formatProblem) };
};

/** All that its environment could say. */
const ENVIRONMENT = {
  DOCKER_SOCKET: '/run/docker.sock',
  INTERVAL: '5000',
  TTL: '20000',
  SERVICE_METHOD: 'ttl',
  LOGFILE: '/var/log/registrar.log',
  LOGLEVEL: 'debug',
  HOST: 'fury',
  IPADDRESS: '192.168.13.90',
  PREFIX_STATSD: 'registrar',
  PREFIX_SERVICES: '/srv',
  PREFIX_HOSTS: '/machines',
  BACKEND: 'etcd://10.0.0.1:4001',
};

const V3 =
  "the v3 API of etcd is spoken there: service-registrar wrote by the v2 API, and the two do not see each other's keys; see hack/migration/service-registrar.md for what that means for readers";

describe('without the switch', () => {
  it('the generic variables mean nothing', () => {
    expect(good({ env: ENVIRONMENT }).config).toEqual(good({}).config);
  });

  it('an old key in the file is an error that names the switch and the key of today', () => {
    expect(
      errors({ yaml: 'backend: etcd://a:4001\ninterval: 3000\ndocker: /run/docker.sock\nlog: /x\n' }),
    ).toEqual([
      "p.yaml:1 (backend): backend: is a name of service-registrar; add --compat=service-registrar to have it read, or use one of today's names: registries, PORTOLAN_REGISTRY, --registry",
      "p.yaml:2 (interval): interval: is a name of service-registrar; add --compat=service-registrar to have it read, or use one of today's names: resync, PORTOLAN_RESYNC, --resync",
      "p.yaml:3 (docker): docker: is a name of service-registrar; add --compat=service-registrar to have it read, or use one of today's names: docker.host, PORTOLAN_DOCKER_HOST, --docker-host",
      'p.yaml:4 (log): log: is a name of service-registrar; add --compat=service-registrar to have it read',
    ]);
  });

  it('so is an old flag', () => {
    expect(errors({ oldFlags: { '-i': '3000' } })).toEqual([
      "-i: interval: is a name of service-registrar; add --compat=service-registrar to have it read, or use one of today's names: resync, PORTOLAN_RESYNC, --resync",
    ]);
  });
});

describe('the defaults of service-registrar', () => {
  const { config, origins } = loaded({});

  it('hold where nothing is said', () => {
    expect(config).toMatchObject({
      resync: 3000,
      leaseTtl: 12_000,
      registries: [{ url: 'etcd://localhost:4001', kind: 'etcd' }],
      docker: { oneOff: true },
      hostName: 'fury.example',
      drainMark: 'delete',
      layouts: {
        registrar: { enabled: true, prefix: '/services/', expiry: 'prune', fullEnvironment: false },
        ...{ services: { enabled: false }, announce: { enabled: false }, hosts: { enabled: false } },
      },
      dialects: {
        registrar: { enabled: true },
        ...{ portolan: { enabled: false }, announce: { enabled: false }, published: { enabled: false } },
      },
    });
  });

  it('make host documents, where they are asked for, those of its early versions', () => {
    const env = { PORTOLAN_LAYOUT: 'registrar,hosts', PREFIX_HOSTS: '/machines' };
    expect(loaded({ env }).config.layouts.hosts).toMatchObject({
      ...{ enabled: true, prefix: '/machines/', format: 'registrar' },
    });
  });

  it('are told apart from those of today', () => {
    expect(config.layouts.registrar.path.map(elementName).join(' ')).toBe(
      'environment:ENVIRONMENT environment:NAME service:PORT service:HOST_PORT service:HOSTNAME',
    );
    expect(origins.get('resync')).toEqual({ type: 'default', of: 'service-registrar' });
    expect(origins.get('drainTime')).toEqual({ type: 'default' });
  });

  it('come with a word about the API of etcd', () => {
    expect(told({})).toEqual({ warnings: [`registries: ${V3}`], notes: [] });
  });

  it('give way to a registry of today, without a word', () => {
    const given = { env: { PORTOLAN_REGISTRY: 'etcd://b' } };
    expect(loaded(given).config.registries).toMatchObject([{ url: 'etcd://b:2379' }]);
    expect(told(given).warnings).toEqual([]);
  });
});

describe('its environment', () => {
  it('is read as the settings of today', () => {
    expect(loaded({ env: ENVIRONMENT }).config).toMatchObject({
      docker: { host: 'unix:///run/docker.sock' },
      resync: 5000,
      leaseTtl: 20_000,
      log: { level: 'debug' },
      advertise: [{ type: 'literal', ip: '192.168.13.90' }],
      hostName: 'fury',
      statsd: { prefix: 'registrar' },
      layouts: {
        registrar: { prefix: '/srv/', expiry: 'ttl' },
        hosts: { prefix: '/machines/', enabled: false },
      },
      registries: [{ url: 'etcd://10.0.0.1:4001' }],
    });
  });

  it('comes with a note for each name, which has the names of today', () => {
    const { notes, warnings } = told({ env: ENVIRONMENT });
    expect(notes).toHaveLength(Object.keys(ENVIRONMENT).length - 1);
    expect(notes).toContain(
      "INTERVAL: is read as resync: 5s; today's names: resync, PORTOLAN_RESYNC, --resync",
    );
    expect(warnings).toEqual([
      'LOGFILE: is not written to: the log goes to the standard output; redirect it (>> FILE), or read it by docker logs or journalctl',
      `BACKEND: ${V3}`,
    ]);
  });

  it('hides the password of a registry', () => {
    expect(JSON.stringify(told({ env: { BACKEND: 'etcd://u:hunter2@a:4001' } }))).not.toContain('hunter2');
    expect(complaints({ env: { BACKEND: 'consul://u:hunter2@a' } }).join()).not.toContain('hunter2');
  });

  it.each([
    [
      'INTERVAL',
      '100',
      'resync',
      1000,
      '100 ms is shorter than is possible here; it is taken for 1s; write one from 1000 to 86400000',
    ],
    [
      'TTL',
      '3000',
      'leaseTtl',
      5000,
      '3000 ms is shorter than is possible here; it is taken for 5s; write one from 5000 to 3600000',
    ],
    [
      'TTL',
      '12000000',
      'leaseTtl',
      3_600_000,
      '12000000 ms is longer than is possible here; it is taken for 1h; write one from 5000 to 3600000',
    ],
  ])('keeps %s of %s within what is possible, and says so', (name, value, path, expected, warning) => {
    const given = { env: { [name]: value } };
    expect(loaded(given).config).toMatchObject({ [path]: expected });
    expect(told(given).warnings).toContain(`${name}: ${warning}`);
  });

  it('takes every log level but info for debug', () => {
    expect(loaded({ env: { LOGLEVEL: 'INFO' } }).config.log.level).toBe('info');
    expect(loaded({ env: { LOGLEVEL: 'error' } }).config.log.level).toBe('debug');
    expect(told({ env: { LOGLEVEL: 'error' } }).warnings).toContain(
      `LOGLEVEL: "error" means debug here, as everything but info did; for another level use one of today's names: log.level, PORTOLAN_LOG_LEVEL, --log-level`,
    );
  });

  it.each([
    [
      'TTL',
      '12s',
      `"12s" is not a number of milliseconds; write one, such as 12000, or a duration under one of today's names: leaseTtl, PORTOLAN_LEASE_TTL, --lease-ttl`,
    ],
    ['DOCKER_SOCKET', 'tcp://a', '"tcp://a" is no path of a socket; write one such as /var/run/docker.sock'],
    [
      'BACKEND',
      'consul://a:8500',
      '"consul://a:8500" names Consul, which this version does not write to yet; keep service-registrar for it until a later version, or name an etcd such as etcd://localhost:2379',
    ],
    [
      'BACKEND',
      'etcd',
      'registries[0]: "etcd" is not a registry URL; write etcd://host:2379, etcds:// for TLS, or memory://',
    ],
    [
      'IPADDRESS',
      'fury',
      'advertise[0]: "fury" is not an address rule; write an IP address, iface:<name> such as iface:eth0, or cidr:<network> such as cidr:10.0.0.0/8',
    ],
    ['SERVICE_METHOD', 'tll', 'layouts.registrar.expiry: "tll" is not one of prune, ttl; did you mean ttl?'],
    [
      'PREFIX_HOSTS',
      'hosts',
      'layouts.hosts.prefix: "hosts" does not begin with /; write a path such as /services',
    ],
  ])('complains of %s=%s under the name that was written', (name, value, expected) => {
    expect(complaints({ env: { [name]: value } })).toEqual([`${name}: ${expected}`]);
  });
});

describe('its order of precedence', () => {
  const env = { INTERVAL: '4000', TTL: '21000' };
  const yaml = 'interval: 5000\nttl: 22000\n';
  const files = { '/etc/registrar.env': 'FOO=bar\nINTERVAL=6000\nttl=23000\n' };

  it('lets the file outrank the environment', () => {
    expect(loaded({ env, yaml }).config).toMatchObject({ resync: 5000, leaseTtl: 22_000 });
  });

  it('lets the environment file outrank both, and the command line all of them', () => {
    const oldFlags = { '-e': '/etc/registrar.env', '-i': '7000' };
    const { config, origins } = loaded({ env, yaml, files, oldFlags });
    expect(config).toMatchObject({ resync: 7000, leaseTtl: 23_000 });
    expect(origins.get('leaseTtl')).toEqual({
      type: 'file',
      path: '/etc/registrar.env',
      line: 3,
      key: 'ttl',
    });
  });

  it.each<[string, Given]>([
    ['resync (PORTOLAN_RESYNC)', { env: { PORTOLAN_RESYNC: '9s' } }],
    ['resync (--resync)', { flags: { resync: '9s' } }],
    ['resync (p.yaml:1)', { yaml: 'resync: 9s' }],
  ])('lets a name of today outrank all of them, and says so: %s', (by, given) => {
    const both = { ...given, oldFlags: { '-i': '7000' } };
    expect(loaded(both).config.resync).toBe(9000);
    expect(told(both).warnings).toContain(`-i: is outranked by ${by}; leave the old name out`);
  });

  it('does not look at a value that is outranked', () => {
    expect(loaded({ env: { TTL: 'soon' }, yaml: 'ttl: 12000' }).config.leaseTtl).toBe(12_000);
  });
});

describe('its YAML file', () => {
  it('turns the compatibility on by itself', () => {
    const yaml = 'compat: service-registrar\ninterval: 5000\n';
    expect(good({ yaml }).config.resync).toBe(5000);
    expect(errors({ yaml, flags: { compat: 'none' } })).toHaveLength(1);
  });

  it('may hold keys of today beside its own', () => {
    const yaml =
      'docker: /run/docker.sock\nlog: STDOUT\nlog_level: debug\ndrainTime: 7s\nhttp: { listen: "off" }\n';
    expect(loaded({ yaml }).config).toMatchObject({
      docker: { host: 'unix:///run/docker.sock' },
      log: { level: 'debug' },
      drainTime: 7000,
      http: { listen: undefined },
    });
    expect(loaded({ yaml: 'docker: { host: "unix:///x" }\nlog: { level: warn }' }).config).toMatchObject({
      docker: { host: 'unix:///x' },
      log: { level: 'warn' },
    });
  });

  it('shows the line and the key of each value', () => {
    expect(told({ yaml: '# old\ninterval: 5000\n' }).notes).toEqual([
      "p.yaml:2 (interval): is read as resync: 5s; today's names: resync, PORTOLAN_RESYNC, --resync",
    ]);
  });

  it('is told the nearest name when a key is misspelt', () => {
    expect(complaints({ yaml: 'intervall: 5000' })).toEqual([
      'p.yaml:1: intervall: is no setting; did you mean interval?',
    ]);
  });

  it('has the template of the key as a list, or as one text', () => {
    for (const yaml of [
      'prefix_path:\n  - string:a\n  - service:PORT\n',
      'prefix_path: string:a  service:PORT',
    ])
      expect(loaded({ yaml }).config.layouts.registrar.path.map(elementName)).toEqual([
        'string:a',
        'service:PORT',
      ]);
    expect(complaints({ yaml: 'prefix_path: [container:HOSTNAME]' })).toEqual([
      expect.stringMatching(/^p\.yaml:1 \(prefix_path\): layouts\.registrar\.path.*write service:FIELD/),
    ]);
  });

  it('may hold keys of early versions, which are ignored with a word', () => {
    expect(told({ yaml: 'path: [string:a]\n' }).warnings).toContain(
      'p.yaml:1: path: is ignored, as the last service-registrar ignored it; write prefix_path',
    );
  });
});

describe('its environment file', () => {
  const oldFlags = { '-e': '/e' };

  it('is passed over where it speaks of something else', () => {
    expect(told({ oldFlags, files: { '/e': '# x\n\nPATH=/bin\nA B\nINTERVAL=\r\n' } }).warnings).toEqual([
      `registries: ${V3}`,
    ]);
  });

  it('is told what it never read there', () => {
    const { warnings } = told({ oldFlags, files: { '/e': 'HOST=a\nPORTOLAN_RESYNC=5s\nINTERVALL=1\n' } });
    expect(warnings).toEqual([
      '/e:1 (HOST): is not read from a file, nor was it ever; write HOSTNAME',
      '/e:2 (PORTOLAN_RESYNC): is not read from this file; put it into the environment',
      '/e:3 (INTERVALL): is no setting and is ignored; did you mean INTERVAL?',
      `registries: ${V3}`,
    ]);
  });

  it('has to be there', () => {
    expect(complaints({ oldFlags })).toEqual([
      '-e: names an environment file that cannot be read, /e (ENOENT); check the path and who may read it',
    ]);
  });
});
