import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { Etcd3, type IKeyValue, type Watcher } from 'etcd3';
import { expect } from 'vitest';
import { Agent, type CommandResult, portolan, removeAgents } from '../kit/agent.ts';
import { type ContainerSpec, runId, TestDocker } from '../kit/docker.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';

/** What the agents of these tests say their host's addresses are. */
export const host = { ipv4: '10.9.8.7', ipv6: 'fd00:98::7' } as const;

export type Document = Readonly<Record<string, unknown>>;
export type Documents = Readonly<Record<string, Document>>;

/** Something that happened to a key; `value` undefined: it was deleted. */
export interface KeyEvent {
  readonly key: string;
  readonly value: Document | undefined;
  readonly revision: number;
}

/** Looks until the expectations inside hold. */
export const sees = async <T>(look: () => T | Promise<T>, deadlineMs = 15_000): Promise<Exclude<T, false>> =>
  await eventually(look, { deadlineMs });

/** Looks again and again for so long: the expectations inside must hold each time. */
export const staysTrue = async (look: () => void | Promise<void>, forMs: number): Promise<void> => {
  const end = performance.now() + forMs;
  await eventually(
    async () => {
      await look();
      return performance.now() >= end;
    },
    { deadlineMs: forMs + 5000, everyMs: 250, what: 'what must stay so' },
  );
};

const parse = (value: string): Document => {
  try {
    return JSON.parse(value) as Document;
  } catch {
    return { value };
  }
};

/** A real etcd, and everything that happens in it. */
export class Registry {
  readonly server: EtcdServer;
  /** Every change of every key, oldest first. */
  readonly history: KeyEvent[] = [];
  readonly #client: Etcd3;
  #watcher: Watcher | undefined;

