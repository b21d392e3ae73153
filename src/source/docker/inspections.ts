import { type BackoffPolicy, backoffDelay } from '../../core/backoff.ts';
import type { Container } from '../../core/container.ts';
import type { Clock, Random } from '../../core/ports.ts';

export interface Job {
  readonly id: string;
  /** `early`: at `create`, to have the facts at hand when the start comes. */
  readonly kind: 'full' | 'early';
  /** When the event that asks for it happened. */
  readonly at: number;
  /** An event asked for it; false: a list did, because it found a difference. */
  readonly told: boolean;
  readonly attempt: number;
}

export type Verdict = 'done' | 'retry';

export interface InspectionsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly limit: number;
  readonly signal: AbortSignal;
  /** Asks the engine. Never rejects. What it returns is dropped if the container changed meanwhile. */
  readonly read: (job: Job, signal: AbortSignal) => Promise<() => Verdict>;
}

interface Running {
  readonly job: Job;
  /** Asked for again meanwhile: what comes back is out of date. */
  again: Job | undefined;
  dropped: boolean;
}

const RETRY: BackoffPolicy = { initialMs: 100, maxMs: 30_000, factor: 2 };
/** By then whatever the start set in motion is written, also where several start together. */
const CONFIRM_AFTER_MS = 20;

/**
 * Which container is inspected when: one inspection at a time for each container, a limited number in all, those that an
 * event asks for before those of a list, so that a start is not kept waiting by the first list of a full host.
 */
export class Inspections {
  readonly #options: InspectionsOptions;
  readonly #running = new Map<string, Running>();
  readonly #urgent = new Map<string, Job>();
  readonly #early = new Map<string, Job>();
  readonly #bulk = new Map<string, Job>();
  readonly #later = new Map<string, () => void>();
  #earlyRunning = 0;
  #waiters: { readonly ids: Set<string>; readonly resolve: () => void }[] = [];

