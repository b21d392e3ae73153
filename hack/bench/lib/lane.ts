import { setTimeout as sleep } from 'node:timers/promises';
import { cpuMs } from './process-facts.ts';
import type { Sightings } from './sightings.ts';
import type { PortKind, Stage } from './stage.ts';
import type { Subject } from './subject.ts';

/** What is measured, on an engine of its own. */
export interface Lane {
  readonly name: string;
  readonly subject: Subject;
  readonly stage: Stage;
  readonly sightings: Sightings;
}

/** What one lane reached. Milliseconds. */
export interface Reached {
  readonly start: number[];
  /** Ended by itself: only a `die` event tells of it. */
  readonly exit: number[];
  /** Ended by the engine: a `kill` event came before. */
  readonly kill: number[];
  /** Starts and deaths that were not seen in the registry before the deadline. */
  missed: number;
  /** Of the subject and of its engine, for one container that comes and goes. */
  cpuMs: number;
  engineCpuMs: number;
}

const DEADLINE_MS = 5000;

/** Between a container's life and the next step, so that what follows a write is over. */
const SETTLE_MS = 20;

export interface SeriesOptions {
  readonly lanes: readonly Lane[];
  readonly port: PortKind;
  readonly samples: number;
  readonly warmUp: number;
  /** A container that is not in the registry by then never will be. */
  readonly deadlineMs?: number;
}

/**
 * One container at a time, in turns. Each lane has an engine of its own, so that all subjects live and are warm while only one
 * of them has anything to do: two that see the same containers would share the cores at the very moment that is measured, and
 * one that is started for its turn would be cold in it.
 */
export async function series(options: SeriesOptions): Promise<readonly Reached[]> {
  const { lanes, samples, warmUp } = options;
  for (let n = 0; n < warmUp; n += 1) {
    for (const lane of lanes) await liveOnce(lane, options, n, emptyReached());
  }
  for (const lane of lanes) await lane.sightings.setClock();
  const reached = lanes.map(emptyReached);
  const before = lanes.map(used);
  for (let n = 0; n < samples; n += 1) {
    const turns = lanes.map((lane, index) => ({ lane, into: reached[index] ?? emptyReached() }));
    if (n % 2 === 1) turns.reverse();
    for (const { lane, into } of turns) await liveOnce(lane, options, n, into);
  }
  lanes.forEach((lane, index) => {
    const [after, was, into] = [used(lane), before[index], reached[index]];
    if (was === undefined || into === undefined) return;
    into.cpuMs = (after.subject - was.subject) / samples;
    into.engineCpuMs = (after.engine - was.engine) / samples;
  });
  return reached;
}

async function liveOnce(lane: Lane, options: SeriesOptions, n: number, into: Reached): Promise<void> {
  const { stage, sightings } = lane;
  const { port, deadlineMs = DEADLINE_MS } = options;
  const id = await stage.run(port);
  const start = await sightings.delay('start', id, deadlineMs);
  if (start === undefined) into.missed += 1;
  else into.start.push(start);
  await sleep(SETTLE_MS);
  const how = n % 2 === 0 ? 'exit' : 'kill';
  await stage[how](id);
  if (start !== undefined) {
    const end = await sightings.delay('die', id, deadlineMs);
    if (end === undefined) into.missed += 1;
    else into[how].push(end);
  }
  await stage.remove(id);
  await sleep(SETTLE_MS);
}

function emptyReached(): Reached {
  return { start: [], exit: [], kill: [], missed: 0, cpuMs: 0, engineCpuMs: 0 };
}

function used({ subject, stage }: Lane): { readonly subject: number; readonly engine: number } {
  return { subject: cpuMs(subject.child.pid), engine: cpuMs(stage.pid) };
}
