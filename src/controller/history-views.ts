import type { HistoryRow, HistoryView, TargetOutcomeView, TransitionView } from '../core/history.ts';
import { hostAndPort } from '../core/ip.ts';
import { type EndpointHistory, FOUND, type History, type Outcome, type Transition } from './history.ts';
import type { Target } from './target.ts';

/** Rows of `get history`, the latest first. */
const ROWS = 1000;

/** What a history is compared with, to see what is still to be done. */
export type Beheld = Pick<Target, 'name' | 'cache' | 'failure' | 'session' | 'asWanted'>;

export function historyView(history: EndpointHistory, targets: readonly Beheld[]): HistoryView {
  const { goneSince, transitions } = history;
  return {
    ...subjectOf(history),
    goneSince,
    transitions: transitions.map((transition) => transitionView(transition, targets)),
  };
}

export function historyRows(history: History, targets: readonly Beheld[]): readonly HistoryRow[] {
  return history.latest(ROWS).map((transition) => ({
    ...subjectOf(transition.of),
    ...transitionView(transition, targets),
  }));
}

function subjectOf({ endpoint }: EndpointHistory) {
  const { service, ip, port, containerName, containerId } = endpoint;
  return {
    path: `/${service.path.join('/')}`,
    address: hostAndPort(ip, port),
    container: containerName,
    containerId,
  };
}

function transitionView(transition: Transition, targets: readonly Beheld[]): TransitionView {
  const { at, state, drain, cause, outcomes, of } = transition;
  const told = outcomes.map(outcomeView);
  const silent = targets.filter(({ name }) => outcomes.every(({ target }) => target !== name));
  const isLast = of.transitions.at(-1) === transition && !FOUND.has(cause);
  // Of what has been overtaken nobody can say what a silent target would have made of it.
  const untold = isLast && of.keys.length > 0 ? silent.map((target) => untoldView(target, of.keys)) : [];
  return { at, state, cause: drain, reason: cause, targets: [...told, ...untold] };
}

function outcomeView({ target, trouble, at, written, withdrawn, ...rest }: Outcome): TargetOutcomeView {
  const { revision, tries } = rest;
  const failed = trouble?.state;
  return {
    target,
    state: failed === undefined || failed === 'synced' || failed === 'foreign' ? 'acknowledged' : failed,
    ...{ written, withdrawn, at, revision, tries },
    outcome: trouble?.outcome,
    why: trouble?.why,
    nextTryAt: trouble?.nextTryAt,
  };
}

function untoldView(target: Beheld, keys: readonly string[]): TargetOutcomeView {
  const waiting = whyUntold(target, keys);
  return {
    target: target.name,
    state: waiting === undefined ? 'unchanged' : 'pending',
    ...{ written: [], withdrawn: [], at: undefined, revision: undefined, tries: 0 },
    ...{ outcome: undefined, why: waiting, nextTryAt: undefined },
  };
}

/** undefined: there was nothing to do. */
function whyUntold(target: Beheld, keys: readonly string[]): string | undefined {
  if (!target.cache.known) return target.failure?.message ?? 'the registry has not been read yet';
  if (keys.every((key) => target.asWanted(key))) return undefined;
  return target.session.type === 'standby' ? `standing by: ${target.session.why}` : 'not written yet';
}
