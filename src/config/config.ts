import * as z from 'zod';
import { DRAIN_MARKS, EXPIRIES } from '../core/layout.ts';
import { POLICIES, type Policy } from '../core/policy.ts';
import { announcements } from './announcement-settings.ts';
import { COMPATS } from './compat/names.ts';
import { type EngineConfig, engines } from './engines.ts';
import { flaps } from './flap-settings.ts';
import { type ProxySettings, proxies } from './proxies.ts';
import { dialects, layouts } from './record-settings.ts';
import { etcd, file, registry } from './registry-settings.ts';
import type { Secret } from './secret.ts';
import { group, on, setting } from './setting.ts';
import { statsd } from './statsd-settings.ts';
import {
  advertiseRule,
  count,
  debounceWindow,
  duration,
  keyPrefix,
  listenAddress,
  machineName,
  ownerId,
} from './values.ts';

/** The one schema. Everything that can be set is here once, and nowhere else. */
export const settingsSchema = z.strictObject({
  registries: setting(z.array(registry).prefault([]), {
    description:
      'Registries to write to and to follow: etcd://host:port[,host:port...], etcds:// for TLS, memory:// for the embedded one; a comma separates the members of one registry.',
    kind: 'registries',
    value: 'url',
    env: 'PORTOLAN_REGISTRY',
    flag: 'registry',
    fallback: 'the embedded registry, memory://',
  }),
  etcd,
  proxies: setting(proxies.prefault([]), {
    description: 'HAProxy instances that follow a registry; only in the file.',
    kind: 'list',
    value: 'mapping',
    flag: false,
    fallback: 'none',
  }),
  listenPath: setting(z.array(keyPrefix).optional(), {
    description: 'Paths whose services a proxy serves that names none itself, below the services layout.',
    kind: 'list',
    value: 'paths',
    envAlias: ['LISTEN_PATH'],
    fallback: 'all',
  }),
  ownerId: setting(ownerId.optional(), {
    description: 'Identity under which this host owns its records; must be unique and stable.',
    value: 'id',
    fallback: "kept in the state folder, at first the engine's id",
  }),
  hostName: setting(machineName.optional(), {
    description: 'Name of this host in heartbeats, host documents and the documents of the registrar layout.',
    value: 'name',
    fallback: "the machine's name",
  }),
  stateDir: setting(file.optional(), {
    description: 'Folder for the owner id, the control socket and the drains of an embedded registry.',
    value: 'folder',
    fallback: '/var/lib/portolan as root, else $XDG_STATE_HOME/portolan or ~/.local/state/portolan',
  }),
  policy: setting(z.enum(POLICIES).default('sync'), {
    reload: true,
    description: 'What may be done to registries: everything, everything but removals, or only additions.',
    value: POLICIES.join('|'),
  }),
  expiry: setting(z.enum(EXPIRIES).default('prune'), {
    description:
      "What becomes of records whose agent is gone: prune: they stay until some agent removes them; ttl: they go with the host's lease.",
    value: EXPIRIES.join('|'),
  }),
  layouts,
  dialects,
  announcements,
  docker: group({
    host: setting(z.string().min(1).optional(), {
      description: 'The Docker engine: unix:///path, tcp://host:port.',
      value: 'url',
      envAlias: ['DOCKER_HOST'],
      fallback: 'the first socket of Docker or Podman that is there',
    }),
    tlsVerify: setting(z.boolean().default(false), {
      description:
        'Use TLS towards the engine and verify it (as with Docker, DOCKER_TLS_VERIFY means yes when it is not empty).',
      kind: 'boolean',
      envAlias: ['DOCKER_TLS_VERIFY'],
    }),
    certPath: setting(file.optional(), {
      description: 'Folder with ca.pem, cert.pem and key.pem for the engine.',
      value: 'folder',
      envAlias: ['DOCKER_CERT_PATH'],
      fallback: '~/.docker when TLS is verified and ca.pem is there',
    }),
    oneOff: on('Also publish one-off containers of compose (docker compose run).', false, 'one-off', true),
  }),
  engines: setting(engines.prefault([]), {
    description:
      'Several engines, each with an owner of its own, in place of docker.host and ownerId; only in the file.',
    kind: 'list',
    value: 'mapping',
    flag: false,
    fallback: 'the one engine of docker',
  }),
  advertise: setting(z.array(advertiseRule).prefault([]), {
    reload: true,
    description:
      'Address of this host for others: an IP address, iface:<name> or cidr:<network>; the first that matches in each family.',
    kind: 'list',
    value: 'rule',
    fallback: 'the address of the interface with the default route',
  }),
  address: setting(z.enum(['host', 'container']).default('host'), {
    reload: true,
    description: "Publish the host's address and published port, or the container's own.",
    value: 'host|container',
  }),
  network: setting(z.string().min(1).optional(), {
    reload: true,
    description: "Docker network whose address counts as the container's own.",
    value: 'name',
    fallback: 'the first by name that has an address',
  }),
  family: setting(z.enum(['ipv4', 'ipv6', 'both']).default('both'), {
    reload: true,
    description: 'Address families to publish.',
    value: 'ipv4|ipv6|both',
  }),
  resync: setting(duration({ min: 1000 }).prefault('60s'), {
    reload: true,
    description: 'How often everything is read again and compared.',
    value: 'duration',
  }),
  debounce: setting(debounceWindow.prefault('2ms:20ms'), {
    reload: true,
    description: 'Quiet time that gathers changes, and the longest wait; the first change passes at once.',
    value: 'min:max',
  }),
  drainTime: setting(duration({ max: 3_600_000 }).prefault('30s'), {
    reload: true,
    description: 'How long an unhealthy endpoint drains.',
    value: 'duration',
  }),
  drainMark: setting(z.enum(DRAIN_MARKS).default('mark'), {
    description:
      'How the services layout shows what drains: mark: by the field state; delete: the record goes, for readers that know no state.',
    value: DRAIN_MARKS.join('|'),
  }),
  probes: group({
    parallel: setting(count({ min: 1, max: 1000 }).prefault(64), {
      reload: true,
      description: 'Readiness probes (label portolan.probe) that may be under way at once.',
      value: 'number',
    }),
  }),
  flaps,
  leaseTtl: setting(duration({ min: 5000, max: 3_600_000 }).prefault('15s'), {
    description: "Life of the host's lease, and of records in ttl mode, without a sign of life.",
    value: 'duration',
  }),
  handover: setting(duration({ min: 5000 }).prefault('5m'), {
    reload: true,
    description:
      'How long the heartbeat, and records in ttl mode, outlive a stopped agent, so that an upgrade is no outage.',
    value: 'duration',
  }),
  deadHostGrace: setting(
    z.preprocess((given) => (given === 0 ? '0' : given), duration({ never: true })).prefault('30s'),
    {
      reload: true,
      description:
        'How long after the loss of its heartbeat the records of a host that answers nothing are removed, by any agent; 0: never.',
      value: 'duration',
    },
  ),
  deregisterOnExit: on(
    'Withdraw all own records at exit instead of leaving them for the next agent.',
    false,
    'deregister-on-exit',
    true,
  ),
  http: group({
    listen: setting(listenAddress.prefault('127.0.0.1:7979'), {
      description: 'Where health and status are served, read-only; off: nowhere.',
      value: 'host:port',
    }),
    allowedHosts: setting(z.array(z.string().regex(/^[A-Za-z0-9._:[\]-]+$/)).prefault([]), {
      description: 'Further host names under which the listener may be asked.',
      kind: 'list',
      value: 'names',
      flag: 'http-allowed-hosts',
    }),
  }),
  controlSocket: setting(file.optional(), {
    description: 'Unix socket (mode 0660) on which the agent answers the other commands.',
    value: 'file',
    fallback: 'portolan.sock in the state folder',
  }),
  statsd,
  log: group({
    level: setting(z.enum(['debug', 'info', 'warn', 'error']).default('info'), {
      reload: true,
      description: 'Least severe log lines that are written.',
      value: 'debug|info|warn|error',
    }),
    format: setting(z.enum(['auto', 'json', 'pretty']).default('auto'), {
      description: 'Log format; auto: pretty on a terminal, else JSON.',
      value: 'auto|json|pretty',
    }),
  }),
  compat: setting(z.enum(COMPATS).default('none'), {
    description:
      "Another program's variables, flags and keys that are read besides, and its defaults: service-registrar.",
    value: COMPATS.join('|'),
  }),
  dryRun: on('Print what would change and write nothing.', false, 'dry-run'),
  once: on('Converge once, first probes included, and exit; needs a real registry.', false, 'once'),
});

