import { backoffDelay, REGISTRY_BACKOFF } from '../../core/backoff.ts';
import { type Failure, fail, failure, ok, type Result } from '../../core/failure.ts';
import type { Clock, Log, Random, SessionState } from '../../core/ports.ts';
import { nextRevision, type Operation, type WatchEvent } from './store.ts';
import { acquire, type Held, heartbeatUnder, type TakeoverOptions, writeHeartbeat } from './takeover.ts';
import { Wake } from './wake.ts';

/** A standby looks at the holder's lease this often; the heartbeat's own changes are told at once. */
const STANDBY_MS = 2_000;
/** After the watch of the heartbeat broke. Until then the keep-alive and the fence of each transaction guard it. */
const REWATCH_MS = 1_000;

export interface SessionOptions extends TakeoverOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly changed: (state: SessionState) => void;
  /** Puts all own records that hang on some lease under this one, by the right that is held. */
  readonly rehang: (lease: string, signal: AbortSignal) => Promise<Result<void>>;
}

/**
 * Lease and heartbeat of this instance: one lease for the host, kept alive every third of its time. While the heartbeat
 * is not ours nothing may be written; every transaction compares its revision, so a mistake here writes nothing.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #wake = new Wake();
  #state: SessionState = { type: 'starting' };
  #held: Held | undefined;
  /** No own record hangs on an earlier lease, as far as one can know. */
  #gathered = false;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** What writing is allowed under; undefined: write nothing. */
  get held(): Held | undefined {
    return this.#held;
  }

  /** Why nothing may be written. */
  get refusal(): Failure {
    const state = this.#state;
    if (this.#closed) return failure('owner-fenced', 'this agent has handed over');
    if (state.type === 'lost') return state.failure;
    if (state.type === 'standby') return failure('owner-fenced', `${state.holder}: ${state.why}`);
    return failure('lease-lost', 'the heartbeat is not written yet');
  }

  /** Something showed that the heartbeat may no longer be ours: look at once. */
  recheck(): void {
    this.#wake.wake();
  }

  /** A transaction under this right found that the heartbeat is no longer so: `gone`, or somebody else's. */
  fenced(held: Held, gone: boolean): Failure {
    const cause = gone ? failure('lease-lost') : failure('owner-fenced');
    if (this.#held?.revision === held.revision) {
      this.#release({ type: 'lost', failure: cause });
      this.#wake.wake();
    }
    return cause;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const over = (): boolean => signal.aborted || this.#closed;
    for (let attempt = 0; !over(); attempt += 1) {
      const asked = clock.monotonic();
      const acquired = await acquire(this.#options, signal);
      if (over()) return;
      if (acquired.type === 'failed') {
        this.#release({ type: 'lost', failure: acquired.failure });
        await this.#wake.nap(clock, backoffDelay(attempt, random(), REGISTRY_BACKOFF), signal);
        continue;
      }
      if (acquired.type === 'held') await this.#keep(acquired.held, asked, signal);
      else await this.#standBy(acquired, signal);
      if (acquired.type === 'standby' || this.#gathered) attempt = -1;
      else await this.#wake.nap(clock, backoffDelay(attempt, random(), REGISTRY_BACKOFF), signal);
    }
  }

  /** Leaves heartbeat and leased records to a successor for a while; nothing is written afterwards. */
  async handover(ms: number, signal: AbortSignal): Promise<Result<void>> {
    const { writer, rehang } = this.#options;
    const ttlSeconds = Math.max(1, Math.ceil(ms / 1_000));
    const granted =
      this.#held === undefined
        ? fail(this.refusal.code, this.refusal.message)
        : await writer.leaseGrant(ttlSeconds, signal);
    // The heartbeat comes last: until then the records need it, kept alive and as it is.
    const moved = granted.ok ? await rehang(granted.value.id, signal) : granted;
    const closed = this.#close();
    if (!closed.ok) return closed;
    if (!granted.ok) return granted;
    const terms = { ...this.#options, ttlSeconds, lease: granted.value.id, handover: true };
    const written = await writeHeartbeat(terms, closed.value.revision, signal);
    if (!written.ok) return written;
    return written.value === undefined ? fail('owner-fenced') : moved;
  }

  /** Removes heartbeat and lease; the card stays where records do, or nobody would ever find them. */
  async retire(complete: boolean, signal: AbortSignal): Promise<Result<void>> {
    const closed = this.#close();
    if (!closed.ok) return closed;
    const held = closed.value;
    const { writer, key, card } = this.#options;
    const compares = [{ key, target: 'mod', revision: held.revision }] as const;
    const then = (complete ? [key, card] : [key]).map((gone): Operation => ({ type: 'delete', key: gone }));
    const deleted = await writer.txn({ compares, then, otherwise: [] }, signal);
    if (!deleted.ok) return deleted;
    return deleted.value.succeeded ? await writer.leaseRevoke(held.lease, signal) : fail('owner-fenced');
  }

  /** Fails with the reason when there is nothing to leave, because the heartbeat is not ours (any more). */
  #close(): Result<Held> {
    const held: Result<Held> =
      this.#held === undefined ? { ok: false, failure: this.refusal } : ok(this.#held);
    this.#closed = true;
    this.#held = undefined;
    this.#wake.wake();
    return held;
  }

  async #keep(held: Held, asked: number, signal: AbortSignal): Promise<void> {
    const { clock, writer, ttlSeconds } = this.#options;
    const over = (): boolean => signal.aborted || this.#closed;
    this.#held = held;
    void this.#enter(held, signal);
    const unwatch = this.#watchHeartbeat(nextRevision(held.seen), ({ type }) => {
      this.fenced(held, type === 'delete');
    });
    const third = (ttlSeconds * 1_000) / 3;
    let pause = third;
    for (let renewed = asked, attempt = 0; ; ) {
      const woken = await this.#wake.nap(clock, pause, signal);
      if (woken || over()) break;
      const before = clock.monotonic();
      const left = await writer.leaseKeepAlive(held.lease, signal);
      if (over()) break;
      if (left.ok && left.value === 0) {
        this.#release({ type: 'lost', failure: failure('lease-lost') });
        break;
      }
      // Another address: the heartbeat is written anew.
      if (left.ok && heartbeatUnder(this.#options, held.lease) !== held.value) break;
      // From beat to beat, not from answer to beat: a slow registry must not make us look dead.
      const took = clock.monotonic() - before;
      if (left.ok) [renewed, attempt, pause] = [before, 0, Math.max(0, third - took)];
      else if (clock.monotonic() - renewed >= 2 * third) {
        this.#release({ type: 'lost', failure: left.failure });
        break;
      } else {
        pause = backoffDelay(attempt, this.#options.random(), REGISTRY_BACKOFF);
        attempt += 1;
      }
    }
    unwatch();
  }

  /** The session counts as held when what hangs on an earlier lease has come along: until then no plan would fit. */
  async #enter(held: Held, signal: AbortSignal): Promise<void> {
    if (!held.takenUp) this.#gathered = false;
    if (!this.#gathered) {
      const gathered = await this.#options.rehang(held.lease, signal);
      if (this.#held !== held) return;
      if (!gathered.ok) {
        this.#release({ type: 'lost', failure: gathered.failure });
        this.#wake.wake();
        return;
      }
      this.#gathered = true;
    }
    this.#become({ type: 'held', lease: held.lease, takenUp: held.takenUp });
  }

  async #standBy(
    found: { holder: string; why: string; revision: string },
    signal: AbortSignal,
  ): Promise<void> {
    const { holder, why, revision } = found;
    this.#release({ type: 'standby', holder, why });
    const unwatch = this.#watchHeartbeat(nextRevision(revision), () => {
      this.#wake.wake();
    });
    await this.#wake.nap(this.#options.clock, STANDBY_MS, signal);
    unwatch();
  }

  #watchHeartbeat(from: string, moved: (event: WatchEvent) => void): () => void {
    const { reader, key, clock } = this.#options;
    let late = (): void => undefined;
    const cancel = reader.watch({ keys: [key] }, from, {
      events: (batch) => {
        for (const event of batch) moved(event);
      },
      // Not at once: a watch that is refused each time must not become a busy loop.
      lost: () => {
        late = clock.timer(REWATCH_MS, () => {
          this.#wake.wake();
        });
      },
    });
    return () => {
      cancel();
      late();
    };
  }

  #release(state: SessionState): void {
    this.#held = undefined;
    this.#become(state);
  }

  #become(state: SessionState): void {
    // A standby's reason changes with every look at the holder's lease; that is no news.
    if (identityOf(state) === identityOf(this.#state)) return;
    this.#state = state;
    this.#options.changed(state);
  }
}

function identityOf(state: SessionState): string {
  if (state.type === 'held') return `held ${state.lease}`;
  if (state.type === 'standby') return `standby ${state.holder}`;
  return state.type === 'lost' ? `lost ${state.failure.code}` : state.type;
}
