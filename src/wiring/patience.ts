import { type BackoffPolicy, backoffDelay } from '../core/backoff.ts';
import type { Result } from '../core/failure.ts';
import { type Clock, type Log, type Random, sleep } from '../core/ports.ts';

const PAUSES: BackoffPolicy = { initialMs: 200, maxMs: 5000, factor: 2 };

export interface Patience {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Logged once, when the first answer fails to come. */
  readonly waiting: string;
}

/** Asks the engine again and again until it answers; `undefined` only when the signal aborts first. */
export async function untilAnswered<T>(
  ask: (signal: AbortSignal) => Promise<Result<T>>,
  { clock, random, log, waiting }: Patience,
  signal: AbortSignal,
): Promise<T | undefined> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    const answer = await ask(signal);
    if (answer.ok) return answer.value;
    if (attempt === 0) log.warn({ reason: answer.failure.message, code: answer.failure.code }, waiting);
    await sleep(clock, backoffDelay(attempt, random(), PAUSES), signal);
  }
  return undefined;
}
