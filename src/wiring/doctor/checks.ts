import { setMaxListeners } from 'node:events';
import { type Finding, finding } from '../../core/doctor.ts';
import { messageOf } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';

/** One part of the examination. It only reads. */
export interface Check {
  readonly name: string;
  readonly run: (signal: AbortSignal) => Promise<readonly Finding[]>;
}

/** Runs all at once. One that fails or hangs is a finding of its own, and stops no other. */
export async function runChecks(
  checks: readonly Check[],
  {
    clock,
    limitMs,
    signal,
  }: { readonly clock: Clock; readonly limitMs: number; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  setMaxListeners(0, signal);
  const found = checks.map((check) => runOne(check, clock, limitMs, signal));
  return (await Promise.all(found)).flat();
}

async function runOne(
  { name, run }: Check,
  clock: Clock,
  limitMs: number,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const late = new AbortController();
  const within = AbortSignal.any([signal, late.signal]);
  setMaxListeners(0, within);
  let cancel = (): void => undefined;
  const limit = new Promise<readonly Finding[]>((resolve) => {
    cancel = clock.timer(limitMs, () => {
      late.abort();
      resolve([finding('check-late', name, `took longer than ${String(limitMs / 1000)}s`)]);
    });
  });
  const done = run(within).catch((error: unknown) => {
    const message = messageOf(error);
    return [finding('check-failed', name, `could not be examined: ${message}`)];
  });
  try {
    return await Promise.race([done, limit]);
  } finally {
    cancel();
  }
}
