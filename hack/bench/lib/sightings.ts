import { eventually } from '../../../test/kit/eventually.ts';
import type { Bench } from './bench.ts';
import { Child } from './child.ts';
import type { Cleanup } from './cleanup.ts';
import { compiled } from './subject.ts';

type What = 'start' | 'die' | 'put' | 'delete';

/** What the second process saw, by short container id: the first time of each kind, in milliseconds of the machine's clock. */
export class Sightings {
  readonly #seen = { start: new Map(), die: new Map(), put: new Map(), delete: new Map() } as Readonly<
    Record<What, Map<string, number>>
  >;
  readonly #waiting = new Set<() => void>();
  readonly #child: Child;
  #ready = false;
  #clocks = 0;

  private constructor(bench: Bench, etcd: string, sockets: readonly string[]) {
    this.#child = new Child({
      command: process.execPath,
      args: [compiled('observer'), etcd, ...sockets],
      folder: bench.folder,
      name: 'observer',
      line: (line) => {
        this.#take(JSON.parse(line) as [string, string, number]);
      },
    });
  }

  static async start(
    bench: Bench,
    cleanup: Cleanup,
    etcd: string,
    sockets: readonly string[],
  ): Promise<Sightings> {
    const sightings = new Sightings(bench, etcd, sockets);
    cleanup.defer(() => sightings.#child.stop());
    await eventually(() => sightings.#ready, { deadlineMs: 20_000, everyMs: 10, what: 'the observer' });
    return sightings;
  }

  at(what: What, id: string): number | undefined {
    return this.#seen[what].get(id.slice(0, 12));
  }

  /** How long after the event the key came or went; undefined: not before the deadline. */
  async delay(event: 'start' | 'die', id: string, deadlineMs: number): Promise<number | undefined> {
    const look = (): number | undefined => {
      const [from, to] = [this.at(event, id), this.at(event === 'start' ? 'put' : 'delete', id)];
      return from === undefined || to === undefined ? undefined : to - from;
    };
    return await this.#until(look, deadlineMs);
  }

  /** Its clock and the machine's may have drifted apart. */
  async setClock(): Promise<void> {
    const before = this.#clocks;
    this.#child.process.stdin?.write('\n');
    await eventually(() => this.#clocks > before, { everyMs: 5, what: "the observer's clock is set" });
  }

  #take([what, id, at]: readonly [string, string, number]): void {
    if (what === 'ready') this.#ready = true;
    else if (what === 'clock') this.#clocks += 1;
    else {
      const seen = this.#seen[what as What];
      if (!seen.has(id)) seen.set(id, at);
    }
    for (const look of [...this.#waiting]) look();
  }

  async #until<T>(look: () => T | undefined, deadlineMs: number): Promise<T | undefined> {
    const now = look();
    if (now !== undefined) return now;
    return await new Promise((resolve) => {
      const done = (value: T | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(again);
        resolve(value);
      };
      const again = (): void => {
        const value = look();
        if (value !== undefined) done(value);
      };
      const timer = setTimeout(() => {
        done(undefined);
      }, deadlineMs);
      this.#waiting.add(again);
    });
  }
}
