import type { Schedule } from './schedule.ts';

/** A schedule for people: its terms, and its steps in order. */
export function describeSchedule({ terms, steps, waitForDrains }: Schedule): string {
  const { batchKeys, maxOperations, latencyMs, containers, onlooker, expiry } = terms;
  const lines = steps.map(
    ({ kind, host, registry, pick, ms, wait }, n) =>
      `${String(n + 1).padStart(3)}. ${kind.padEnd(24)} host-${String(host)} r${String(registry)} pick ${String(pick).padStart(3)} for ${String(ms).padStart(5)} ms, then ${String(wait).padStart(5)} ms`,
  );
  const head =
    `${String(containers)} containers a host, batches of ${String(batchKeys)}, transactions of ${String(maxOperations)}, ` +
    `latency up to ${String(latencyMs)} ms, expiry ${expiry.join(' ')}${onlooker ? ', an onlooker' : ''}${waitForDrains ? ', drains are waited for' : ''}`;
  return [head, ...lines].join('\n');
}
