import { setMaxListeners } from 'node:events';
import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import { type Clock, type Log, type Random, type SourceSignal, sleep } from '../../core/ports.ts';
import { type Deadline, isAborted, withDeadline } from './deadline.ts';
import type { Engine, EngineVersion } from './engine.ts';
import type { EngineClock } from './engine-clock.ts';
import type { EngineEvent } from './event.ts';
import { type Deliveries, openFeed } from './feed.ts';
import { takeEvent } from './hints.ts';
import { Inspections } from './inspections.ts';
import type { NetworkDirectory } from './networks.ts';
import { type ReadingContext, readContainer } from './reading.ts';
import { relist } from './relist.ts';
import { watchForSilence } from './replay.ts';
import type { Roster } from './roster.ts';

/** A list of many containers takes the engine longer than any other answer. */
const LIST_PATIENCE = 6;

/** More than the error of the engine's time as it is known here, and than an engine takes to subscribe. */
const GAP_MS = 500;

/** A stream of nothing but rubbish must not keep the engine listing all the time. */
const UNREADABLE_PAUSE_MS = 5_000;

export interface SessionContext {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly deadline: Deadline;
  readonly resyncMs: number;
  readonly replayMs: number;
  readonly inspections: number;
  readonly engineClock: EngineClock;
  readonly deliveries: Deliveries;
  readonly networks: NetworkDirectory;
  readonly roster: Roster;
  /** No complete list was ever read before. */
  readonly first: boolean;
  readonly connected: (version: EngineVersion) => void;
  readonly listed: (said: Extract<SourceSignal, { type: 'listed' }>) => void;
}

export interface SessionEnd {
  readonly failure: Failure;
  /** The engine itself did not answer; false: only the event stream is lost. */
  readonly away: boolean;
}

/**
 * One connection to the engine, from the first question until the event stream is lost or a question stays without an
 * answer. It subscribes first and lists then, so that nothing can happen unseen between the two.
 */
export class Session {
  readonly #context: SessionContext;
  readonly #over = new AbortController();
  readonly #inspections: Inspections;
  #end: SessionEnd | undefined;
  #wake: (() => void) | undefined;
  #relistAsked = false;
  #unreadableAt: number | undefined;
  #differences = 0;
  /** Complete lists read so far. */
  lists = 0;

