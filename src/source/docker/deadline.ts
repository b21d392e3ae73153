import { fail, messageOf, type Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';

/** How calls to the engine are bounded. */
export interface Deadline {
  readonly clock: Clock;
  readonly ms: number;
}

/** Asked through a function: the compiler takes a property for unchanged across an `await`. */
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/**
 * Calls with a signal that aborts when the caller's does, or when the time is up. It does not rely on the callee to
 * look at the signal: the answer is `docker-timeout` at the deadline even if the call never returns.
 */
export async function withDeadline<T>(
  { clock, ms }: Deadline,
  signal: AbortSignal,
  what: string,
  call: (signal: AbortSignal) => Promise<Result<T>>,
): Promise<Result<T>> {
  if (signal.aborted) return fail('docker-unreachable', `${what}: given up`);
  const own = new AbortController();
  return await new Promise((resolve) => {
    const settle = (result: Result<T>): void => {
      cancel();
      signal.removeEventListener('abort', abandon);
      resolve(result);
    };
    const abandon = (): void => {
      own.abort();
      settle(fail('docker-unreachable', `${what}: given up`));
    };
    const cancel = clock.timer(ms, () => {
      own.abort();
      settle(fail('docker-timeout', `${what} took longer than ${ms} ms`));
    });
    signal.addEventListener('abort', abandon, { once: true });
    call(own.signal).then(settle, (error: unknown) => {
      settle(fail('docker-unreachable', messageOf(error)));
    });
  });
}
