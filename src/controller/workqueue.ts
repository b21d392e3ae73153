import { type BackoffPolicy, backoffDelay, DEFAULT_BACKOFF } from '../core/backoff.ts';
import type { Cause, CauseCode } from '../core/cause.ts';
import type { QueueLoad, QueueMeter, ReconcileResult } from '../core/meter.ts';
import type { Clock, Random } from '../core/ports.ts';

/** A record key that has to be looked at, and why. `subject` names service and container for the log. */
export interface Work {
  readonly key: string;
  readonly cause: Cause;
  readonly subject?: Subject;
  /** The endpoint whose key it is: while one of its keys is worked on, the others wait and go together. */
  readonly group?: string;
}

export interface Subject {
  readonly service: string;
  readonly container: string;
}

/** Work that was handed out. `queuedAt`: monotonic milliseconds of the first request. */
export interface TakenWork extends Work {
  readonly queuedAt: number;
}

/** A batch waits until no key has come for `quietMs`, but never longer than `maxWaitMs`; the first one does not wait. */
export interface Debounce {
  readonly quietMs: number;
  readonly maxWaitMs: number;
}

export interface WorkqueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly debounce: Debounce;
  readonly backoff?: BackoffPolicy;
  readonly meter?: QueueMeter | undefined;
}

/** Work under way. `since`: monotonic milliseconds. */
interface Active {
  readonly group: string | undefined;
  readonly since: number;
}

interface Delayed extends TakenWork {
  readonly dueAt: number;
}

/** Delayed keys that fall due within this time are handed out together. */
const DUE_SLACK_MS = 10;
const IMMEDIATE_REPLANS = 3;

/**
 * Deduplicated keys with one deadline each. A key that is being worked on is never handed out twice: if it becomes dirty
 * meanwhile, it comes back when `finish` is called. A failed key waits by its own backoff; asking for it again by `add`
 * (something about it changed) brings it forward at once.
 */
export class Workqueue {
  readonly #options: WorkqueueOptions;
  readonly #ready = new Map<string, TakenWork>();
  readonly #delayed = new Map<string, Delayed>();
  /** Keys that were handed out. */
  readonly #active = new Map<string, Active>();
  /** How many keys of each group are handed out. */
  readonly #busy = new Map<string, number>();
  /** Wait for their own key, or another one of their group, to be finished. */
  readonly #again = new Map<string, TakenWork>();
  readonly #attempts = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  /** Nothing had happened for a while when the first of the ready keys came: it need not wait for others. */
  #immediate = false;
  #firstReadyAt = 0;
  #lastAddAt = Number.NEGATIVE_INFINITY;
  /** The earliest deadline among the delayed keys, or earlier; spares looking at them all. */
  #nextDueAt = Number.POSITIVE_INFINITY;
  #lastTakeAt = Number.NEGATIVE_INFINITY;

  constructor(options: WorkqueueOptions) {
    this.#options = options;
  }

