import { runSchedule } from './run.ts';
import type { Schedule } from './schedule.ts';

const expiry = ['prune', 'prune', 'prune'] as const;
const PLAIN = { expiry, batchKeys: 512, maxOperations: 128, latencyMs: 0, containers: 3, onlooker: false };

/**
 * The shortest schedule found that still breaks the same promise: takes steps away, many at once and then one by one,
 * until none can be missed. Here and not by fast-check, which never takes away more than its generator would leave out.
 */
export async function shrink(schedule: Schedule): Promise<Schedule> {
  const { violation } = await runSchedule(schedule);
  if (violation === undefined) return schedule;
  const fails = async (candidate: Schedule): Promise<boolean> =>
    (await runSchedule(candidate)).violation?.promise === violation.promise;
  let best = schedule;
  for (let size = best.steps.length; size >= 1; size = Math.floor(size / 2))
    best = await without(best, size, fails);
  best = await without(best, 1, fails);
  for (const [name, value] of Object.entries(PLAIN)) {
    const candidate = { ...best, terms: { ...best.terms, [name]: value } };
    if (await fails(candidate)) best = candidate;
  }
  return best;
}

/** Takes away every run of `size` steps that is not needed. */
async function without(
  schedule: Schedule,
  size: number,
  fails: (candidate: Schedule) => Promise<boolean>,
): Promise<Schedule> {
  let best = schedule;
  for (let at = 0; at < best.steps.length; ) {
    const candidate = { ...best, steps: [...best.steps.slice(0, at), ...best.steps.slice(at + size)] };
    if (await fails(candidate)) best = candidate;
    else at += size;
  }
  return best;
}
