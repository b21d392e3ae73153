import { expect } from 'vitest';
import { Agent, type AgentOptions } from '../kit/agent.ts';
import { statusOf } from '../kit/control.ts';
import { idle, runId, TestDocker, testLabels } from '../kit/docker.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { type EventuallyOptions, eventually } from '../kit/eventually.ts';
import { RegistryView, type StoredKey } from '../kit/registry-view.ts';

/** What the agents of these tests advertise: nobody has it, and nothing connects to it. */
export const ADDRESS = '192.0.2.10';

export type RunningContainer = Awaited<ReturnType<TestDocker['run']>>;

let worlds = 0;

export interface WorldOptions {
  /** The engine to use instead of a private one of its own; it stays when the world goes. */
  readonly engine?: PrivateEngine;
  /** Another way to the same engine, such as a proxy's socket. */
  readonly dockerHost?: string;
  /** The etcd to use instead of one of its own; it stays when the world goes. */
  readonly etcd?: EtcdServer;
}

/** A host of its own: an engine, an etcd and the agents between the two; nothing of it is anybody else's. */
export class World {
  readonly owner: string;
  readonly engine: PrivateEngine;
  readonly docker: TestDocker;
  readonly etcd: EtcdServer;
  readonly view: RegistryView;
  readonly #options: WorldOptions;
  readonly #agents: Agent[] = [];
  #paths = 0;

  private constructor(engine: PrivateEngine, etcd: EtcdServer, options: WorldOptions) {
    worlds += 1;
    this.owner = `e2e-${runId}-${worlds}`;
    this.engine = engine;
    this.docker = new TestDocker(engine.socketPath);
    this.etcd = etcd;
    this.view = new RegistryView(etcd);
    this.#options = options;
  }

  static async open(options: WorldOptions = {}): Promise<World> {
    const engine = options.engine ?? (await PrivateEngine.start());
    try {
      return new World(engine, options.etcd ?? (await EtcdServer.start()), options);
    } catch (error) {
      if (options.engine === undefined) await engine.remove();
      throw error;
    }
  }