  constructor(context: SessionContext) {
    this.#context = context;
    // Every question in flight listens to it.
    setMaxListeners(0, this.#over.signal);
    const reading: ReadingContext = {
      ...context,
      request: (id, at) => {
        this.#inspections.request(id, at, true);
      },
      requestRest: (said, at) => {
        this.#inspections.requestRest(said, at);
      },
      difference: () => {
        this.#differences += 1;
      },
    };
    this.#inspections = new Inspections({
      clock: context.clock,
      random: context.random,
      limit: context.inspections,
      signal: this.#over.signal,
      read: async (job, signal) => await readContainer(reading, job, signal),
    });
  }

  async run(signal: AbortSignal): Promise<SessionEnd> {
    const stop = (): void => {
      this.#finish(failure('docker-unreachable', 'given up'), false);
    };
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    const opened = await this.#open();
    if (opened.ok) await Promise.all([this.#keepListing(), this.#keepComparing(opened.value)]);
    else this.#finish(opened.failure, true);
    signal.removeEventListener('abort', stop);
    this.#context.roster.disconnected();
    return this.#end ?? { failure: failure('docker-unreachable'), away: false };
  }

  relist(): void {
    this.#relistAsked = true;
    this.#wake?.();
  }

  /** The first reason counts. */
  #finish(why: Failure, away: boolean): void {
    this.#end ??= { failure: why, away };
    this.#over.abort();
  }

  /** Subscribes; the answer is the engine time from which on the stream delivers everything. */
  async #open(): Promise<Result<number | undefined>> {
    const { engine, deadline, deliveries, engineClock } = this.#context;
    const signal = this.#over.signal;
    const version = await withDeadline(deadline, signal, 'GET /version', (within) =>
      engine.negotiate(within),
    );
    if (!version.ok) return version;
    await this.#learnTime();
    // An engine confirms a subscription before it has made it. Asking for events from a moment in the past closes that
    // gap, and after a reconnect it brings what was missed, as far as the engine remembers.
    const now = engineClock.now();
    deliveries.begin(now === undefined ? undefined : now - GAP_MS);
    const since = deliveries.latest;
    const query = since === undefined ? {} : { since: Math.min(since, now ?? since) };
    const target = {
      take: (event: EngineEvent): void => {
        this.#take(event);
      },
      unreadable: (): void => {
        this.#unreadable();
      },
      ended: (why: string): void => {
        this.#finish(failure('docker-unreachable', why), false);
      },
    };
    const feed = await openFeed(engine, deadline, query, target, signal);
    if (!feed.ok) return feed;
    this.#context.connected(version.value);
    return ok(now);
  }

  #take(event: EngineEvent): void {
    const { deliveries, engineClock } = this.#context;
    engineClock.guess(event.at);
    if (!deliveries.add(event)) return;
    takeEvent(
      { ...event, at: engineClock.toOurs(event.at) },
      { ...this.#context, inspections: this.#inspections },
    );
  }

  /** An event may have been lost: the list will tell. */
  #unreadable(): void {
    const { clock, log } = this.#context;
    const now = clock.monotonic();
    if (this.#unreadableAt !== undefined && now - this.#unreadableAt < UNREADABLE_PAUSE_MS) return;
    this.#unreadableAt = now;
    log.warn({}, 'the engine sent events that cannot be read; containers are listed again');
    this.relist();
  }

  /** An engine that refuses to tell (a proxy in front of it) can still be used. */
  async #learnTime(): Promise<void> {
    const { engine, deadline, engineClock, clock } = this.#context;
    const askedAt = clock.now();
    const info = await withDeadline(deadline, this.#over.signal, 'GET /info', (within) =>
      engine.info(within),
    );
    if (info.ok) engineClock.learn(info.value.systemTime, askedAt);
  }

  async #keepListing(): Promise<void> {
    const { log, clock, deadline, first, listed, networks } = this.#context;
    const signal = this.#over.signal;
    const patient = { clock, ms: deadline.ms * LIST_PATIENCE };
    while (!isAborted(signal)) {
      this.#relistAsked = false;
      this.#differences = 0;
      const report = await relist(
        { ...this.#context, deadline: patient, inspections: this.#inspections, log },
        signal,
      );
      if (isAborted(signal)) return;
      if (!report.ok) {
        this.#finish(report.failure, true);
        return;
      }
      this.lists += 1;
      const { ended, unread } = report.value;
      const differences = first && this.lists === 1 ? 0 : this.#differences + ended;
      listed({ type: 'listed', differences, at: clock.now(), ...(unread.length > 0 ? { unread } : {}) });
      await this.#untilNextList();
      networks.retry();
      if (!isAborted(signal)) await this.#learnTime();
    }
  }

  /** Jittered by a tenth, so that the agents of many hosts do not keep step. */
  async #untilNextList(): Promise<void> {
    if (this.#relistAsked) return;
    const { clock, resyncMs, random } = this.#context;
    const woken = new AbortController();
    const wake = (): void => {
      woken.abort();
    };
    this.#wake = wake;
    this.#over.signal.addEventListener('abort', wake, { once: true });
    if (!this.#over.signal.aborted) await sleep(clock, resyncMs * (0.9 + 0.2 * random()), woken.signal);
    this.#over.signal.removeEventListener('abort', wake);
    this.#wake = undefined;
  }

  async #keepComparing(since: number | undefined): Promise<void> {
    const { replayMs } = this.#context;
    const end = await watchForSilence({ ...this.#context, everyMs: replayMs, since }, this.#over.signal);
    if (end.type === 'failed') this.#finish(end.failure, true);
    if (end.type === 'silent') {
      this.#finish(failure('docker-unreachable', `the event stream lost ${end.missing} events`), false);
    }
  }
}
