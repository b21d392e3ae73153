import type { Container } from '../../core/container.ts';
import type { Failure } from '../../core/failure.ts';
import type { Log } from '../../core/ports.ts';
import { type Deadline, withDeadline } from './deadline.ts';
import type { Engine } from './engine.ts';
import type { Job, Verdict } from './inspections.ts';
import type { NetworkDirectory } from './networks.ts';
import type { Roster, Track } from './roster.ts';
import {
  type Inspection,
  mayBeProvisional,
  powerState,
  readInspection,
  toContainer,
  toProvisional,
} from './schema.ts';

export interface ReadingContext {
  readonly engine: Engine;
  readonly deadline: Deadline;
  readonly networks: NetworkDirectory;
  readonly roster: Roster;
  readonly log: Log;
  /** Full facts are wanted, because of the event at that time. */
  readonly request: (id: string, at: number) => void;
  /** See `Inspections.requestRest`. */
  readonly requestRest: (said: Container, at: number) => void;
  /** A list's inspection found what no event had told. */
  readonly difference: () => void;
}

type Reading =
  | { readonly type: 'facts'; readonly inspection: Inspection }
  | { readonly type: 'gone' }
  | { readonly type: 'unreadable'; readonly problem: string }
  | { readonly type: 'failed'; readonly failure: Failure };

/**
 * Inspects one container. What the answer means is returned as a function, for it is called only if the container has
 * not changed in the meantime.
 */
export async function readContainer(
  context: ReadingContext,
  job: Job,
  signal: AbortSignal,
): Promise<() => Verdict> {
  const reading = await read(context, job, signal);
  if (reading.type === 'facts' && isAlive(reading.inspection)) {
    await context.networks.prepare(reading.inspection, signal);
  }
  return () => {
    const track = context.roster.get(job.id);
    return track === undefined ? 'done' : conclude(context, track, job, reading);
  };
}

async function read(
  { engine, deadline }: ReadingContext,
  { id }: Job,
  signal: AbortSignal,
): Promise<Reading> {
  const answer = await withDeadline(deadline, signal, `inspect ${id.slice(0, 12)}`, (within) =>
    engine.inspect(id, within),
  );
  if (!answer.ok) return { type: 'failed', failure: answer.failure };
  if (answer.value === undefined) return { type: 'gone' };
  const parsed = readInspection(answer.value);
  return parsed.ok
    ? { type: 'facts', inspection: parsed.inspection }
    : { type: 'unreadable', problem: parsed.problem };
}

function isAlive(inspection: Inspection): boolean {
  const state = powerState(inspection.State.Status);
  return state === 'running' || state === 'paused';
}

function conclude(context: ReadingContext, track: Track, job: Job, reading: Reading): Verdict {
  switch (reading.type) {
    case 'gone':
      track.read = 'not-alive';
      track.startedAt = undefined;
      return 'done';
    case 'unreadable':
      track.read = 'unreadable';
      context.log.warn(
        { container: job.id, reason: reading.problem },
        'container left out: its description cannot be read',
      );
      return 'done';
    case 'failed':
      return failed(context, track, job, reading.failure);
    case 'facts':
      if (job.kind === 'early') concludeEarly(context, track, reading.inspection);
      else concludeFull(context, track, job, reading.inspection);
      return 'done';
  }
}

/** Only this container is tried again; the others go on. */
function failed(context: ReadingContext, track: Track, job: Job, { message }: Failure): Verdict {
  track.read = 'failed';
  const fields = { container: job.id, reason: message, attempt: job.attempt };
  if (job.attempt === 0) context.log.warn(fields, 'container could not be inspected');
  else context.log.debug(fields, 'container could not be inspected');
  if (job.kind === 'full') return 'retry';
  if (track.startedAt !== undefined) context.request(job.id, track.startedAt);
  return 'done';
}

/** A container that is found dead is left to its death's event, or to the next list if that was lost. */
function concludeFull(context: ReadingContext, track: Track, job: Job, inspection: Inspection): void {
  track.read = isAlive(inspection) ? 'alive' : 'not-alive';
  if (track.read === 'not-alive') return;
  const facts = toContainer(inspection, context.networks.driverOf);
  const news = context.roster.seen(track, facts, job.at, job.told);
  if (news && !job.told) context.difference();
}

function concludeEarly(context: ReadingContext, track: Track, inspection: Inspection): void {
  const { startedAt } = track;
  const facts = isAlive(inspection)
    ? toContainer(inspection, context.networks.driverOf)
    : toProvisional(inspection);
  if (startedAt === undefined) {
    track.early = facts;
    return;
  }
  if (!facts.provisional) context.roster.seen(track, facts, startedAt);
  else if (!mayBeProvisional(facts)) context.request(track.id, startedAt);
  else {
    context.requestRest(facts, startedAt);
    context.roster.seen(track, facts, startedAt);
  }
}