  /** Options that name this world's parts. */
  args(...more: readonly string[]): readonly string[] {
    return [
      ...['--docker-host', this.#options.dockerHost ?? this.engine.dockerHost, '--owner-id', this.owner],
      ...['--advertise', ADDRESS, '--family', 'ipv4', ...more],
    ];
  }

  get registry(): string {
    return `etcd://127.0.0.1:${this.etcd.port}`;
  }

  /** Starts an agent; `args` come after the usual ones, and `registries` in place of this world's etcd. */
  launch(options: AgentOptions & { readonly registries?: readonly string[] } = {}): Agent {
    const registries = (options.registries ?? [this.registry]).flatMap((url) => ['--registry', url]);
    const agent = Agent.start({ ...options, args: this.args(...registries, ...(options.args ?? [])) });
    this.#agents.push(agent);
    return agent;
  }

  /** Starts an agent and waits until it says that it is ready. */
  async ready(options: Parameters<World['launch']>[0] = {}): Promise<Agent> {
    const agent = this.launch(options);
    await becomesReady(agent);
    return agent;
  }

  /** A running container that offers one HTTP port on a path of its own, below the owner's. */
  async serve(spec: Parameters<TestDocker['run']>[0] = {}): Promise<RunningContainer> {
    return await this.docker.run(this.offer(spec));
  }

  /** What `serve` runs. */
  offer(spec: Parameters<TestDocker['run']>[0] = {}): NonNullable<Parameters<TestDocker['run']>[0]> {
    this.#paths += 1;
    const path = `/${this.owner}/test/s${this.#paths}/x`;
    return {
      command: idle,
      ports: { '80/tcp': { HostIp: '0.0.0.0' } },
      ...spec,
      labels: { 'portolan.path': path, 'portolan.type': 'HTTP', ...spec.labels },
    };
  }

  /** Waits until the registry equals what the engine runs, no more and no less. */
  async converged(options: EventuallyOptions & { readonly view?: RegistryView } = {}): Promise<void> {
    const view = options.view ?? this.view;
    await eventually(
      async () => {
        expect(await this.shown(view)).toEqual(await this.wanted());
      },
      { deadlineMs: 20_000, what: 'the registry equal to the engine', ...options },
    );
  }

  /** Every record that the running containers ask for, in the short form of `shown`. */
  async wanted(): Promise<readonly string[]> {
    const label = Object.entries(testLabels).map(([name, value]) => `${name}=${value}`);
    const filters = { label, status: ['running'] };
    const containers = await this.docker.api.listContainers({ filters });
    const lines = containers.flatMap(({ Id, Labels, Ports }) => {
      const port = Ports.find(({ PrivatePort }) => PrivatePort === 80);
      const at = `${Labels['portolan.path'] ?? ''}/${Id.slice(0, 12)}`;
      const services = `/services${at} ${ADDRESS}:${port?.PublicPort ?? 0} registered`;
      return [services, `/announce${at}`, `owned /services${at}`, `owned /announce${at}`];
    });
    return [...lines, `/hosts/${this.owner}`, `owned /hosts/${this.owner}`, 'heartbeat'].sort();
  }

  /** Every record and all bookkeeping of this owner, in short. A record under a lease does not look like the others. */
  async shown(view: RegistryView = this.view): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const entry of (await view.list()).values()) {
      const line = lineOf(entry, this.owner);
      if (line !== undefined) lines.push(line);
    }
    return lines.sort();
  }

  /** The ledger entry of a record. */
  async entryOf(key: string): Promise<StoredKey> {
    const entries = await this.view.list(`/portolan/owners/${this.owner}/`);
    const found = [...entries.values()].find(({ value }) => value === key);
    if (found === undefined) throw new Error(`no ledger entry for ${key}`);
    return found;
  }

  get heartbeat(): string {
    return `/portolan/hosts/${this.owner}`;
  }

  /** The heartbeat, or the card that is written with it. */
  isHeartbeat(key: string): boolean {
    return key === this.heartbeat || key === `/portolan/cards/${this.owner}`;
  }

  /** Ends agents and containers, and what the world did not get from elsewhere. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#agents.map((agent) => agent.stop('SIGKILL')));
    if (this.#options.engine === undefined) await this.engine.remove();
    else await this.docker.clean();
    if (this.#options.etcd === undefined) await this.etcd.remove();
    // The leases of killed agents must not end in the middle of the next test, for that moves the revision.
    else await this.view.removeBelow('').catch(() => undefined);
  }
}

/** On the host's network, so that so many ports cost nothing; each is a service of its own, besides those of the image. */
export const idleOnHost = (name: string, ports: number): NonNullable<Parameters<TestDocker['run']>[0]> => {
  const exposed = Array.from({ length: ports }, (_, n) => [`${10_000 + n}/tcp`, {}] as const);
  return {
    name,
    command: idle,
    network: 'host',
    extra: { ExposedPorts: Object.fromEntries(exposed) },
  };
};

/** Where a container's records stand: its `services` and its `announce` key. */
export const keysOf = async (container: RunningContainer): Promise<readonly [string, string]> => {
  const { Config, Id } = await container.inspect();
  const at = `${Config.Labels['portolan.path'] ?? ''}/${Id.slice(0, 12)}`;
  return [`/services${at}`, `/announce${at}`];
};

export const becomesReady = async (agent: Agent): Promise<void> => {
  await eventually(async () => (await statusOf(agent)).ready, {
    deadlineMs: 40_000,
    what: 'a ready agent',
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${agent.output.slice(-15).join('\n')}`, { cause: error });
  });
};

const lineOf = ({ key, value, lease }: StoredKey, owner: string): string | undefined => {
  const under = lease === '0' ? '' : ` under lease ${lease}`;
  if (key.startsWith('/portolan/owners/'))
    return key.startsWith(`/portolan/owners/${owner}/`) ? `owned ${value}${under}` : undefined;
  if (key === `/portolan/hosts/${owner}`) return lease === '0' ? 'heartbeat without a lease' : 'heartbeat';
  if (key.startsWith('/portolan/drains/'))
    return key.startsWith(`/portolan/drains/${owner}/`) ? `drain ${key}${under}` : undefined;
  if (key === `/hosts/${owner}`) return `${key}${under}`;
  if (key.startsWith(`/announce/${owner}/`)) return `${key}${under}`;
  if (!key.startsWith(`/services/${owner}/`)) return undefined;
  if (!value.startsWith('{')) return `${key} ${value}${under}`;
  const { IP, EXT_PORT, state } = JSON.parse(value) as Record<string, string>;
  return `${key} ${IP ?? ''}:${EXT_PORT ?? ''} ${state ?? ''}${under}`;
};

/** The same sequence each time, so that a failure can be tried again. */
export const dice = (seed: number) => (): number => {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return seed / 2_147_483_648;
};
