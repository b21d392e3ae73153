import { CAUSES } from '../core/cause.ts';
import { shortId } from '../core/container.ts';
import type { HistoryRow, HistoryView, TargetOutcomeView, TransitionView } from '../core/history.ts';
import { stateOf } from './state-text.ts';
import type { Column } from './table.ts';
import { since, span } from './time.ts';

/** A label and what it says. */
export type Line = readonly [label: string, text: string];

export const history = (now: number): readonly Column<HistoryRow>[] => [
  { title: 'AGO', cell: ({ at }) => since(at, now) },
  { title: 'PATH', cell: ({ path }) => path, max: 60 },
  { title: 'CONTAINER', cell: ({ container }) => container },
  { title: 'STATE', cell: stateOf },
  { title: 'CAUSE', cell: causeOf, max: 60 },
  {
    title: 'REGISTRIES',
    cell: (row) => row.targets.map((one) => `${one.target}: ${outcomeText(one, row.at, now)}`).join('; '),
    max: 100,
  },
  { title: 'ADDRESS', cell: ({ address }) => address, wide: true },
  { title: 'ID', cell: ({ containerId }) => containerId, wide: true },
];

/** The last changes of a container's endpoints, the oldest first. */
export function historyLines(views: readonly HistoryView[], now: number): Line[] {
  return views.flatMap((view) => [
    [`${view.path} ${view.address}`, standing(view, now)],
    ...view.transitions.flatMap((transition) => transitionLines(transition, now)),
  ]);
}

function standing({ container, containerId, engine, goneSince }: HistoryView, now: number): string {
  const whose = `${engine === undefined ? '' : `${engine}/`}${container} (${shortId(containerId)})`;
  return goneSince === undefined ? `of ${whose}` : `of ${whose}, gone since ${since(goneSince, now)}`;
}

function transitionLines(transition: TransitionView, now: number): Line[] {
  const { at, targets } = transition;
  return [
    [`  ${since(at, now)} ago`, `${stateOf(transition)}: ${causeOf(transition)}`],
    ...targets.map((one): Line => [`    ${one.target}`, outcomeText(one, at, now)]),
  ];
}

/** An agent of a later version may have causes that this command does not know. */
function causeOf({ reason }: TransitionView): string {
  return Object.hasOwn(CAUSES, reason) ? CAUSES[reason] : reason;
}

function outcomeText(outcome: TargetOutcomeView, changedAt: number, now: number): string {
  const { state, written, withdrawn, at, revision, why, tries, nextTryAt } = outcome;
  if (state === 'unchanged') return 'showed this already';
  const done = [
    ...(written.length === 0 ? [] : [`wrote ${records(written)}`]),
    ...(withdrawn.length === 0 ? [] : [`withdrew ${records(withdrawn)}`]),
  ];
  if (state === 'acknowledged') {
    const what = done.length === 0 ? 'nothing to write' : done.join(', ');
    const when = at === undefined ? '' : `, acknowledged after ${delay(at - changedAt)}`;
    return `${what}${when}${revision === undefined ? '' : ` (revision ${revision})`}`;
  }
  return [
    ...done,
    why === undefined ? state : `${state}: ${why}`,
    ...(tries > 1 ? [`tried ${String(tries)} times`] : []),
    ...(nextTryAt === undefined ? [] : [`next try in ${span(nextTryAt - now)}`]),
  ].join(', ');
}

function records(keys: readonly string[]): string {
  return keys.join(' and ');
}

function delay(ms: number): string {
  return ms < 1000 ? `${String(Math.max(0, Math.round(ms)))}ms` : span(ms);
}
