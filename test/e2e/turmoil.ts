import { randomInt } from 'node:crypto';
import { idle } from '../kit/docker.ts';
import { eventually } from '../kit/eventually.ts';
import { dice, type RunningContainer, type World } from './world.ts';

/** Runs a test with dice; its failure names the seed, and PORTOLAN_TEST_SEED=<seed> throws the same again. */
export const withDice = async (run: (seed: number) => Promise<void>): Promise<void> => {
  const seed = Number(process.env['PORTOLAN_TEST_SEED'] ?? randomInt(1_000_000));
  await run(seed).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`PORTOLAN_TEST_SEED=${seed}: ${reason}`, { cause: error });
  });
};

type Random = () => number;
type State = 'running' | 'paused' | 'stopped';

interface Held {
  readonly container: RunningContainer;
  state: State;
}

export interface TurmoilOptions {
  readonly seed: number;
  /** How many hands are busy at a time. */
  readonly hands?: number;
  /** No more containers than this are made in all. */
  readonly most?: number;
}

/** Names and host ports are used once, for an earlier turmoil's containers may still be there. */
let names = 0;

/** How many containers, running or not, one hand has at a time. */
const HELD = 3;

/** Containers are created, started, stopped, killed, restarted, renamed, paused and removed without a pause. */
export class Turmoil {
  created = 0;
  acts = 0;
  readonly #world: World;
  readonly #most: number;
  readonly #hands: readonly Promise<void>[];
  #over = false;

  constructor(world: World, { seed, hands = 4, most = Number.POSITIVE_INFINITY }: TurmoilOptions) {
    this.#world = world;
    this.#most = most;
    this.#hands = Array.from({ length: hands }, (_, n) => this.#act(dice(seed * 101 + n * 7_919)));
    for (const hand of this.#hands) hand.catch(() => undefined);
  }

  /** Ends when as many containers as there may be have been made and each hand has done a few things more. */
  async done(): Promise<void> {
    await Promise.all(this.#hands);
  }

  /** Waits for so many further acts. */
  async more(acts: number): Promise<void> {
    const from = this.acts;
    const enough = eventually(() => this.acts >= from + acts, { deadlineMs: 60_000, what: 'some turmoil' });
    // A hand that fails is told at once.
    await Promise.race([enough, this.done()]);
  }

  /** Lets each hand end what it is doing. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.done();
  }

  async #act(random: Random): Promise<void> {
    const held: Held[] = [];
    for (let more = HELD * 2; !this.#over && more > 0; ) {
      const any = held[Math.floor(random() * held.length)];
      const exhausted = this.created >= this.#most;
      if (exhausted) more -= 1;
      if (any === undefined && exhausted) return;
      this.acts += 1;
      if (any === undefined || (!exhausted && held.length < HELD && random() < 0.6))
        held.push(await this.#begin(random));
      else if (await this.#disturb(any, random())) held.splice(held.indexOf(any), 1);
    }
  }

  async #begin(random: Random): Promise<Held> {
    this.created += 1;
    return { container: await this.#world.docker.run(this.#spec(random())), state: 'running' };
  }

  /** With and without a path of its own, on ports that the engine or we choose, on all kinds of network. */
  #spec(chance: number): Parameters<World['docker']['run']>[0] {
    names += 1;
    const plain = { name: `${this.#world.owner}-n${names}`, command: idle };
    const fixed = { HostIp: '0.0.0.0', HostPort: String(20_000 + names) };
    if (chance < 0.3) return this.#world.offer();
    if (chance < 0.5) return { ...plain, ports: { '80/tcp': fixed } };
    if (chance < 0.6) return { ...plain, ports: { '80/tcp': {}, '53/udp': fixed } };
    if (chance < 0.8)
      return { ...plain, network: 'host', extra: { ExposedPorts: { [`${10_000 + names}/tcp`]: {} } } };
    if (chance < 0.9) return { ...plain, network: 'none' };
    return plain;
  }

  /** True: the container is no more. */
  async #disturb(held: Held, chance: number): Promise<boolean> {
    const { container, state } = held;
    if (chance < 0.25) {
      await container.remove({ force: true, v: true });
      return true;
    }
    if (chance < 0.35) await this.#rename(container);
    else if (state === 'paused') await this.#become(held, 'running', container.unpause());
    else if (state === 'stopped') await this.#become(held, 'running', container.start());
    else if (chance < 0.5) await this.#become(held, 'paused', container.pause());
    else if (chance < 0.6) await this.#become(held, 'running', container.restart({ t: 1 }));
    else if (chance < 0.8) await this.#become(held, 'stopped', container.stop({ t: 1 }));
    else await this.#become(held, 'stopped', container.kill());
    return false;
  }

  async #rename(container: RunningContainer): Promise<void> {
    names += 1;
    await container.rename({ name: `${this.#world.owner}-n${names}` });
  }

  async #become(held: Held, state: State, act: Promise<unknown>): Promise<void> {
    await act;
    held.state = state;
  }
}
