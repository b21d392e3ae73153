import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Container } from '../../src/core/container.ts';
import type { Clock, Source, SourceSignal } from '../../src/core/ports.ts';
import type { Engine } from '../../src/source/docker/engine.ts';
import { createDockerSource } from '../../src/source/docker/source.ts';

export interface LabContainer {
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Container port to host port; 0 is ephemeral. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly network?: string;
  readonly health?: boolean;
  readonly stopSignal?: string;
  /** Lives on after TERM. */
  readonly stubborn?: boolean;
}

/** An engine to play with, and the ways in which the connection to it fails. Other things may run on it. */
export interface SourceLab {
  /** As the source reaches it, through whatever fails. */
  readonly engine: Engine;
  readonly clock: Clock;
  /** An unused host port. */
  freePort(): Promise<number>;
  create(spec?: LabContainer): Promise<string>;
  start(id: string): Promise<void>;
  /** By the container's stop signal; it ends at once unless it is stubborn. */
  stop(id: string): Promise<void>;
  kill(id: string, signal: string): Promise<void>;
  remove(id: string): Promise<void>;
  pause(id: string): Promise<void>;
  unpause(id: string): Promise<void>;
  rename(id: string, name: string): Promise<void>;
  setHealth(id: string, health: 'healthy' | 'unhealthy'): Promise<void>;
  /** The name of a new network. */
  network(): Promise<string>;
  connect(id: string, network: string): Promise<void>;
  disconnect(id: string, network: string): Promise<void>;
  /** Open connections break; new ones work. */
  cut(): void;
  /** Open connections stay open and carry nothing any more; new ones work. */
  deafen(): void;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** Waits for a condition in the lab's time. */
  until(what: string, look: () => boolean, deadlineMs?: number): Promise<void>;
  /** Removes containers and networks. */
  clean(): Promise<void>;
  close(): Promise<void>;
}

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A source on the lab's engine, with everything that it said. */
class Listener {
  readonly source: Source;
  readonly said: SourceSignal[] = [];
  readonly #lab: SourceLab;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(lab: SourceLab) {
    this.#lab = lab;
    this.source = createDockerSource({
      engine: lab.engine,
      clock: lab.clock,
      random: () => 0.5,
      log: silent,
    });
    this.source.signals.subscribe((signal) => this.said.push(signal));
    this.#ended = this.source.run(this.#stop.signal);
  }

  /** What was said of one container. */
  of(id: string): SourceSignal[] {
    return this.said.filter((signal) =>
      signal.type === 'seen' ? signal.container.id === id : 'id' in signal && signal.id === id,
    );
  }

  facts(id: string): Container | undefined {
    const seen = this.of(id).filter((signal) => signal.type === 'seen');
    return seen.at(-1)?.container;
  }

  lists(): number {
    return this.said.filter(({ type }) => type === 'listed').length;
  }

  async full(id: string, what = 'full facts'): Promise<Container> {
    await this.#lab.until(what, () => this.facts(id)?.provisional === false);
    return this.facts(id)!;
  }

  async ended(id: string, how: 'died' | 'removed'): Promise<void> {
    await this.#lab.until(how, () =>
      this.of(id).some((signal) => signal.type === 'ended' && signal.how === how),
    );
  }

  async facing(id: string, what: string, look: (facts: Container) => boolean): Promise<void> {
    await this.#lab.until(what, () => {
      const facts = this.facts(id);
      return facts !== undefined && look(facts);
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }
}

