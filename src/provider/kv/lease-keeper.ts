import { backoffDelay, REGISTRY_BACKOFF } from '../../core/backoff.ts';
import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import { type Clock, type Random, sleep } from '../../core/ports.ts';
import type { Footing } from './desk.ts';
import type { KvWriter } from './store.ts';

export interface LeaseKeeperOptions {
  readonly writer: KvWriter;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * A lease of a process that has no heartbeat: kept alive every third of its time, granted anew when it is gone. It is not
 * given back at the end by itself: what hangs on it may be looked for until it is over.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #lease: string | undefined;
  #failure: Failure = failure('lease-lost', 'none has been granted yet');

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  get ttlSeconds(): number {
    return this.#options.ttlSeconds;
  }

  footing(): Result<Footing> {
    if (this.#lease === undefined) return { ok: false, failure: this.#failure };
    return ok({ lease: this.#lease, compares: [] });
  }

  /** Once `run` has ended: what hangs on it goes now. */
  async giveBack(signal: AbortSignal): Promise<Result<void>> {
    const lease = this.#lease;
    this.#lease = undefined;
    return lease === undefined ? ok(undefined) : await this.#options.writer.leaseRevoke(lease, signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { writer, ttlSeconds, clock, random } = this.#options;
    const third = (ttlSeconds * 1_000) / 3;
    const over = (): boolean => signal.aborted;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const granted = await writer.leaseGrant(ttlSeconds, signal);
      if (granted.ok) {
        attempt = -1;
        this.#lease = granted.value.id;
        await this.#keep(granted.value.id, third, signal);
        if (!over()) this.#lease = undefined;
      } else this.#failure = granted.failure;
      await sleep(clock, backoffDelay(Math.max(0, attempt), random(), REGISTRY_BACKOFF), signal);
    }
  }

  /** Until it is gone. */
  async #keep(lease: string, third: number, signal: AbortSignal): Promise<void> {
    const { writer, clock, random } = this.#options;
    for (let attempt = -1; !signal.aborted; ) {
      await sleep(clock, attempt < 0 ? third : backoffDelay(attempt, random(), REGISTRY_BACKOFF), signal);
      const left = await writer.leaseKeepAlive(lease, signal);
      // A registry that does not answer may still have it: only its word ends it.
      if (left.ok && left.value === 0) {
        this.#failure = failure('lease-lost');
        return;
      }
      attempt = left.ok ? -1 : attempt + 1;
    }
  }
}
