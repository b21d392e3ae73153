import { isBookkeeping } from '../core/bookkeeping.ts';
import { type AppliedBatch, propagationKind, type TargetMeter } from '../core/meter.ts';
import { type Change, explainChange } from '../core/plan.ts';
import type { ChangeResult, Clock, RegistryWriter } from '../core/ports.ts';
import type { ObservedCache } from './cache.ts';
import type { Say } from './guard.ts';
import type { Journal } from './journal.ts';
import { HOST } from './publication.ts';
import type { TakenWork, Workqueue } from './workqueue.ts';

export interface ApplyContext {
  readonly cache: ObservedCache;
  readonly queue: Workqueue;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly say: Say;
  readonly meter: TargetMeter | undefined;
}

const DONE: Readonly<Record<Change['action'], string>> = {
  create: 'record created',
  update: 'record updated',
  delete: 'record deleted',
  forget: 'ledger entry dropped',
  restore: 'ledger entry restored',
};

/** Said once by the session, for all records. */
const SAID_BY_SESSION: readonly string[] = ['lease-lost', 'owner-fenced'];

/** A record that only a person can mend is tried again now and then, in case somebody mended the registry. */
const TERMINAL_RETRY_MS = 60_000;

/** Applies planned changes and books every outcome: cache, queue, journal and one log line per change. */
export async function applyChanges(
  writer: RegistryWriter,
  planned: ReadonlyMap<TakenWork, Change>,
  context: ApplyContext,
  signal: AbortSignal,
): Promise<void> {
  const byKey = new Map([...planned.keys()].map((work) => [work.key, work]));
  const { clock, meter } = context;
  const began = clock.monotonic();
  const results = await writer.apply([...planned.values()], signal);
  const ms = clock.monotonic() - began;
  for (const result of results) {
    const work = byKey.get(result.change.key);
    if (work === undefined)
      throw new Error(`an answer to a change that was not asked for: ${result.change.key}`);
    context.cache.merge(result.seen, context.clock.monotonic(), () => true);
    context.cache.applied(result);
    book(work, result, context);
  }
  meter?.applied({ ...summary(results), ms, passMs: clock.monotonic() - began });
}

function summary(results: readonly ChangeResult[]): Omit<AppliedBatch, 'ms' | 'passMs'> {
  let [written, hosts, removed, failed] = [0, 0, 0, false];
  for (const { change, outcome } of results) {
    failed ||= outcome.type === 'retry' && outcome.failure.kind !== 'conflict';
    if (outcome.type !== 'settled' || isBookkeeping(change.key) || isHalf(change)) continue;
    if (change.action === 'delete') removed += 1;
    else if (change.group === HOST) hosts += 1;
    else written += 1;
  }
  return { written, hosts, removed, failed };
}

function book(work: TakenWork, result: ChangeResult, context: ApplyContext): void {
  const { outcome } = result;
  switch (outcome.type) {
    case 'settled':
      settle(work, result, outcome.revision, context);
      break;
    case 'recheck':
      context.queue.recheck(work, outcome.afterMs);
      break;
    case 'retry':
      again(work, result, context);
      break;
  }
}

function settle(
  work: TakenWork,
  { change }: ChangeResult,
  revision: string | undefined,
  context: ApplyContext,
): void {
  const { journal, queue, clock, say, meter } = context;
  const reason = explainChange(change);
  const { action } = change;
  const at = clock.now();
  const entry = { state: 'synced', outcome: DONE[action], nextTryAt: undefined, why: undefined } as const;
  journal.wrote(toldOf(work, change), { ...entry, at }, { action, revision });
  const { eventAt, code } = change.cause;
  // Dropping or restoring an entry is only half of what the event asks for.
  if (eventAt !== undefined && !isHalf(change) && !isBookkeeping(change.key))
    meter?.propagated(propagationKind(code), Math.max(0, at - eventAt));
  const duration = Math.round((clock.monotonic() - work.queuedAt) * 10) / 10;
  // Bookkeeping is nobody's service: it is told only to those who look for it.
  say(
    isBookkeeping(change.key) ? 'debug' : 'info',
    {
      action,
      key: change.key,
      ...work.subject,
      reason,
      cause: change.cause.code,
      revision,
      duration_ms: duration,
    },
    DONE[action],
  );
  queue.finish(work.key);
  // What the key needs now is planned afresh.
  if (isHalf(change)) queue.add(work);
}

/** The work as the planned change knows it better. */
function toldOf(work: TakenWork, { group, cause }: Change): TakenWork {
  return { ...work, group: work.group ?? group, cause };
}

/** Only half of what is to be done. */
function isHalf({ action }: Change): boolean {
  return action === 'forget' || action === 'restore';
}

function again(work: TakenWork, { change, outcome }: ChangeResult, context: ApplyContext): void {
  if (outcome.type !== 'retry') return;
  const { journal, queue, clock, say } = context;
  const { failure } = outcome;
  const at = clock.now();
  if (failure.kind === 'conflict') {
    queue.replan(work);
    return;
  }
  const delay =
    failure.kind === 'terminal' ? queue.recheck(work, TERMINAL_RETRY_MS, 'error') : queue.retry(work);
  const state = failure.kind === 'terminal' ? 'failed' : 'retrying';
  const fresh = journal.missed(toldOf(work, change), {
    state,
    outcome: failure.code,
    at,
    nextTryAt: at + delay,
    why: failure.message,
  });
  if (fresh)
    say(
      SAID_BY_SESSION.includes(failure.code) ? 'debug' : 'warn',
      {
        action: change.action,
        key: change.key,
        ...work.subject,
        reason: failure.message,
        code: failure.code,
        retry_ms: delay,
      },
      'change failed',
    );
}