  private constructor(server: EtcdServer) {
    this.server = server;
    this.#client = new Etcd3({
      hosts: server.endpoint,
      defaultCallOptions: (call) => (call.isStream ? {} : { deadline: Date.now() + 5000 }),
    });
  }

  static async start(): Promise<Registry> {
    const registry = new Registry(await EtcdServer.start());
    registry.#watcher = await registry.#client.watch().prefix('/').create();
    const note = (deleted: boolean) => (kv: IKeyValue) => {
      const value = deleted ? undefined : parse(kv.value.toString());
      registry.history.push({ key: kv.key.toString(), value, revision: Number(kv.mod_revision) });
    };
    registry.#watcher.on('put', note(false)).on('delete', note(true));
    return registry;
  }

  get url(): string {
    return `etcd://127.0.0.1:${this.server.port}`;
  }

  /** Every key below a prefix with its text. */
  async dump(prefix = '/'): Promise<Readonly<Record<string, string>>> {
    return await this.#client.getAll().prefix(prefix).strings();
  }

  /** The records of one path, by what follows it in the key. */
  async below(prefix: string): Promise<Documents> {
    const all = Object.entries(await this.dump(`${prefix}/`));
    return Object.fromEntries(all.map(([key, value]) => [key.slice(prefix.length + 1), parse(value)]));
  }

  async services(path: string): Promise<Documents> {
    return await this.below(`/services${path}`);
  }

  async announced(path: string): Promise<Documents> {
    return await this.below(`/announce${path}`);
  }

  /** What happened to one key, oldest first. */
  historyOf(key: string): readonly KeyEvent[] {
    return this.history.filter((event) => event.key === key);
  }

  async put(key: string, value: string): Promise<void> {
    await this.#client.put(key).value(value);
  }

  /** Moves with every write and with nothing else. */
  async revision(): Promise<string> {
    return (await this.#client.get('/').exec()).header.revision;
  }

  async leases(): Promise<number> {
    return (await this.#client.leaseClient.leaseLeases()).leases.length;
  }

  async remove(): Promise<void> {
    // First the watcher: closing a client under a living one leaves it trying for ever.
    await this.#watcher?.cancel().catch(() => undefined);
    this.#client.close();
    await this.server.remove();
  }
}

/** A container of a test with the names that its records carry. */
export interface Running {
  readonly id: string;
  readonly short: string;
  readonly name: string;
  /** The path that it gets without any metadata. */
  readonly path: string;
  readonly container: Awaited<ReturnType<TestDocker['run']>>;
}

export interface LabOptions {
  /** The socket of a private engine; the machine's own by default. */
  readonly socketPath?: string;
  /** More options of `portolan run`. */
  readonly args?: readonly string[];
  /** False: the addresses of `host` are not given as flags. */
  readonly advertise?: boolean;
}

let labs = 0;

/** An engine, a registry and an agent between them; all of it goes away with `close`. */
export class Lab {
  readonly docker: TestDocker;
  readonly registry: Registry;
  readonly owner: string;
  readonly env: Readonly<Record<string, string>>;
  readonly #args: readonly string[];
  readonly #advertise: boolean;
  #agent: Agent | undefined;

  private constructor(registry: Registry, { socketPath, args = [], advertise = true }: LabOptions) {
    labs += 1;
    this.docker = new TestDocker(socketPath);
    this.registry = registry;
    this.owner = `e2e-${runId}-${labs}`;
    this.env = socketPath === undefined ? {} : { DOCKER_HOST: `unix://${socketPath}` };
    this.#args = args;
    this.#advertise = advertise;
  }

  /** Without its agent. */
  static async prepare(options: LabOptions = {}): Promise<Lab> {
    return new Lab(await Registry.start(), options);
  }

  static async open(options: LabOptions = {}): Promise<Lab> {
    const lab = await Lab.prepare(options);
    try {
      await lab.startAgent();
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** What an agent of this lab is told. */
  get settings(): readonly string[] {
    const addresses = this.#advertise ? ['--advertise', host.ipv4, '--advertise', host.ipv6] : [];
    return ['--registry', this.registry.url, '--owner-id', this.owner, ...addresses, ...this.#args];
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error('this lab has no agent');
    return this.#agent;
  }

  launchAgent(): Agent {
    this.#agent = Agent.start({ args: this.settings, env: this.env });
    return this.#agent;
  }

  /** Starts the agent and waits for the end of its first pass. */
  async startAgent(): Promise<Agent> {
    const agent = this.launchAgent();
    await sees(async () => {
      expect(JSON.parse(await this.ask('/readyz'))).toEqual({ ready: true, waitingFor: [] });
    }, 20_000);
    return agent;
  }

  /** A container's name, or a path's segment, that no other test run uses. */
  name(of: string): string {
    return `e2e-${runId}-${of}`;
  }

  async create(name: string, spec: ContainerSpec = {}): Promise<Running> {
    const full = this.name(name);
    const container = await this.docker.create({ ...spec, name: full });
    const { id } = container;
    return { id, short: id.slice(0, 12), name: full, path: `/${full}`, container };
  }

  async run(name: string, spec: ContainerSpec = {}): Promise<Running> {
    const running = await this.create(name, spec);
    await running.container.start();
    return running;
  }

  async services(path: string): Promise<Documents> {
    return await this.registry.services(path);
  }

  /** Waits until these and no other records of a path are in `/services`. */
  async offers(path: string, records: Readonly<Record<string, Document>>): Promise<void> {
    await sees(async () => {
      const found = await this.services(path);
      expect(Object.keys(found).sort()).toEqual(Object.keys(records).sort());
      expect(found).toMatchObject(records);
    });
  }

  /** Waits until a path has no record in `/services` and in `/announce`. */
  async forgets(path: string, deadlineMs?: number): Promise<void> {
    await sees(async () => {
      expect(await this.services(path)).toEqual({});
      expect(await this.registry.announced(path)).toEqual({});
    }, deadlineMs);
  }

  /** What the agent answers on its control socket; the CLI asks the same, but takes a second to start. */
  async ask(path: string): Promise<string> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get({ socketPath: `${this.agent.stateDir}/portolan.sock`, path, timeout: 5000 }, resolve).on(
        'error',
        reject,
      );
    });
    return await text(response);
  }

  async explain(reference: string): Promise<string> {
    return await this.ask(`/v1/explain/${encodeURIComponent(reference)}`);
  }

  async close(): Promise<void> {
    const done = await Promise.allSettled([removeAgents(), this.docker.clean(), this.registry.remove()]);
    for (const result of done) if (result.status === 'rejected') throw result.reason;
  }
}

const stackTrace = /^\s+at .+[:(]\d+:\d+\)?$|node:internal|UnhandledPromise|\n\s+at /m;

/** Runs a command of the CLI; whatever happens, nobody is shown a stack. */
export const cli = async (
  args: readonly string[],
  options: Parameters<typeof portolan>[1] = {},
): Promise<CommandResult> => {
  const result = await portolan(args, options);
  expect(result.stdout).not.toMatch(stackTrace);
  expect(result.stderr).not.toMatch(stackTrace);
  return result;
};
