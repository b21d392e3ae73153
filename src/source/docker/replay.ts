import type { Failure } from '../../core/failure.ts';
import { type Clock, sleep } from '../../core/ports.ts';
import { type Deadline, isAborted } from './deadline.ts';
import type { Engine } from './engine.ts';
import type { EngineClock } from './engine-clock.ts';
import { type Deliveries, readHistory } from './feed.ts';

/** The live stream may lag a little behind a replay. */
const ALLOWANCE_MS = 1_000;

/** Windows overlap, so that neither a lag of the stream nor an error of the engine's clock hides an event between two. */
const OVERLAP_MS = 2_000;

export interface ReplayContext {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly deadline: Deadline;
  readonly engineClock: EngineClock;
  readonly deliveries: Deliveries;
  readonly everyMs: number;
  /** Engine time from which on the stream must have delivered everything. */
  readonly since: number | undefined;
}

export type ReplayEnd =
  | { readonly type: 'aborted' }
  /** The engine remembers events that the stream did not deliver: it is dead, whatever its socket says. */
  | { readonly type: 'silent'; readonly missing: number }
  | { readonly type: 'failed'; readonly failure: Failure };

/**
 * Compares the live stream with the engine's own memory of the last seconds, again and again, until they differ.
 * A stream can die without a word (a proxy, a lost peer), and on a quiet host silence looks the same.
 */
export async function watchForSilence(context: ReplayContext, signal: AbortSignal): Promise<ReplayEnd> {
  const { engineClock, clock, deliveries, everyMs } = context;
  let { since } = context;
  for (;;) {
    await sleep(clock, everyMs, signal);
    if (isAborted(signal)) return { type: 'aborted' };
    const until = engineClock.now();
    // An engine that does not tell its time and has sent no event yet: there is nothing to compare.
    if (until === undefined) continue;
    since ??= until - everyMs;
    // The engine's clock was set back.
    if (until <= since) since = until - OVERLAP_MS;
    const end = await compare(context, since, until, signal);
    if (end !== undefined) return end;
    deliveries.prune(since - OVERLAP_MS);
    since = Math.max(since, until - OVERLAP_MS);
  }
}

async function compare(
  { engine, deadline, deliveries, clock }: ReplayContext,
  since: number,
  until: number,
  signal: AbortSignal,
): Promise<ReplayEnd | undefined> {
  const history = await readHistory(engine, deadline, { since, until }, signal);
  if (isAborted(signal)) return { type: 'aborted' };
  if (!history.ok) return { type: 'failed', failure: history.failure };
  const lacking = () => history.value.filter((event) => event.at >= since && !deliveries.has(event));
  if (lacking().length === 0) return undefined;
  await sleep(clock, ALLOWANCE_MS, signal);
  if (isAborted(signal)) return { type: 'aborted' };
  const missing = lacking().length;
  return missing === 0 ? undefined : { type: 'silent', missing };
}
