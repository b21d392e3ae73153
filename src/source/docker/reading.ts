import type { Result } from '../../core/failure.ts';
import type { Log } from '../../core/ports.ts';
import { type Deadline, withDeadline } from './deadline.ts';
import type { Engine } from './engine.ts';
import type { Job, Verdict } from './inspections.ts';
import type { NetworkDirectory } from './networks.ts';
import type { Roster, Track } from './roster.ts';
import { type Inspection, mayBeProvisional, powerState, readInspection, toContainer, toProvisional } from './schema.ts';

export interface ReadingContext {
  readonly engine: Engine;
  readonly deadline: Deadline;
  readonly networks: NetworkDirectory;
  readonly roster: Roster;
  readonly log: Log;
  /** Full facts are wanted now, told by the event at that time. */
  readonly request: (id: string, at: number) => void;
  /** A list's inspection found something that no event had told. */
  readonly difference: () => void;
}

/**
 * Inspects one container. What the answer means is returned as a function, for it is called only if the container has
 * not changed in the meantime.
 */
export async function readContainer(context: ReadingContext, job: Job, signal: AbortSignal): Promise<() => Verdict> {
  const answer = await withDeadline(context.deadline, signal, `inspect ${job.id.slice(0, 12)}`, (within) =>
    context.engine.inspect(job.id, within),
  );
  const inspection = parse(context, job, answer);
  if (inspection !== undefined && isAlive(inspection)) await context.networks.prepare(inspection, signal);
  const conclude = job.kind === 'early' ? concludeEarly : concludeFull;
  return () => {
    const track = context.roster.get(job.id);
    if (track === undefined) return 'done';
    if (!answer.ok) return failed(context, track, job, answer.failure.message);
    conclude(context, track, job, inspection);
    return 'done';
  };
}

function isAlive(inspection: Inspection): boolean {
  const state = powerState(inspection.State.Status);
  return state === 'running' || state === 'paused';
}

/** `null`: what came cannot be read; `undefined`: there is no such container. */
type Parsed = Inspection | null | undefined;

function parse({ log }: ReadingContext, job: Job, answer: Result<unknown>): Parsed {
  if (!answer.ok || answer.value === undefined) return undefined;
  const result = readInspection(answer.value);
  if (result.ok) return result.inspection;
  log.warn({ container: job.id, reason: result.problem }, 'container left out: its description cannot be read');
  return null;
}
