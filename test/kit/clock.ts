import type { Clock } from '../../src/core/ports.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** Lets every promise that is ready to go on do so. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that moves only when it is told to. Timers run in the order of their times, promises in between. */
export class VirtualClock implements Clock {
  #now: number;
  /** What somebody set the clock on the wall by. */
  #stepped = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();
  readonly #turns: number;

  /** `turns` of the event loop after each timer: one is enough where nothing but promises is waited for. */
  constructor(start = 1_000_000, turns = 5) {
    this.#now = start;
    this.#turns = turns;
  }

  now(): number {
    return this.#now + this.#stepped;
  }

  monotonic(): number {
    return this.#now;
  }

  timer(delayMs: number, run: () => void): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, delayMs), order: this.#order, run };
    this.#order += 1;
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Sets the clock on the wall forward or back; no time passes. */
  step(ms: number): void {
    this.#stepped += ms;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle(this.#turns);
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      await settle(this.#turns);
    }
    this.#now = end;
    await settle(this.#turns);
  }

  #due(end: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}
