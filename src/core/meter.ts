import type { CauseCode } from './cause.ts';

/**
 * What became of a key that was worked on, in the words of controller-runtime: `requeue`: planned again at once, because the
 * world had moved; `requeue_after`: looked at again later, though nothing failed.
 */
export const RECONCILE_RESULTS = ['success', 'error', 'requeue', 'requeue_after'] as const;
export type ReconcileResult = (typeof RECONCILE_RESULTS)[number];

/** What an event of the engine leads to at a registry. */
export const PROPAGATION_KINDS = ['register', 'drain', 'withdraw', 'update'] as const;
export type PropagationKind = (typeof PROPAGATION_KINDS)[number];

/** Hears what a workqueue does. Called for every key, so it must be cheap. Durations are milliseconds. */
export interface QueueMeter {
  /** A key came that did not wait yet. */
  added(): void;
  /** A key that was worked on is put off. */
  retried(): void;
  /** A key was handed out after it had waited. */
  taken(waitedMs: number): void;
  /** The work on a key is over. */
  done(result: ReconcileResult, workedMs: number): void;
}

/** One batch of changes that was sent to a registry. */
export interface AppliedBatch {
  /** Milliseconds until all was answered, and until all was booked. */
  readonly ms: number;
  readonly passMs: number;
  /** Records that were written, those of the host itself, and those that were removed; bookkeeping is not among them. */
  readonly written: number;
  readonly hosts: number;
  readonly removed: number;
  /** Something could not be done and is tried again. */
  readonly failed: boolean;
}

/** Hears what the loop of one registry does. */
export interface TargetMeter extends QueueMeter {
  /** A registry confirmed a change that an event of the engine led to, so long after that event. */
  propagated(kind: PropagationKind, ms: number): void;
  applied(batch: AppliedBatch): void;
}

/** What a queue holds at the moment. Durations are milliseconds. */
export interface QueueLoad {
  /** Keys that wait to be handed out; those that wait for a later time are not among them. */
  readonly depth: number;
  /** Keys that are worked on. */
  readonly active: number;
  /** How long the keys that are worked on have been so, all together, and the one that has been the longest. */
  readonly unfinishedMs: number;
  readonly longestMs: number;
}

const KINDS: Partial<Record<CauseCode, PropagationKind>> = {
  started: 'register',
  ready: 'register',
  'drain-ended': 'register',
  'stop-signal': 'drain',
  unhealthy: 'drain',
  'not-ready': 'withdraw',
  died: 'withdraw',
  removed: 'withdraw',
};

/** What an event leads to that caused a change. */
export function propagationKind(cause: CauseCode): PropagationKind {
  return KINDS[cause] ?? 'update';
}
