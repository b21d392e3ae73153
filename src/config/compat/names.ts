import {
  backend,
  logFile,
  logLevel,
  milliseconds,
  type Reader,
  single,
  socket,
  template,
  text,
} from './values.ts';

/** The value of `compat` that this folder is about. */
export const SERVICE_REGISTRAR = 'service-registrar';
export const COMPATS = ['none', SERVICE_REGISTRAR] as const;

/** A setting of service-registrar with every name that it had, and today's setting. */
export interface OldName {
  /** In its YAML file, and in any case of letters in its environment file. */
  readonly key: string;
  readonly env?: string;
  /** Its default, as it would have been written; absent: none, or the machine decides. */
  readonly fallback?: string;
  /** Today's setting; absent: there is none. */
  readonly path?: string;
  readonly read: Reader;
  /** For the reference: how its value is taken. */
  readonly how: string;
}

const MILLISECONDS = 'milliseconds';

/** The one table: what is read, noted and documented comes from it. */
export const OLD_NAMES: readonly OldName[] = [
  {
    key: 'docker',
    env: 'DOCKER_SOCKET',
    path: 'docker.host',
    read: socket,
    how: 'a path, without unix://',
  },
  {
    key: 'interval',
    env: 'INTERVAL',
    fallback: '3000',
    path: 'resync',
    read: milliseconds({ min: 1000, max: 24 * 3_600_000 }),
    how: `${MILLISECONDS}, at least 1000. Changes are seen when they happen; this is how often everything is compared besides`,
  },
  {
    key: 'ttl',
    env: 'TTL',
    fallback: '12000',
    path: 'leaseTtl',
    read: milliseconds({ min: 5000, max: 3_600_000 }),
    how: `${MILLISECONDS}, at least 5000`,
  },
  {
    key: 'service_ttl',
    env: 'SERVICE_METHOD',
    fallback: 'prune',
    path: 'layouts.registrar.expiry',
    read: text,
    how: 'prune or ttl',
  },
  {
    key: 'log',
    env: 'LOGFILE',
    read: logFile,
    how: 'nothing: the log goes to the standard output; redirect it (`>> FILE`), or use the log of Docker or systemd',
  },
  {
    key: 'log_level',
    env: 'LOGLEVEL',
    fallback: 'info',
    path: 'log.level',
    read: logLevel,
    how: 'everything but info means debug',
  },
  {
    key: 'hostname',
    env: 'HOST',
    path: 'hostName',
    read: text,
    how: 'as it is; default: what `hostname -f` prints',
  },
  {
    key: 'ipaddress',
    env: 'IPADDRESS',
    path: 'advertise',
    read: single,
    how: 'an address',
  },
  {
    key: 'prefix_stats',
    env: 'PREFIX_STATSD',
    path: 'statsd.prefix',
    read: text,
    how: 'as it is; service-registrar itself forgot it',
  },
  { key: 'prefix_statsd', path: 'statsd.prefix', read: text, how: 'the same' },
  {
    key: 'prefix_services',
    env: 'PREFIX_SERVICES',
    fallback: '/services',
    path: 'layouts.registrar.prefix',
    read: text,
    how: 'a path',
  },
  {
    key: 'prefix_hosts',
    env: 'PREFIX_HOSTS',
    fallback: '/hosts',
    path: 'layouts.hosts.prefix',
    read: text,
    how: 'a path; host documents are written only where `layouts.hosts.enabled` asks for them',
  },
  {
    key: 'prefix_path',
    fallback: 'environment:ENVIRONMENT environment:NAME service:PORT service:HOST_PORT service:HOSTNAME',
    path: 'layouts.registrar.path',
    read: template,
    how: 'a list of elements, or one text with blanks between them',
  },
  {
    key: 'backend',
    env: 'BACKEND',
    fallback: 'etcd://localhost:4001',
    path: 'registries',
    read: backend,
    how: 'a URI; etcd:// means the v3 API, and consul:// is an error for now',
  },
];

const BY_KEY: ReadonlyMap<string, OldName> = new Map(OLD_NAMES.map((name) => [name.key, name]));

export function oldName(key: string): OldName | undefined {
  return BY_KEY.get(key);
}

/** Keys of early versions, which the last one no longer read. */
export const SUPERSEDED: ReadonlyMap<string, string> = new Map([
  ['path', 'write prefix_path'],
  ['loglevel', 'write log_level'],
  ['backends', 'write backend: etcd://host:port'],
  ['daemonize', 'leave it out; the agent runs in the foreground'],
  ['running_only', 'leave it out; only running containers are published'],
]);

/** Flags of its command line. `key`: the setting; `environment`: the file of `-e`. */
export const OLD_FLAGS = [
  { flags: '-B, --backend <uri>', short: '-B', key: 'backend', what: 'registry' },
  { flags: '-i, --interval <ms>', short: '-i', key: 'interval', what: 'milliseconds between runs' },
  { flags: '-t, --ttl <ms>', short: '-t', key: 'ttl', what: 'life of records, in milliseconds' },
  { flags: '-H, --hostname <name>', short: '-H', key: 'hostname', what: 'name of this host' },
  { flags: '-a, --addr <ip>', short: '-a', key: 'ipaddress', what: 'address of this host' },
  { flags: '-l, --log <file>', short: '-l', key: 'log', what: 'file of the log' },
  { flags: '-e, --environment <file>', short: '-e', key: 'environment', what: 'file of KEY=VALUE lines' },
  { flags: '-d, --debug', short: '-d', key: 'log_level', what: 'log level debug' },
] as const;