/** What the schema makes of the input; `load.ts` resolves what depends on the machine. */
export type Settings = z.output<typeof settingsSchema>;

/** Files for TLS; read when the agent starts and whenever they change. */
export interface TlsFiles {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export interface RegistryConfig {
  /** Unique; the `target` of logs, tables and plans. */
  readonly name: string;
  /** Without credentials. */
  readonly url: string;
  readonly kind: 'memory' | 'etcd';
  /** `host:port` of each member. */
  readonly members: readonly string[];
  /** undefined: no TLS. */
  readonly tls: TlsFiles | undefined;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
  /** Where `password` came from; it is read again when it changes. */
  readonly passwordFile: string | undefined;
  readonly policy: Policy;
}

/** The configuration of a process. Durations are milliseconds. */
export interface Config
  extends Omit<
    Settings,
    'registries' | 'etcd' | 'stateDir' | 'controlSocket' | 'ownerId' | 'docker' | 'proxies' | 'engines'
  > {
  /** At least one. */
  readonly registries: readonly RegistryConfig[];
  readonly proxies: readonly ProxySettings[];
  /** Empty: the one of `docker`. */
  readonly engines: readonly EngineConfig[];
  /** undefined: kept in the state folder. */
  readonly ownerId: string | undefined;
  readonly stateDir: string;
  readonly controlSocket: string;
  readonly docker: Settings['docker'] & {
    /** Where an engine is looked for, in this order; empty when `host` names one. */
    readonly sockets: readonly string[];
  };
}
