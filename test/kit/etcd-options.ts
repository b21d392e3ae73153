export type EtcdVersion = '3.4' | '3.5';

/** The users of a server with `auth`: `root` may do all, `portolan` may read and write below `/`. */
export const etcdUsers = { root: 'root-password', portolan: 'portolan-password' } as const;

export interface EtcdOptions {
  readonly version?: EtcdVersion;
  /** Serve TLS and demand a client certificate. */
  readonly tls?: boolean;
  /** Demand a user and a password. */
  readonly auth?: boolean;
  /** The host port; a free one by default. It stays the same over kills and restarts. */
  readonly port?: number;
  /** More options for etcd itself. */
  readonly args?: readonly string[];
}

/** A member's place in a cluster. */
export interface Membership {
  readonly name: string;
  /** The network the members talk on, by name. */
  readonly network: string;
  readonly cluster: string;
}

/** A member as it is restored: its name, its address for the others, and all of them. */
export interface Restored {
  readonly name: string;
  readonly peer: string;
  readonly cluster: string;
}

/** etcd runs as PID 1 so that a kill hits it, not a shell. A restore has to happen before it starts. */
export const etcdEntry = ({ name, peer, cluster }: Restored): string => `if [ -e /backup/token ]; then
  busybox rm -rf /data
  etcdctl snapshot restore /backup/db --data-dir /data --name ${name} --initial-cluster ${cluster} \\
    --initial-advertise-peer-urls ${peer} --initial-cluster-token "$(busybox cat /backup/token)" || exit 1
  busybox rm /backup/token
fi
exec etcd "$@"`;

/** The command line of one server; its container's port 2379 is `port` on this machine. */
export const etcdArguments = (
  scheme: string,
  port: number,
  options: EtcdOptions,
  member?: Membership,
): string[] => [
  ...[
    '--name',
    member?.name ?? 'etcd0',
    '--data-dir',
    '/data',
    '--unsafe-no-fsync',
    '--log-outputs',
    'stderr',
  ],
  ...['--listen-client-urls', `${scheme}://0.0.0.0:2379`],
  ...['--advertise-client-urls', `${scheme}://localhost:${port}`],
  ...(options.tls === true
    ? [
        '--cert-file=/tls/server.pem',
        '--key-file=/tls/server.key',
        '--trusted-ca-file=/tls/ca.pem',
        '--client-cert-auth',
      ]
    : []),
  ...(member === undefined
    ? ['--initial-cluster', 'etcd0=http://localhost:2380']
    : [
        ...['--listen-peer-urls', 'http://0.0.0.0:2380', '--initial-cluster', member.cluster],
        ...['--initial-advertise-peer-urls', `http://${member.name}:2380`],
      ]),
  ...(options.args ?? []),
];
