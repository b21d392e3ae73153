import Docker from 'dockerode';
import { GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { type Certificates, makeCertificates } from './certificates.ts';
import { testLabels } from './docker.ts';
import { type EtcdOptions, etcdArguments, etcdEntry, etcdUsers, type Membership } from './etcd-options.ts';
import { eventually } from './eventually.ts';
import { freePort } from './ports.ts';

// There is no registry to pull the reaper's image from; hack/test.sh removes what a crash leaves, by label.
process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';

/** An etcd server in a container that can be paused, killed and started again with the same data and port. */
export class EtcdServer {
  readonly port: number;
  /** The address for clients. */
  readonly endpoint: string;
  /** The certificates if it was started with `tls`. */
  readonly certificates: Certificates | undefined;
  readonly #container: StartedTestContainer;
  readonly #docker: Docker.Container;
  readonly #scheme: string;
  #user: readonly string[] = [];

  private constructor(
    container: StartedTestContainer,
    scheme: string,
    port: number,
    certificates?: Certificates,
  ) {
    this.#container = container;
    this.#docker = new Docker().getContainer(container.getId());
    this.#scheme = scheme;
    this.port = port;
    // gRPC wants a name, not an address, in a certificate's check; localhost could be ::1 where IPv6 is half set up.
    this.endpoint = `${scheme}://${scheme === 'https' ? 'localhost' : '127.0.0.1'}:${port}`;
    this.certificates = certificates;
  }

  static async start(options: EtcdOptions = {}, member?: Membership): Promise<EtcdServer> {
    const port = options.port ?? (await freePort());
    const certificates = options.tls === true ? await makeCertificates() : undefined;
    const scheme = options.tls === true ? 'https' : 'http';
    const peer = 'http://localhost:2380';
    const entry = etcdEntry({ name: 'etcd0', peer, cluster: `etcd0=${peer}` });
    const prepared = new GenericContainer(`portolan-test/etcd:${options.version ?? '3.5'}`)
      .withEntrypoint(['sh', '-c', entry, 'etcd'])
      .withCommand(etcdArguments(scheme, port, options, member))
      .withExposedPorts({ container: 2379, host: port })
      .withCopyContentToContainer(
        certificates === undefined
          ? []
          : [
              { content: certificates.ca, target: '/tls/ca.pem' },
              { content: certificates.serverCertificate, target: '/tls/server.pem' },
              { content: certificates.serverKey, target: '/tls/server.key' },
              { content: certificates.clientCertificate, target: '/tls/client.pem' },
              { content: certificates.clientKey, target: '/tls/client.key' },
            ],
      )
      .withLabels(testLabels)
      .withStartupTimeout(60_000)
      .withWaitStrategy(Wait.forLogMessage(/ready to serve client requests/));
    if (member !== undefined) prepared.withNetworkMode(member.network).withNetworkAliases(member.name);
    const server = new EtcdServer(await prepared.start(), scheme, port, certificates);
    if (options.auth === true) await server.#enableAuth();
    return server;
  }

  /** Runs etcdctl inside the container, as root if the server asks for a user. */
  async etcdctl(...args: readonly string[]): Promise<string> {
    const tls = ['--cacert=/tls/ca.pem', '--cert=/tls/client.pem', '--key=/tls/client.key'];
    const { exitCode, output } = await this.#container.exec([
      'etcdctl',
      `--endpoints=${this.#scheme}://localhost:2379`,
      ...(this.certificates === undefined ? [] : tls),
      ...this.#user,
      ...args,
    ]);
    if (exitCode !== 0) throw new Error(`etcdctl ${args.join(' ')} failed: ${output}`);
    return output.trim();
  }

  /** The same in the other store, that of the v2 API (`--enable-v2`). */
  async v2(...args: readonly string[]): Promise<string> {
    return await this.script(
      'ETCDCTL_API=2 etcdctl --no-sync --endpoints http://127.0.0.1:2379 "$@"',
      '',
      ...args,
    );
  }

  /** Runs a script for the shell inside the container, as root if the server asks for a user; `input` on its standard input. */
  async script(text: string, input: string, ...args: readonly string[]): Promise<string> {
    const target = '/tmp/script.sh';
    await this.#container.copyContentToContainer([
      { content: text, target },
      { content: input, target: '/tmp/input' },
    ]);
    const [, user] = this.#user;
    const command = ['sh', '-c', `sh ${target} "$@" </tmp/input`, 'script', ...args];
    const tls = {
      ETCDCTL_ENDPOINTS: 'https://localhost:2379',
      ETCDCTL_CACERT: '/tls/ca.pem',
      ETCDCTL_CERT: '/tls/client.pem',
      ETCDCTL_KEY: '/tls/client.key',
    };
    const env = {
      ...(user === undefined ? {} : { ETCDCTL_USER: user }),
      ...(this.certificates === undefined ? {} : tls),
    };
    const { exitCode, output } = await this.#container.exec(command, { env });
    if (exitCode !== 0) throw new Error(`the script failed: ${output}`);
    return output.trim();
  }

  /** The store's revision: it moves with every write and with nothing else. */
  async revision(): Promise<number> {
    const [status] = JSON.parse(await this.etcdctl('endpoint', 'status', '-w', 'json')) as [
      { Status: { header: { revision: number } } },
    ];
    return status.Status.header.revision;
  }

  /** Waits until it answers; with a majority of the members, unless told otherwise. */
  async ready(quorum = true): Promise<void> {
    await eventually(() => this.etcdctl('endpoint', quorum ? 'health' : 'status'), {
      deadlineMs: 30_000,
      what: 'etcd ready',
    });
  }

  /** Freezes it: connections stay open, nothing is answered. */
  async pause(): Promise<void> {
    await this.#docker.pause();
  }

  async unpause(): Promise<void> {
    await this.#docker.unpause();
  }

  /** `kill -9`; returns once it is dead. */
  async kill(): Promise<void> {
    const dead = this.#docker.wait();
    await this.#docker.kill({ signal: 'SIGKILL' });
    await dead;
  }

  /** Ends it in good order. */
  async stop(): Promise<void> {
    await this.#docker.stop({ t: 10 });
  }

  /** Starts it again after `kill` or `stop`, on the same port with the same data. */
  async start(quorum = true): Promise<void> {
    await this.#docker.start();
    await this.ready(quorum);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Saves a backup inside the container, for `restore`. */
  async backup(): Promise<void> {
    await this.#container.exec(['busybox', 'mkdir', '-p', '/backup']);
    await this.etcdctl('snapshot', 'save', '/backup/db');
  }

  /** Kills it and brings it back from the backup; another token makes another cluster id. */
  async restore(token = 'etcd-cluster'): Promise<void> {
    await this.#container.exec(['sh', '-c', `echo '${token}' >/backup/token`]);
    await this.kill();
    await this.start();
  }

  async log(): Promise<string> {
    // The log of a container without a terminal carries a few bytes of framing per line; nobody minds here.
    return (await this.#docker.logs({ stdout: true, stderr: true })).toString();
  }

  /** Removes the container, its data and its certificates. */
  async remove(): Promise<void> {
    await this.#docker.remove({ force: true, v: true });
    await this.certificates?.remove();
  }

  async #enableAuth(): Promise<void> {
    await this.etcdctl('user', 'add', `root:${etcdUsers.root}`);
    await this.etcdctl('user', 'grant-role', 'root', 'root');
    await this.etcdctl('role', 'add', 'portolan');
    await this.etcdctl('role', 'grant-permission', '--prefix=true', 'portolan', 'readwrite', '/');
    await this.etcdctl('user', 'add', `portolan:${etcdUsers.portolan}`);
    await this.etcdctl('user', 'grant-role', 'portolan', 'portolan');
    await this.etcdctl('auth', 'enable');
    this.#user = ['--user', `root:${etcdUsers.root}`];
  }
}
