import type { Clock } from '../../src/core/ports.ts';

/** The clock as one process sees it: its wall time may be wrong, and its timers end with the process. */
export class ProcessClock implements Clock {
  /** Wall time minus the true time, milliseconds. */
  offsetMs = 0;
  readonly #world: Clock;
  readonly #cancels = new Set<() => void>();
  #dead = false;

  constructor(world: Clock) {
    this.#world = world;
  }

  now(): number {
    return this.#world.now() + this.offsetMs;
  }

  monotonic(): number {
    return this.#world.monotonic();
  }

  timer(delayMs: number, run: () => void): () => void {
    if (this.#dead) return () => undefined;
    const stop = this.#world.timer(delayMs, () => {
      this.#cancels.delete(cancel);
      run();
    });
    const cancel = (): void => {
      this.#cancels.delete(cancel);
      stop();
    };
    this.#cancels.add(cancel);
    return cancel;
  }

  die(): void {
    this.#dead = true;
    for (const cancel of [...this.#cancels]) cancel();
  }
}