  constructor(options: InspectionsOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => {
      this.#clear();
    });
  }

  /** Facts are wanted, or wanted anew. */
  request(id: string, at: number, told: boolean, attempt = 0): void {
    if (this.#options.signal.aborted) return;
    this.#cancelLater(id);
    this.#early.delete(id);
    const job: Job = { id, kind: 'full', at, told, attempt };
    const running = this.#running.get(id);
    if (running !== undefined) {
      // The answer under way may be older than what is asked for now. What asked for it still counts.
      running.again = merge(running.again ?? (running.dropped ? undefined : running.job), job);
      return;
    }
    if (told || this.#urgent.has(id)) {
      this.#urgent.set(id, merge(this.#urgent.get(id) ?? this.#bulk.get(id), job));
      this.#bulk.delete(id);
    } else {
      this.#bulk.set(id, job);
    }
    this.#pump();
  }

  /**
   * The start is said from what was known before it. Where something that is offered may still be missing the rest is
   * asked for at once; otherwise it only confirms, and what the start set in motion goes first.
   */
  requestRest(said: Container, at: number): void {
    const { id } = said;
    if (!isPublishedFixed(said)) this.request(id, at, true);
    else if (!this.#options.signal.aborted) {
      this.#cancelLater(id);
      this.#requestLater({ id, kind: 'full', at, told: true, attempt: 0 }, CONFIRM_AFTER_MS);
    }
  }

  /** Reads the facts of a container that is not started yet. */
  requestEarly(id: string, at: number): void {
    if (this.#options.signal.aborted || this.#urgent.has(id) || this.#bulk.has(id)) return;
    const job: Job = { id, kind: 'early', at, told: true, attempt: 0 };
    const running = this.#running.get(id);
    if (running === undefined) this.#early.set(id, job);
    else if (running.job.kind === 'early') running.again = job;
    this.#pump();
  }

  /** True while the engine is answering an early inspection whose answer will be used. */
  isEarlyUnderWay(id: string): boolean {
    const running = this.#running.get(id);
    return running?.job.kind === 'early' && running.again === undefined && !running.dropped;
  }

  /** True while full facts are being read or wait to be. */
  isWanted(id: string): boolean {
    return this.#isBusy(id) && !this.#early.has(id) && this.#running.get(id)?.job.kind !== 'early';
  }

  /** It will be read without being asked for: the last try failed, or it waits for something more urgent. */
  isDueLater(id: string): boolean {
    return this.#later.has(id);
  }

  /** Its facts are of no interest any more: it is dead or gone. */
  drop(id: string): void {
    this.#cancelLater(id);
    for (const queue of [this.#urgent, this.#early, this.#bulk]) queue.delete(id);
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.dropped = true;
      running.again = undefined;
    }
    this.#finished(id);
  }

  /** Resolves when each has been tried at least once (those that failed go on by themselves), or at the end. */
  async tried(ids: Iterable<string>): Promise<void> {
    const pending = new Set([...ids].filter((id) => this.#isBusy(id)));
    if (pending.size === 0 || this.#options.signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#waiters.push({ ids: pending, resolve });
    });
  }

  #isBusy(id: string): boolean {
    const running = this.#running.get(id);
    if (running !== undefined && (!running.dropped || running.again !== undefined)) return true;
    return this.#urgent.has(id) || this.#bulk.has(id) || this.#early.has(id);
  }

  #pump(): void {
    while (this.#running.size < this.#options.limit) {
      const job = this.#next();
      if (job === undefined) return;
      void this.#run(job);
    }
  }

  /** The engine may hold an early inspection until the start is done: they never take all places. */
  #next(): Job | undefined {
    const earlyAllowed = this.#earlyRunning < Math.ceil(this.#options.limit / 2);
    return (
      takeFirst(this.#urgent) ?? (earlyAllowed ? takeFirst(this.#early) : undefined) ?? takeFirst(this.#bulk)
    );
  }

  async #run(job: Job): Promise<void> {
    const running: Running = { job, again: undefined, dropped: false };
    const early = job.kind === 'early' ? 1 : 0;
    this.#running.set(job.id, running);
    this.#earlyRunning += early;
    const conclude = await this.#options.read(job, this.#options.signal);
    this.#running.delete(job.id);
    this.#earlyRunning -= early;
    if (this.#options.signal.aborted) return;
    const { again } = running;
    if (again !== undefined) this.#repeat(again);
    else if (!running.dropped && conclude() === 'retry') this.#retryLater(job);
    this.#finished(job.id);
    this.#pump();
  }

  #repeat(job: Job): void {
    if (job.kind === 'early') this.requestEarly(job.id, job.at);
    else this.request(job.id, job.at, job.told, job.attempt);
  }

  #retryLater(job: Job): void {
    const delay = backoffDelay(job.attempt, this.#options.random(), RETRY);
    this.#requestLater({ ...job, attempt: job.attempt + 1 }, delay);
  }

  #requestLater({ id, at, told, attempt }: Job, delayMs: number): void {
    const cancel = this.#options.clock.timer(delayMs, () => {
      this.#later.delete(id);
      this.request(id, at, told, attempt);
    });
    this.#later.set(id, cancel);
  }

  #cancelLater(id: string): void {
    this.#later.get(id)?.();
    this.#later.delete(id);
  }

  #finished(id: string): void {
    if (this.#waiters.length === 0 || this.#isBusy(id)) return;
    this.#waiters = this.#waiters.filter((waiter) => {
      waiter.ids.delete(id);
      if (waiter.ids.size === 0) waiter.resolve();
      return waiter.ids.size > 0;
    });
  }

  #clear(): void {
    for (const id of [...this.#later.keys()]) this.#cancelLater(id);
    for (const queue of [this.#urgent, this.#early, this.#bulk]) queue.clear();
    for (const waiter of this.#waiters) waiter.resolve();
    this.#waiters = [];
  }
}

/** On fixed host ports only: what it offers is known, unless somebody wants the addresses inside. */
function isPublishedFixed({ ports, portsIncomplete }: Container): boolean {
  return portsIncomplete !== true && ports.some(({ bindings }) => bindings.length > 0);
}

/** The later event counts; told by any event is told. */
function merge(earlier: Job | undefined, later: Job): Job {
  if (earlier === undefined) return later;
  return { ...later, at: later.told ? later.at : earlier.at, told: earlier.told || later.told };
}

function takeFirst(queue: Map<string, Job>): Job | undefined {
  for (const [id, job] of queue) {
    queue.delete(id);
    return job;
  }
  return undefined;
}
