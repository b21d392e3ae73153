import type { StatusView } from './status.ts';

/** `error`: something cannot work. `warning`: something most likely is not as it was meant. `info`: a fact. */
export type Severity = 'error' | 'warning' | 'info';

/** Everything that `portolan doctor` can find, with its severity and what to do about it. */
export const FINDINGS = {
  'engine-answers': ['info', ''],
  'engine-setting': ['error', 'Correct DOCKER_HOST (--docker-host) or the certificates beside it.'],
  'engine-missing': [
    'error',
    'Start Docker, or name its engine with --docker-host (DOCKER_HOST); in a container mount the folder of the socket.',
  ],
  'engine-socket-denied': [
    'error',
    'Add this user to the group of the socket (usermod -aG, or group_add in a container), or run as root.',
  ],
  'engine-stale': [
    'error',
    'Nobody listens behind the socket. Inside a container: the engine was restarted and made a new one; mount its folder (/var/run) instead of the file, and restart the container. On a host: start Docker.',
  ],
  'engine-unreachable': ['error', 'Look whether the engine runs, and whether its address is right.'],
  'engine-denied': [
    'error',
    'Allow the request in the proxy in front of the engine; Portolan only reads (manifests/ has one that fits).',
  ],
  'engine-clock': [
    'warning',
    'Set both clocks by NTP. Portolan allows for the difference, but times in logs and tables do not fit.',
  ],
  'registry-answers': ['info', ''],
  'registry-credentials': ['error', 'Correct the files that tls and passwordFile of the registry name.'],
  'registry-unreachable': [
    'error',
    'Look whether it runs, whether its address and TLS are right, and whether a firewall is between.',
  ],
  'registry-denied': [
    'error',
    'Correct user and password, or grant the role what it lacks (manifests/etcd-role.sh makes one).',
  ],
  'registry-full': [
    'error',
    'Compact and defragment etcd, then disarm the alarm (etcdctl alarm disarm); it takes no writes before.',
  ],
  'registry-corrupt': [
    'error',
    'A member of the cluster is damaged: replace it, as the manual of etcd says.',
  ],
  'registry-large': [
    'warning',
    'Compact and defragment etcd, or raise --quota-backend-bytes; at its quota (2 GiB by default) it takes no writes.',
  ],
  'registry-small-transactions': [
    'warning',
    'Raise --max-txn-ops of etcd to 128, its default; until then batches are halved, which is slower.',
  ],
  'registry-slow': [
    'warning',
    'Look at the disk of etcd and at the network between; every change waits for it.',
  ],
  'owner-taken': [
    'error',
    'Give each machine an owner id of its own (--owner-id); on a cloned machine remove the file owner from the state folder.',
  ],
  'owner-elsewhere': [
    'warning',
    'If an agent of this machine was stopped or killed moments ago, all is well. Otherwise another machine has this owner id: set --owner-id.',
  ],
  'agent-ready': ['info', ''],
  'agent-away': ['info', ''],
  'agent-denied': ['warning', 'Use sudo, or join the group of the socket.'],
  'agent-silent': ['error', 'It lives and does not answer: look into its log, and restart it.'],
  'agent-not-ready': ['warning', 'What it waits for is named; see the other findings.'],
  'agent-trouble': ['warning', 'See "portolan get records" and "portolan explain <container>".'],
  'state-folder-denied': [
    'error',
    'Give the folder to the user of the agent, or name another by --state-dir.',
  ],
  'state-folder-foreign': [
    'warning',
    'Run doctor as the user of the agent, or give the folder to that user.',
  ],
  'state-folder-damaged': [
    'error',
    'Restore the file owner, or write the owner id into it; without it every record of this host would be an orphan.',
  ],
  'port-taken': [
    'error',
    'Stop what listens there, or choose another address (--http-listen; bind of a proxy).',
  ],
  'port-denied': ['error', 'Choose a port above 1023, or give the capability CAP_NET_BIND_SERVICE.'],
  'few-files': [
    'warning',
    'Raise the limit of open files (LimitNOFILE of systemd, ulimits of compose) to 4096 or more.',
  ],
  'proxy-answers': ['info', ''],
  'proxy-unreachable': ['error', 'Start HAProxy with the admin socket that the settings name.'],
  'proxy-denied': [
    'error',
    'Let the user of the agent open the admin socket: "stats socket ... level admin group ...".',
  ],
  'proxy-level': ['error', 'Write "level admin" behind the stats socket in the configuration of HAProxy.'],
  'proxy-unsupported': ['error', 'Install HAProxy 2.6 or newer.'],
  'proxy-folder-denied': ['error', 'Give the folder of the proxy to the user of the agent.'],
  'container-misspelt': ['warning', 'Write the label as it is suggested.'],
  'container-metadata': ['warning', 'Correct it; hack/reference/labels.md has every key.'],
  'container-foreign': [
    'warning',
    'Write portolan.* labels instead, or switch on the dialect that reads these (--dialect).',
  ],
  'container-loopback': [
    'warning',
    'Publish the port on an address that other hosts reach, such as 0.0.0.0.',
  ],
  'container-unpublished': [
    'info',
    'If it is meant to be found, publish the port, or say portolan.address=container.',
  ],
  'check-failed': ['warning', 'The other checks are not concerned.'],
  'check-late': ['warning', 'What it asks hangs; the other checks are not concerned.'],
} as const satisfies Record<string, readonly [Severity, string]>;

export type FindingCode = keyof typeof FINDINGS;

export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  /** What it is about, such as `registry etcd://a`. */
  readonly subject: string;
  /** One sentence for people, without secrets. */
  readonly what: string;
  /** undefined: there is nothing to do. */
  readonly remedy: string | undefined;
}

export function finding(code: FindingCode, subject: string, what: string): Finding {
  const [severity, remedy] = FINDINGS[code];
  return { severity, code, subject, what, remedy: remedy === '' ? undefined : remedy };
}

/** What `portolan doctor` prints. */
export interface DoctorView {
  readonly version: string;
  readonly errors: number;
  readonly warnings: number;
  /** The gravest first. */
  readonly findings: readonly Finding[];
}

const RANK: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };

export function doctorView(version: string, found: readonly Finding[]): DoctorView {
  const count = (severity: Severity): number => found.filter((one) => one.severity === severity).length;
  const findings = [...found].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  return { version, errors: count('error'), warnings: count('warning'), findings };
}

/** What the command line knows of the agent that runs here. */
export type RunningAgent =
  | { readonly type: 'running'; readonly status: StatusView }
  | { readonly type: 'away' | 'denied' | 'silent'; readonly why: string };