/** What every source of containers has to do, whatever engine is behind it. */
export function describeSource(name: string, open: () => Promise<SourceLab>): void {
  describe(`source on ${name}`, () => {
    let lab: SourceLab;
    let listener: Listener;

    beforeAll(async () => {
      lab = await open();
    });

    beforeEach(async () => {
      listener = new Listener(lab);
      await lab.until('the first list', () => listener.lists() === 1);
    });

    afterEach(async () => {
      await listener.close();
      await lab.comeBack();
      await lab.clean();
    });

    afterAll(async () => {
      await lab.close();
    });

    const run = async (spec: LabContainer = {}): Promise<string> => {
      const id = await lab.create(spec);
      await lab.start(id);
      await listener.full(id);
      return id;
    };

    /** The kinds of what was said of a container, in order, each once. */
    const kinds = (id: string): string[] =>
      listener
        .of(id)
        .map((signal) => (signal.type === 'ended' ? signal.how : signal.type))
        .filter((kind, index, all) => kind !== all[index - 1]);

    it('sees a start with fixed and ephemeral ports', async () => {
      const port = await lab.freePort();
      const id = await run({ ports: { '80/tcp': port, '81/tcp': 0 }, labels: { a: 'b' }, env: { C: 'd=e' } });
      const facts = listener.facts(id)!;
      const published = (number: number) => facts.ports.find((it) => it.port === number)?.bindings ?? [];
      expect(published(80)[0]).toEqual({ hostIp: '0.0.0.0', hostPort: port });
      expect(published(81)[0]?.hostPort).toBeGreaterThan(0);
      expect(facts.labels.get('a')).toBe('b');
      expect(facts.env.get('C')).toBe('d=e');
      expect(facts).toMatchObject({
        state: 'running',
        health: 'none',
        stopSignal: 'SIGTERM',
        stopTimeoutMs: 10_000,
      });
      expect(facts.startedAt).toBeDefined();
      expect(facts.networks).toEqual([
        expect.objectContaining({
          name: 'bridge',
          driver: 'bridge',
          ipv4: expect.stringMatching(/^1\d\d?\./) as string,
        }),
      ]);
    });

    it('says the start of a container that was created a while ago at once, then confirms it', async () => {
      const port = await lab.freePort();
      const id = await lab.create({ ports: { '80/tcp': port, '81/tcp': 0 }, health: true });
      // A container that is created and started after it is seen only when the facts of the first have been read.
      await listener.full(await run());
      await lab.start(id);
      await listener.full(id);
      const first = listener.of(id)[0];
      if (first?.type !== 'seen') throw new Error('not seen');
      expect(first.container).toMatchObject({
        provisional: true,
        state: 'running',
        health: 'starting',
        networks: [],
        startedAt: undefined,
      });
      const early = first.container.ports;
      expect(early.find((it) => it.port === 80)?.bindings).toEqual([{ hostIp: '0.0.0.0', hostPort: port }]);
      // The engine chooses its host port at the start: until then it must not look like one that is not published.
      expect(early.map((it) => it.port)).not.toContain(81);
      expect(listener.facts(id)?.ports.find((it) => it.port === 81)?.bindings).not.toEqual([]);
    });

    it('says stop, death and removal in that order, each explained', async () => {
      const id = await run();
      await lab.stop(id);
      await listener.ended(id, 'died');
      await lab.remove(id);
      await listener.ended(id, 'removed');
      expect(kinds(id)).toEqual(['seen', 'stopping', 'died', 'removed']);
      expect(listener.of(id).filter((signal) => signal.type === 'ended')).toMatchObject([
        { explained: true },
        { explained: true },
      ]);
      expect(listener.of(id).find((signal) => signal.type === 'stopping')).toMatchObject({
        signal: 'SIGTERM',
      });
    });

    it('tells the own stop signal from others', async () => {
      const id = await run({ stopSignal: 'SIGQUIT', stubborn: true });
      await lab.kill(id, 'SIGHUP');
      await lab.kill(id, 'SIGUSR1');
      await lab.rename(id, `signalled-${id.slice(0, 12)}`);
      await listener.facing(id, 'the rename', (facts) => facts.name.startsWith('signalled'));
      expect(kinds(id)).toEqual(['seen']);
      await lab.kill(id, 'SIGQUIT');
      await lab.until('stopping', () => kinds(id).includes('stopping'));
      expect(listener.of(id).find((signal) => signal.type === 'stopping')).toMatchObject({
        signal: 'SIGQUIT',
      });
    });

    it('sees a kill and a forced removal', async () => {
      const id = await run();
      await lab.kill(id, 'SIGKILL');
      await listener.ended(id, 'died');
      expect(kinds(id)).toEqual(['seen', 'stopping', 'died']);
      const other = await run();
      await lab.remove(other);
      await listener.ended(other, 'removed');
      expect(kinds(other)).toEqual(['seen', 'stopping', 'died', 'removed']);
    });

    it('sees a second start as a new one', async () => {
      const id = await run();
      const before = listener.facts(id)?.startedAt;
      await lab.stop(id);
      await listener.ended(id, 'died');
      await lab.start(id);
      await listener.facing(
        id,
        'another start',
        (facts) => facts.startedAt !== undefined && facts.startedAt !== before,
      );
      expect(kinds(id).slice(0, 4)).toEqual(['seen', 'stopping', 'died', 'seen']);
    });

    it('sees pause and unpause', async () => {
      const id = await run();
      await lab.pause(id);
      await listener.facing(id, 'paused', ({ state }) => state === 'paused');
      await lab.unpause(id);
      await listener.facing(id, 'unpaused', ({ state }) => state === 'running');
    });

    it('sees health come and go', async () => {
      const id = await lab.create({ health: true });
      await lab.start(id);
      await listener.facing(id, 'starting', ({ health }) => health === 'starting');
      await lab.setHealth(id, 'healthy');
      await listener.facing(id, 'healthy', ({ health }) => health === 'healthy');
      await lab.setHealth(id, 'unhealthy');
      await listener.facing(id, 'unhealthy', ({ health }) => health === 'unhealthy');
    });

    it('sees a new name, and finds a container by it', async () => {
      const id = await run();
      const name = `renamed-${id.slice(0, 12)}`;
      await lab.rename(id, name);
      await listener.facing(id, 'the new name', (facts) => facts.name === name);
      const signal = new AbortController().signal;
      expect(await listener.source.lookup(name, signal)).toMatchObject({ ok: true, value: { id } });
      expect(await listener.source.lookup(id.slice(0, 20), signal)).toMatchObject({
        ok: true,
        value: { id },
      });
      expect(await listener.source.lookup('no-such-container', signal)).toEqual({
        ok: true,
        value: undefined,
      });
      expect(await listener.source.lookup('../../info', signal)).toEqual({ ok: true, value: undefined });
    });

    it('sees networks come and go', async () => {
      const id = await run();
      const network = await lab.network();
      await lab.connect(id, network);
      await listener.facing(id, 'the network', ({ networks }) => networks.some((it) => it.name === network));
      expect(listener.facts(id)?.networks.find((it) => it.name === network)?.driver).toBe('bridge');
      await lab.disconnect(id, network);
      await listener.facing(id, 'its end', ({ networks }) => !networks.some((it) => it.name === network));
    });

    it("sees another container's network and the host's", async () => {
      const owner = await run();
      const guest = await run({ network: `container:${owner}` });
      expect(listener.facts(guest)).toMatchObject({ networkMode: `container:${owner}`, networks: [] });
      expect(listener.of(guest)).not.toContainEqual(
        expect.objectContaining({ container: expect.objectContaining({ provisional: true }) as unknown }),
      );
      const host = await run({ network: 'host' });
      expect(listener.facts(host)).toMatchObject({
        networkMode: 'host',
        networks: [{ name: 'host', driver: 'host' }],
      });
    });

    it('is told of what another source missed', async () => {
      const id = await run();
      const late = new Listener(lab);
      try {
        await late.full(id);
        expect(late.facts(id)).toEqual(listener.facts(id));
      } finally {
        await late.close();
      }
    });

    it('goes on after the event stream was cut', async () => {
      const id = await run();
      const gone = await run();
      const lists = listener.lists();
      lab.cut();
      await lab.remove(gone);
      await lab.until('a list', () => listener.lists() > lists);
      await listener.ended(gone, 'removed');
      const next = await run();
      expect(kinds(id)).toEqual(['seen']);
      expect(kinds(next)).toEqual(['seen']);
      expect(listener.said.filter(({ type }) => type === 'unknown')).toEqual([]);
    });

    it('notices within 12 s that the stream is silently dead', async () => {
      await run();
      lab.deafen();
      const id = await lab.create();
      await lab.start(id);
      await lab.until('the unheard start', () => listener.facts(id) !== undefined, 13_500);
      expect(listener.source.status().reconnects).toBe(1);
    });

    it('says unknown once while the engine is away, and lists when it is back', async () => {
      const kept = await run();
      const gone = await run();
      await lab.goAway();
      await lab.until('unknown', () => listener.said.some(({ type }) => type === 'unknown'));
      await lab.remove(gone);
      const started = await lab.create();
      await lab.start(started);
      expect(listener.source.status().connected).toBe(false);
      const lists = listener.lists();
      await lab.comeBack();
      await lab.until('a list', () => listener.lists() > lists, 15_000);
      await listener.full(started);
      await listener.ended(gone, 'removed');
      expect(kinds(kept)).toEqual(['seen']);
      expect(listener.said.filter(({ type }) => type === 'unknown')).toHaveLength(1);
      expect(listener.source.status()).toMatchObject({ connected: true, failure: undefined });
    });
  });
}
