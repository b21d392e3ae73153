import type { CauseCode } from './cause.ts';
import type { DrainCause, LifecycleState } from './endpoint.ts';

/** Whose change it was. */
interface HistorySubject {
  /** Which engine of several; absent where the agent has one. */
  readonly engine?: string;
  readonly path: string;
  readonly address: string;
  readonly container: string;
  readonly containerId: string;
}

/** The last changes of one endpoint, the oldest first. All times are epoch milliseconds. */
export interface HistoryView extends HistorySubject {
  /** Since when it is offered no more; undefined while it is. */
  readonly goneSince: number | undefined;
  readonly transitions: readonly TransitionView[];
}

/** One change of an endpoint, or of its records, and what became of it in each target. */
export interface TransitionView {
  readonly at: number;
  /** The state that holds since. */
  readonly state: LifecycleState;
  /** Of a drain. */
  readonly cause: DrainCause | undefined;
  readonly reason: CauseCode;
  readonly targets: readonly TargetOutcomeView[];
}

/** A row of `get history`. */
export interface HistoryRow extends HistorySubject, TransitionView {}

export interface TargetOutcomeView {
  readonly target: string;
  /** `unchanged`: it showed what it should already; `pending`: not tried yet. */
  readonly state:
    | 'acknowledged'
    | 'unchanged'
    | 'pending'
    | 'retrying'
    | 'held'
    | 'conflict'
    | 'failed'
    | 'blocked';
  /** Keys that the registry has acknowledged. */
  readonly written: readonly string[];
  readonly withdrawn: readonly string[];
  /** When it acknowledged or refused last. */
  readonly at: number | undefined;
  readonly revision: string | undefined;
  /** Failure code or outcome, and why; undefined when all is done. */
  readonly outcome: string | undefined;
  readonly why: string | undefined;
  readonly tries: number;
  readonly nextTryAt: number | undefined;
}
