import { randomBytes } from 'node:crypto';
import { text } from 'node:stream/consumers';
import Docker from 'dockerode';

const busyboxImage = 'portolan-test/bb:1';

/**
 * Names what this test process creates, so that it can be told from what others run on the same engine. It begins
 * with the process id: what belongs to a process that is gone is a leftover.
 */
export const runId = `${process.pid}-${randomBytes(4).toString('hex')}`;

/** On each container and network of the tests: hack/test.sh removes by it what a crash left. */
export const testLabels: Readonly<Record<string, string>> = { 'testing.portolan.run': runId };

/** Answers each HTTP request on `port` with `id=<container's host name>`; ends at once on TERM. */
export const httpBackend = (port = 80): string[] => [
  'sh',
  '-c',
  `busybox mkdir -p /www; echo id=$HOSTNAME >/www/index.html; trap 'exit 0' TERM; busybox httpd -f -p ${port} -h /www & wait`,
];

/** Sends back what it receives on `port`; ends at once on TERM. */
export const tcpEcho = (port = 7001): string[] => [
  'sh',
  '-c',
  `trap 'exit 0' TERM; busybox nc -ll -p ${port} -e busybox cat & wait`,
];

/** Does nothing until TERM. */
export const idle: string[] = ['sh', '-c', "trap 'exit 0' TERM; busybox sleep 86400 & wait"];

interface PortBinding {
  readonly HostIp?: string;
  readonly HostPort?: string;
}

export interface ContainerSpec {
  readonly name?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** Container port (`80/tcp`) to where it is published; `{}` is an ephemeral port on all addresses. */
  readonly ports?: Readonly<Record<string, PortBinding | readonly PortBinding[]>>;
  readonly hostname?: string;
  /** A network's name, `host`, `none` or `container:<id>`. */
  readonly network?: string;
  /** A shell line that says whether the container is healthy, asked every 200 ms. */
  readonly health?: string;
  /** Anything else the API takes; merged over the above. */
  readonly extra?: Docker.ContainerCreateOptions;
}

const hostConfig = (spec: ContainerSpec): Docker.HostConfig => ({
  ...(spec.network === undefined ? {} : { NetworkMode: spec.network }),
  PortBindings: Object.fromEntries(
    Object.entries(spec.ports ?? {}).map(([port, where]) => [port, [where].flat()]),
  ),
  ...spec.extra?.HostConfig,
});

const createOptions = (spec: ContainerSpec): Docker.ContainerCreateOptions => ({
  Image: spec.image ?? busyboxImage,
  Cmd: [...(spec.command ?? idle)],
  Env: Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`),
  ExposedPorts: Object.fromEntries(Object.keys(spec.ports ?? {}).map((port) => [port, {}])),
  ...(spec.name === undefined ? {} : { name: spec.name }),
  ...(spec.hostname === undefined ? {} : { Hostname: spec.hostname }),
  ...(spec.health === undefined
    ? {}
    : { Healthcheck: { Test: ['CMD-SHELL', spec.health], Interval: 200e6, Timeout: 5e9, Retries: 1 } }),
  ...spec.extra,
  Labels: { ...spec.labels, ...spec.extra?.Labels, ...testLabels },
  HostConfig: hostConfig(spec),
});

const gone = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 404;

/** Containers and networks on one engine that go away with `clean`, whatever became of the test. */
export class TestDocker {
  readonly api: Docker;
  readonly #containers = new Set<string>();
  readonly #networks = new Set<string>();

  /** The machine's engine, or the one behind a unix socket. */
  constructor(socketPath?: string) {
    this.api = socketPath === undefined ? new Docker() : new Docker({ socketPath });
  }

  async create(spec: ContainerSpec = {}): Promise<Docker.Container> {
    const container = await this.api.createContainer(createOptions(spec));
    this.#containers.add(container.id);
    return container;
  }

  async run(spec: ContainerSpec = {}): Promise<Docker.Container> {
    const container = await this.create(spec);
    await container.start();
    return container;
  }

  /** Runs a shell line in a container and returns what it printed. */
  async exec(container: Docker.Container, line: string): Promise<string> {
    const exec = await container.exec({ Cmd: ['sh', '-c', line], AttachStdout: true, Tty: true });
    return await text(await exec.start({ Tty: true }));
  }

  /** The host port that a container's port is published on. */
  async publishedPort(container: Docker.Container, port: string): Promise<number> {
    const { NetworkSettings: settings } = await container.inspect();
    const binding = settings.Ports[port]?.[0];
    if (binding === undefined) throw new Error(`${port} is not published`);
    return Number(binding.HostPort);
  }

  async network(name: string, options: Partial<Docker.NetworkCreateOptions> = {}): Promise<Docker.Network> {
    const network = await this.api.createNetwork({ ...options, Name: name, Labels: { ...testLabels } });
    this.#networks.add(network.id);
    return network;
  }

  /** This machine as the containers of the default network reach it. */
  async gateway(): Promise<string> {
    const { IPAM: ipam } = (await this.api.getNetwork('bridge').inspect()) as {
      readonly IPAM: { readonly Config: readonly { readonly Gateway: string }[] };
    };
    const [network] = ipam.Config;
    if (network === undefined) throw new Error('the default network has no gateway');
    return network.Gateway;
  }

  /** Removes what was made here, by id; it goes on over failures and reports them at the end. */
  async clean(): Promise<void> {
    const removals = [...this.#containers].map(async (id) => {
      await this.api
        .getContainer(id)
        .remove({ force: true, v: true })
        .catch((error: unknown) => {
          if (!gone(error)) throw error;
        });
      this.#containers.delete(id);
    });
    const failed = (await Promise.allSettled(removals)).filter((result) => result.status === 'rejected');
    for (const id of this.#networks) {
      await this.api
        .getNetwork(id)
        .remove()
        .catch((error: unknown) => {
          if (!gone(error)) throw error;
        });
      this.#networks.delete(id);
    }
    if (failed.length > 0)
      throw new AggregateError(
        failed.map(({ reason }) => reason as unknown),
        'containers could not be removed',
      );
  }
}
