export interface FakeSpec {
  readonly id?: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Container port to the host port asked for; `0` is an ephemeral one. */
  readonly ports?: Readonly<Record<string, number>>;
  /** A network's name, `host`, `none` or `container:<id>`; default `default` (on the bridge). */
  readonly network?: string;
  readonly health?: boolean;
  /** As in the image: a name or a number. */
  readonly stopSignal?: string;
  /** Does not die of TERM. */
  readonly stubborn?: boolean;
  /** Merged over each inspection. */
  readonly inspection?: object;
}

export function fakeId(number: number): string {
  return number.toString(16).padStart(64, '0');
}

/** One container of the fake engine, in the JSON of engine 20.10. */
export class FakeContainer {
  readonly id: string;
  readonly spec: FakeSpec;
  name: string;
  state: 'created' | 'running' | 'paused' | 'exited' = 'created';
  health: 'starting' | 'healthy' | 'unhealthy' = 'starting';
  readonly #number: number;
  readonly #createdAt: number;
  readonly #networks = new Set<string>();
  #startedAt = '0001-01-01T00:00:00Z';
  #starts = 0;
  #ports: [port: string, hostPort: number][] = [];

  constructor(id: string, number: number, createdAt: number, spec: FakeSpec) {
    this.id = id;
    this.spec = spec;
    this.name = spec.name ?? `c${String(number)}`;
    this.#number = number;
    this.#createdAt = createdAt;
    const network = spec.network ?? 'default';
    if (!network.startsWith('container:')) this.#networks.add(network === 'default' ? 'bridge' : network);
  }

  get isAlive(): boolean {
    return this.state === 'running' || this.state === 'paused';
  }

  /** Its address on its first network; no other container of the engine has it. */
  get ip(): string {
    return this.#ipOn(0);
  }

  /** The host port that it is published on now; `port` such as `80/tcp`. */
  hostPort(port: string): number | undefined {
    return this.#ports.find(([its]) => its === port)?.[1];
  }

  get networkNames(): string[] {
    return [...this.#networks];
  }

  start(startedAt: string, choosePort: () => number): void {
    this.state = 'running';
    this.health = 'starting';
    this.#startedAt = startedAt;
    this.#starts += 1;
    this.#ports = Object.entries(this.spec.ports ?? {}).map(([port, asked]) => [
      port,
      asked === 0 ? choosePort() : asked,
    ]);
  }

  stop(): void {
    this.state = 'exited';
    this.#ports = [];
  }

  connect(network: string): void {
    this.#networks.add(network);
  }

  disconnect(network: string): void {
    this.#networks.delete(network);
  }

  attributes(): Record<string, string> {
    return { image: 'image:1', name: this.name, ...this.spec.labels };
  }

  row(): object {
    const words = {
      created: 'Created',
      running: 'Up 5 minutes',
      paused: 'Up 5 minutes (Paused)',
      exited: 'Exited (0) 1 second ago',
    };
    const health =
      this.spec.health === true && this.state === 'running'
        ? ` (${this.health === 'starting' ? 'health: starting' : this.health})`
        : '';
    return {
      Id: this.id,
      Names: [`/${this.name}`],
      State: this.state,
      Status: words[this.state] + health,
      Ports: this.#ports.flatMap(([port, PublicPort]) => {
        const [digits, Type] = port.split('/');
        return ['0.0.0.0', '::'].map((IP) => ({ IP, PrivatePort: Number(digits), PublicPort, Type }));
      }),
      NetworkSettings: { Networks: this.#networkSettings() },
    };
  }

  inspection(): object {
    const {
      labels = {},
      env = {},
      ports = {},
      health = false,
      stopSignal,
      network = 'default',
      inspection = {},
    } = this.spec;
    return {
      Id: this.id,
      Name: `/${this.name}`,
      Created: new Date(this.#createdAt).toISOString(),
      State: {
        Status: this.state,
        StartedAt: this.#startedAt,
        ...(health && this.state !== 'created' ? { Health: { Status: this.health } } : {}),
      },
      HostConfig: {
        NetworkMode: network,
        PortBindings: mapValues(ports, (asked) => [
          { HostIp: '', HostPort: asked === 0 ? '' : String(asked) },
        ]),
        PublishAllPorts: false,
      },
      Config: {
        Hostname: this.id.slice(0, 12),
        Image: 'image:1',
        Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
        Labels: labels,
        ExposedPorts: mapValues(ports, () => ({})),
        ...(health ? { Healthcheck: { Test: ['CMD', 'true'] } } : {}),
        ...(stopSignal === undefined ? {} : { StopSignal: stopSignal }),
      },
      NetworkSettings: {
        Ports: Object.fromEntries(
          this.#ports.map(([port, hostPort]) => [
            port,
            ['0.0.0.0', '::'].map((HostIp) => ({ HostIp, HostPort: String(hostPort) })),
          ]),
        ),
        Networks: this.#networkSettings(),
      },
      ...inspection,
    };
  }

  #ipOn(index: number): string {
    return `172.${String(17 + index)}.${String(this.#number >> 8)}.${String(this.#number % 256)}`;
  }

  #networkSettings(): object {
    const connected = this.isAlive;
    return Object.fromEntries(
      this.networkNames.map((name, index) => [
        name,
        {
          NetworkID: '',
          EndpointID: connected ? `${this.id.slice(-8)}-${name}-${String(this.#starts)}` : '',
          IPAddress: connected && name !== 'host' ? this.#ipOn(index) : '',
          GlobalIPv6Address: '',
        },
      ]),
    );
  }
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, to: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
}
