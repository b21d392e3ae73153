import { isBookkeeping } from '../core/bookkeeping.ts';
import type { Cause, CauseCode } from '../core/cause.ts';
import type { DrainCause, Endpoint, LifecycleState } from '../core/endpoint.ts';
import type { ChangeAction } from '../core/plan.ts';
import type { Clock } from '../core/ports.ts';
import type { Revision } from '../core/record.ts';
import type { JournalEntry } from './journal.ts';
import type { LiveEndpoint } from './publication.ts';

/** Bounds on what is remembered. */
export interface HistoryLimits {
  /** Changes of one endpoint. */
  readonly each: number;
  /** Changes of all endpoints together; the oldest goes first, whosever it is. */
  readonly total: number;
  /** Endpoints that are gone, and for how long (ms) they are remembered. */
  readonly gone: number;
  readonly goneMs: number;
}

const LIMITS: HistoryLimits = { each: 20, total: 30_000, gone: 1000, goneMs: 3_600_000 };

/** What became of one key in one target. */
export interface Told {
  readonly target: string;
  /** Id of the endpoint. */
  readonly endpoint: string;
  readonly key: string;
  readonly cause: Cause;
  readonly entry: JournalEntry;
  /** What was done; undefined: nothing was. */
  readonly action: ChangeAction | undefined;
  readonly revision: Revision | undefined;
}

const NONE: readonly never[] = [];

/** What a target made of one change. A class, and arrays without room to grow: there are as many as endpoints and targets. */
export class Outcome {
  readonly target: string;
  at: number;
  written: readonly string[] = NONE;
  withdrawn: readonly string[] = NONE;
  revision: Revision | undefined;
  /** Keys that are not done. */
  failing: readonly string[] = NONE;
  /** What was last said of one of them. */
  trouble: JournalEntry | undefined;
  tries = 0;

  constructor(target: string, at: number) {
    this.target = target;
    this.at = at;
  }
}

/** One change. Small on purpose: there are as many of these as endpoints, and more. */
export interface Transition {
  readonly at: number;
  readonly state: LifecycleState;
  readonly drain: DrainCause | undefined;
  readonly cause: CauseCode;
  outcomes: readonly Outcome[];
  readonly of: EndpointHistory;
}

export interface EndpointHistory {
  endpoint: Endpoint;
  transitions: readonly Transition[];
  /** Keys that the latest change of the endpoint concerns. */
  keys: readonly string[];
  /** Epoch milliseconds, as we see the clock; undefined while it is offered. */
  goneSince: number | undefined;
}

/** What a repair or a loss is about, and no change of the endpoint. */
export const FOUND: ReadonlySet<CauseCode> = new Set([
  ...(['damage-missing', 'damage-altered', 'damage-entry'] as const),
  ...(['lease-lost', 'lease-moved', 'yielded', 'orphan'] as const),
]);

/** The last changes of each endpoint and what the targets made of them, also for a while after it is gone. */
export class History {
  readonly #clock: Clock;
  readonly #limits: HistoryLimits;
  readonly #endpoints = new Map<string, EndpointHistory>();
  /** In the order in which they went. */
  readonly #gone = new Map<string, EndpointHistory>();
  /** In the order in which they came. */
  readonly #transitions = new Set<Transition>();

