import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  /** How long the condition may take to become true. Default 20 s: it costs nothing when things work. */
  readonly deadlineMs?: number;
  /** The pause between two looks. Default 50 ms. */
  readonly everyMs?: number;
  /** What is waited for, for the failure's message. */
  readonly what?: string;
}

/** One look that may hang: it counts as failed once the deadline is over. */
const within = async <T>(look: () => T | Promise<T>, ms: number): Promise<T> => {
  const stop = new AbortController();
  const late = sleep(Math.max(ms, 1), undefined, { signal: stop.signal }).then(() => {
    throw new Error('the last look did not end before the deadline');
  });
  // Losing the race, or being aborted, must not count as an unhandled rejection.
  late.catch(() => undefined);
  try {
    return await Promise.race([Promise.resolve().then(look), late]);
  } finally {
    stop.abort();
  }
};

/**
 * Polls until `look` neither throws nor returns `false`, and returns what it returned.
 * After the deadline it throws, with the last error as the cause and in the message.
 */
export const eventually = async <T>(
  look: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<Exclude<T, false>> => {
  const { deadlineMs = 20_000, everyMs = 50, what = 'the condition' } = options;
  const deadline = performance.now() + deadlineMs;
  let last: unknown = new Error('it was false');
  do {
    try {
      const seen = await within(look, deadline - performance.now());
      if (seen !== false) return seen as Exclude<T, false>;
      last = new Error('it was false');
    } catch (error) {
      last = error;
    }
    await sleep(everyMs);
  } while (performance.now() < deadline);
  const reason = last instanceof Error ? last.message : String(last);
  throw new Error(`${what} did not come true within ${deadlineMs} ms; at last: ${reason}`, { cause: last });
};
