import { checkCalmOnes } from './checks.ts';
import { finish } from './finale.ts';
import type { Violation } from './promises.ts';
import { DEEDS, type Schedule } from './schedule.ts';
import type { Step } from './step.ts';
import { World } from './world.ts';

const SETTLED_MS = 5_000;

export interface RunResult {
  readonly violation: Violation | undefined;
  /** Virtual milliseconds. */
  readonly lasted: number;
  readonly commits: number;
}

/** Runs one schedule from an empty world to its end, or to the first promise that is broken. */
export async function runSchedule(schedule: Schedule, trace?: (line: string) => void): Promise<RunResult> {
  const { terms } = schedule;
  const line =
    trace === undefined
      ? () => undefined
      : (text: string) => {
          trace(`${((world.now - began) / 1_000).toFixed(3).padStart(9)} ${text}`);
        };
  const world: World = new World(terms, line);
  const began = world.now;
  await begin(world);
  for (const step of schedule.steps) {
    if (world.violation !== undefined) break;
    await take(world, step);
  }
  if (world.violation === undefined) await finish(world, schedule.waitForDrains);
  const result = { violation: world.violation, lasted: world.now - began, commits: world.commits };
  world.close();
  return result;
}

async function begin(world: World): Promise<void> {
  for (const host of world.hosts) {
    for (let n = 0; n < world.terms.containers; n += 1) host.run(n + host.index);
    world.start(host);
  }
  if (world.terms.onlooker) world.start(world.host(0), 'onlooker');
  await world.advance(SETTLED_MS);
}

async function take(world: World, step: Step): Promise<void> {
  const deed = DEEDS[step.kind];
  if (deed === undefined) throw new Error(`no such step: ${step.kind}`);
  const { kind, wait, ms, pick } = step;
  world.trace(
    `STEP ${kind} host-${String(step.host)} r${String(step.registry)} pick ${String(pick)} for ${String(ms)} ms, then ${String(wait)} ms`,
  );
  await deed({ world, step, host: world.host(step.host), registry: world.registry(step.registry) });
  await world.advance(wait);
  await checkCalmOnes(world);
}