  /** Keys that wait or are being worked on. */
  get size(): number {
    let held = 0;
    for (const key of this.#again.keys()) if (!this.#active.has(key)) held += 1;
    return this.#ready.size + this.#delayed.size + this.#active.size + held;
  }

  get idle(): boolean {
    return this.size === 0;
  }

  /** What it holds now. */
  load(): QueueLoad {
    const now = this.#options.clock.monotonic();
    let [unfinishedMs, longestMs] = [0, 0];
    for (const { since } of this.#active.values()) {
      unfinishedMs += now - since;
      longestMs = Math.max(longestMs, now - since);
    }
    const depth = this.#ready.size + this.#again.size;
    return { depth, active: this.#active.size, unfinishedMs, longestMs };
  }

  /** Answers the request as it waits now: with what earlier ones knew about the key. */
  add(work: Work): Work {
    const now = this.#options.clock.monotonic();
    const earlier = this.#ready.get(work.key) ?? this.#delayed.get(work.key) ?? this.#again.get(work.key);
    const taken: TakenWork = { ...merge(earlier, work), queuedAt: earlier?.queuedAt ?? now };
    if (!this.#ready.has(work.key) && !this.#again.has(work.key)) this.#options.meter?.added();
    this.#delayed.delete(work.key);
    if (this.#mustWait(taken)) this.#again.set(work.key, taken);
    else this.#makeReady(taken, now);
    return taken;
  }

  /** Hands out up to `max` keys as soon as the quiet window allows; an empty list only when the signal aborts. */
  async take(max: number, signal: AbortSignal): Promise<readonly TakenWork[]> {
    while (!signal.aborted) {
      const waitMs = this.#msUntilReady();
      if (waitMs <= 0) return this.#handOut(max);
      await this.#wait(waitMs, signal);
    }
    return [];
  }

  /** The work on a key is over; a request that came meanwhile makes it ready again. */
  finish(key: string): void {
    this.#attempts.delete(key);
    this.#release(key, 'success');
  }

  /** Looks at the key again after `afterMs`, keeping its cause. */
  recheck(work: TakenWork, afterMs: number, result: ReconcileResult = 'requeue_after'): number {
    return this.#delay(work, afterMs, result);
  }

  /** The world moved under the plan: plans again at once, but falls back to the backoff if it keeps moving. */
  replan(work: TakenWork): void {
    const attempt = this.#attempts.get(work.key) ?? 0;
    if (attempt >= IMMEDIATE_REPLANS) this.retry(work);
    else {
      this.#attempts.set(work.key, attempt + 1);
      this.#delay(work, 0, 'requeue');
    }
  }

  /** Looks at the key again after its backoff; returns the delay in milliseconds. */
  retry(work: TakenWork): number {
    const attempt = this.#attempts.get(work.key) ?? 0;
    this.#attempts.set(work.key, attempt + 1);
    const { random, backoff = DEFAULT_BACKOFF } = this.#options;
    return this.#delay(work, backoffDelay(attempt, random(), backoff), 'error');
  }

  /** Everything that waits for its backoff may try at once: the target is back. */
  forgive(): void {
    this.#attempts.clear();
    const now = this.#options.clock.monotonic();
    for (const work of this.#delayed.values()) this.#makeReady(work, now);
    this.#delayed.clear();
  }

  #mustWait({ key, group }: Work): boolean {
    if (this.#ready.has(key)) return false;
    return this.#active.has(key) || (group !== undefined && this.#busy.has(group));
  }

  #release(key: string, result: ReconcileResult): void {
    const active = this.#active.get(key);
    this.#active.delete(key);
    if (active !== undefined)
      this.#options.meter?.done(result, this.#options.clock.monotonic() - active.since);
    const again = this.#again.get(key);
    if (again !== undefined) this.#letGo(again);
    const group = active?.group;
    if (group === undefined) return;
    const busy = (this.#busy.get(group) ?? 0) - 1;
    if (busy > 0) {
      this.#busy.set(group, busy);
      return;
    }
    this.#busy.delete(group);
    for (const held of this.#again.values())
      if (held.group === group && !this.#active.has(held.key)) this.#letGo(held);
  }

  #letGo(work: TakenWork): void {
    this.#again.delete(work.key);
    this.#makeReady(work, this.#options.clock.monotonic());
    // It has waited for an answer; whatever was to come with it has come meanwhile.
    this.#immediate = true;
  }

  #delay(work: TakenWork, afterMs: number, result: ReconcileResult): number {
    this.#options.meter?.retried();
    const again = this.#again.get(work.key);
    if (again !== undefined) this.#again.set(work.key, { ...again, ...merge(work, again) });
    this.#release(work.key, result);
    if (again !== undefined) return 0;
    const dueAt = this.#options.clock.monotonic() + afterMs;
    this.#delayed.set(work.key, { ...work, dueAt });
    this.#nextDueAt = Math.min(this.#nextDueAt, dueAt);
    this.#wake();
    return afterMs;
  }

  #makeReady(work: TakenWork, now: number): void {
    if (this.#ready.size === 0) {
      this.#firstReadyAt = now;
      this.#immediate = now - Math.max(this.#lastTakeAt, this.#lastAddAt) >= this.#options.debounce.quietMs;
    }
    this.#ready.set(work.key, work);
    this.#lastAddAt = now;
    this.#wake();
  }

  /** Milliseconds until something may be handed out; not positive: now; infinite: nothing waits. */
  #msUntilReady(): number {
    const now = this.#options.clock.monotonic();
    this.#promoteDue(now);
    if (this.#ready.size > 0) {
      const { quietMs, maxWaitMs } = this.#options.debounce;
      if (this.#immediate) return 0;
      return Math.min(this.#lastAddAt + quietMs, this.#firstReadyAt + maxWaitMs) - now;
    }
    return this.#nextDueAt === Number.POSITIVE_INFINITY
      ? Number.POSITIVE_INFINITY
      : Math.max(1, this.#nextDueAt - now);
  }

  #promoteDue(now: number): void {
    if (this.#nextDueAt > now) return;
    this.#nextDueAt = Number.POSITIVE_INFINITY;
    for (const work of this.#delayed.values()) {
      if (work.dueAt > now + DUE_SLACK_MS) this.#nextDueAt = Math.min(this.#nextDueAt, work.dueAt);
      else {
        this.#delayed.delete(work.key);
        this.#makeReady(work, now);
      }
    }
  }

  #handOut(max: number): readonly TakenWork[] {
    const { clock, meter } = this.#options;
    const batch: TakenWork[] = [];
    const now = clock.monotonic();
    for (const work of this.#ready.values()) {
      if (batch.length >= max) break;
      batch.push(work);
      this.#ready.delete(work.key);
      this.#active.set(work.key, { group: work.group, since: now });
      meter?.taken(now - work.queuedAt);
      if (work.group !== undefined) this.#busy.set(work.group, (this.#busy.get(work.group) ?? 0) + 1);
    }
    this.#lastTakeAt = now;
    return batch;
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let cancel: (() => void) | undefined;
      const done = (): void => {
        cancel?.();
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      if (ms !== Number.POSITIVE_INFINITY) cancel = this.#options.clock.timer(ms, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

/** What a list says of a key, which knows nothing of events. */
const FROM_A_LIST: readonly CauseCode[] = ['relisted', 'orphan'];

/** The newest cause wins, but an explanation once given stays: a later list cannot turn a seen death into a riddle. */
function merge(earlier: Work | undefined, work: Work): Work {
  if (earlier === undefined) return work;
  const subject = work.subject ?? earlier.subject;
  const group = work.group ?? earlier.group;
  const cause =
    earlier.cause.explained && !work.cause.explained && FROM_A_LIST.includes(work.cause.code)
      ? earlier.cause
      : work.cause;
  return {
    key: work.key,
    cause: withEvent(cause, earlier.cause),
    ...(subject === undefined ? {} : { subject }),
    ...(group === undefined ? {} : { group }),
  };
}

/** Whatever else tells of a change, it has been waiting since the event that told of it. */
function withEvent(cause: Cause, { code, eventAt }: Cause): Cause {
  return cause.eventAt === undefined && eventAt !== undefined && cause.code === code
    ? { ...cause, eventAt }
    : cause;
}
