import type { Clock } from '../../core/ports.ts';

/** Two clocks that are no further apart count as the same one. */
const TOLERANCE_MS = 1_000;

/**
 * The engine's clock as seen from here. Questions about the past have to be asked in the engine's time, and an agent's
 * clock may be an hour off.
 */
export class EngineClock {
  readonly #clock: Clock;
  #told: number | undefined;
  #guessed: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Engine time, epoch milliseconds; undefined while nothing is known of it. */
  now(): number | undefined {
    const offset = this.#told ?? this.#guessed;
    return offset === undefined ? undefined : Math.floor(this.#clock.now() + offset);
  }

  /**
   * The moment of an event, told in the engine's time, in ours. What an exchange cannot tell from a difference is left as
   * it is, but what was told has happened: it is never later than now.
   */
  toOurs(at: number): number {
    const offset = this.#told ?? this.#guessed ?? 0;
    return Math.min(Math.abs(offset) < TOLERANCE_MS ? at : Math.round(at - offset), this.#clock.now());
  }

  /** The engine told its time in answer to a question that was asked at `askedAt` (our time). */
  learn(systemTime: number | undefined, askedAt: number): void {
    if (systemTime === undefined) return;
    this.#told = systemTime - (askedAt + this.#clock.now()) / 2;
  }

  /** An event came in. It is as old as its way was long, or older: the youngest one is the best guess. */
  guess(eventAt: number): void {
    const offset = eventAt - this.#clock.now();
    if (this.#guessed === undefined || offset > this.#guessed) this.#guessed = offset;
  }
}