  constructor(clock: Clock, limits: Partial<HistoryLimits> = {}) {
    this.#clock = clock;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** The latest first. */
  latest(count: number): readonly Transition[] {
    this.#forgetGone();
    return [...this.#transitions].slice(-count).reverse();
  }

  /** Of one container: all of its endpoints, the gone ones last. */
  ofContainer(containerId: string): readonly EndpointHistory[] {
    return this.#find(({ endpoint }) => endpoint.containerId === containerId);
  }

  /** Of containers that are gone, by name, id or the beginning of an id. */
  ofGone(reference: string): readonly EndpointHistory[] {
    const name = reference.replace(/^\//, '');
    const beginning = /^[0-9a-f]{6,64}$/.test(reference) ? reference : undefined;
    return this.#find(
      ({ endpoint, goneSince }) =>
        goneSince !== undefined &&
        (endpoint.containerName === name ||
          (beginning !== undefined && endpoint.containerId.startsWith(beginning))),
    );
  }

  /** An endpoint appeared, changed its phase or its records, or is offered no more (`after` undefined). */
  moved(
    before: LiveEndpoint | undefined,
    after: LiveEndpoint | undefined,
    cause: Cause,
    keys: readonly string[],
  ): void {
    const either = after ?? before;
    if (either === undefined) return;
    const from = before?.phase;
    const to = after?.phase;
    const same = from?.state === to?.state && from?.cause === to?.cause;
    if (same && keys.length === 0) return;
    const known = this.#of(either.endpoint);
    known.keys = keys.slice();
    this.#add(known, cause, to?.state ?? 'expired', to?.cause);
    this.#setGone(known, after === undefined);
  }

  /** A target did what was wanted with a key, or did not. */
  told(told: Told): void {
    const known = this.#endpoints.get(told.endpoint);
    const last = known?.transitions.at(-1);
    if (known === undefined || last === undefined) return;
    const { cause, target } = told;
    const transition =
      known.transitions.findLast(({ at, cause: code }) => at === cause.at && code === cause.code) ??
      (FOUND.has(cause.code) ? this.#add(known, cause, last.state, last.drain) : last);
    let outcome = transition.outcomes.find((one) => one.target === target);
    if (outcome === undefined) {
      outcome = new Outcome(target, told.entry.at);
      transition.outcomes = transition.outcomes.concat(outcome);
    }
    book(outcome, told);
  }

  #find(wanted: (history: EndpointHistory) => boolean): readonly EndpointHistory[] {
    this.#forgetGone();
    const found = [...this.#endpoints.values()].filter(wanted);
    return found.sort((a, b) => (b.goneSince ?? Infinity) - (a.goneSince ?? Infinity) || 0);
  }

  #of(endpoint: Endpoint): EndpointHistory {
    const known = this.#endpoints.get(endpoint.id);
    if (known !== undefined) {
      known.endpoint = endpoint;
      return known;
    }
    const fresh: EndpointHistory = { endpoint, transitions: NONE, keys: NONE, goneSince: undefined };
    this.#endpoints.set(endpoint.id, fresh);
    return fresh;
  }

  #add(of: EndpointHistory, cause: Cause, state: LifecycleState, drain: DrainCause | undefined): Transition {
    const added: Transition = { at: cause.at, state, drain, cause: cause.code, outcomes: NONE, of };
    of.transitions = of.transitions.concat(added);
    this.#transitions.add(added);
    if (of.transitions.length > this.#limits.each) this.#drop(of.transitions[0]);
    if (this.#transitions.size > this.#limits.total) this.#drop(this.#transitions.values().next().value);
    return added;
  }

  /** It is the oldest of its endpoint: they came in the same order. */
  #drop(transition: Transition | undefined): void {
    if (transition === undefined) return;
    this.#transitions.delete(transition);
    transition.of.transitions = transition.of.transitions.slice(1);
  }

  #setGone(history: EndpointHistory, gone: boolean): void {
    const { id } = history.endpoint;
    this.#gone.delete(id);
    history.goneSince = gone ? this.#clock.now() : undefined;
    if (!gone) return;
    this.#gone.set(id, history);
    this.#forgetGone();
  }

  #forgetGone(): void {
    const { gone, goneMs } = this.#limits;
    const before = this.#clock.now() - goneMs;
    for (const [id, history] of this.#gone) {
      if (this.#gone.size <= gone && (history.goneSince ?? 0) > before) return;
      this.#gone.delete(id);
      this.#endpoints.delete(id);
      for (const transition of history.transitions) this.#transitions.delete(transition);
    }
  }
}

function book(outcome: Outcome, { key, entry, action, revision }: Told): void {
  outcome.at = entry.at;
  if (action === undefined && entry.state !== 'synced') {
    if (!outcome.failing.includes(key)) outcome.failing = outcome.failing.concat(key);
    // What fails fails with all keys of a batch: the tries are those of one of them.
    if (outcome.failing[0] === key) outcome.tries += 1;
    outcome.trouble = entry;
    return;
  }
  if (outcome.failing.length > 0) outcome.failing = outcome.failing.filter((one) => one !== key);
  if (outcome.failing.length === 0) outcome.trouble = undefined;
  if (action === undefined) return;
  outcome.revision = revision;
  // Bookkeeping is nobody's service.
  if (isBookkeeping(key)) return;
  if (action === 'delete') outcome.withdrawn = withKey(outcome.withdrawn, key);
  else if (action !== 'forget') outcome.written = withKey(outcome.written, key);
}

function withKey(keys: readonly string[], key: string): readonly string[] {
  return keys.includes(key) ? keys : keys.concat(key);
}
