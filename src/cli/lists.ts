import { shortId } from '../core/container.ts';
import type { HistoryRow } from '../core/history.ts';
import type { ProxyView, RouteView } from '../core/proxy-view.ts';
import type {
  ContainerView,
  HostView,
  OfEngine,
  OrphanView,
  RecordView,
  ServiceView,
} from '../core/status.ts';
import { history } from './history-text.ts';
import { proxies, routes } from './proxy-lists.ts';
import { stateOf } from './state-text.ts';
import { type Column, renderTable } from './table.ts';
import { since, span } from './time.ts';

/** What `get` can show. */
export const RESOURCES = [
  'services',
  'containers',
  'hosts',
  'records',
  'history',
  'proxies',
  'routes',
] as const;
export type Resource = (typeof RESOURCES)[number] | 'orphans';

const yes = (value: boolean): string => (value ? 'yes' : 'no');

const services = (now: number): readonly Column<ServiceView>[] => [
  { title: 'PATH', cell: ({ path }) => path, max: 60 },
  { title: 'TYPE', cell: ({ type }) => type },
  { title: 'ADDRESS', cell: ({ address }) => address, max: 48 },
  { title: 'CONTAINER', cell: ({ container }) => container },
  { title: 'STATE', cell: stateOf },
  { title: 'SINCE', cell: (row) => since(row.since, now) },
  { title: 'WHY NOT', cell: (row) => whyOut(row, now), max: 80 },
  { title: 'ID', cell: ({ containerId }) => containerId, wide: true },
  { title: 'PORT', cell: ({ containerPort }) => containerPort, wide: true },
  { title: 'DIALECT', cell: ({ dialect }) => dialect, wide: true },
  {
    title: 'ANNOUNCED BY',
    cell: ({ announcement }) => (announcement === undefined ? 'agent' : 'container'),
    wide: true,
  },
  { title: 'TAGS', cell: ({ tags }) => tags.join(','), wide: true },
  { title: 'WEIGHT', cell: ({ weight }) => weight?.toString() ?? '', wide: true },
];

const containers: readonly Column<ContainerView>[] = [
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'ID', cell: ({ id }) => shortId(id) },
  { title: 'IMAGE', cell: ({ image }) => image },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'HEALTH', cell: ({ health }) => health },
  { title: 'SERVICES', cell: (row) => row.services.toString() },
  { title: 'WHY NOT', cell: ({ why }) => why ?? '', max: 80 },
];

const hosts = (now: number): readonly Column<HostView>[] => [
  { title: 'OWNER', cell: ({ owner }) => owner },
  { title: 'NAME', cell: ({ name }) => name },
  { title: 'ADDRESSES', cell: ({ addresses }) => addresses.join(',') },
  { title: 'VERSION', cell: ({ version }) => version },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'UP', cell: (row) => (row.lostSince === undefined ? since(row.since, now) : '') },
  { title: 'LOST', cell: ({ lostSince }) => (lostSince === undefined ? '' : since(lostSince, now)) },
  { title: 'SELF', cell: ({ self }) => yes(self) },
  {
    title: 'DRAINED',
    cell: ({ drainedSince }) => (drainedSince === undefined ? 'no' : since(drainedSince, now)),
  },
  { title: 'REGISTRY', cell: ({ target }) => target, max: 48 },
  { title: 'INSTANCE', cell: ({ instance }) => instance, wide: true },
  { title: 'LEASE', cell: ({ lease }) => lease, wide: true },
];

const records = (now: number): readonly Column<RecordView>[] => [
  { title: 'KEY', cell: ({ key }) => key, max: 80 },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'REVISION', cell: ({ revision }) => revision ?? '' },
  { title: 'LAST OUTCOME', cell: (row) => lastOutcome(row, now) },
  { title: 'NEXT TRY', cell: (row) => nextTry(row, now) },
  { title: 'REGISTRY', cell: ({ target }) => target, max: 48 },
  { title: 'WHY', cell: ({ why }) => why ?? '', max: 60 },
  { title: 'ENDPOINT', cell: ({ endpoint }) => endpoint ?? '', wide: true },
  { title: 'VALUE', cell: ({ value }) => value ?? '', wide: true },
];

/** Why the health of an endpoint keeps it out of rotation, and for how long. */
export function whyOut({ why, outUntil }: ServiceView, now: number): string {
  if (why === undefined) return '';
  return outUntil === undefined ? why : `${why} (${span(Math.max(0, outUntil - now))} more)`;
}

const orphans = (now: number): readonly Column<OrphanView>[] => [
  { title: 'HOST', cell: ({ owner }) => owner },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'LOST', cell: (row) => since(row.lostSince, now) },
  { title: 'KEY', cell: ({ key }) => key, max: 80 },
  { title: 'ACTION', cell: ({ action }) => action },
  { title: 'NEXT LOOK', cell: (row) => nextTry(row, now) },
  { title: 'WHY NOT YET', cell: ({ waiting }) => waiting, max: 60 },
  { title: 'REGISTRY', cell: ({ target }) => target, max: 48 },
  { title: 'WHY', cell: ({ why }) => why, wide: true },
];

export function lastOutcome({ lastOutcome: outcome, lastOutcomeAt: at }: RecordView, now: number): string {
  if (outcome === undefined) return '';
  return at === undefined ? outcome : `${outcome} ${since(at, now)} ago`;
}

export function nextTry({ nextTryAt }: Pick<RecordView, 'nextTryAt'>, now: number): string {
  return nextTryAt === undefined ? '' : `in ${span(nextTryAt - now)}`;
}

/** Only where the agent has several. */
function withEngine<Row extends OfEngine>(
  columns: readonly Column<Row>[],
  rows: readonly unknown[],
): readonly Column<Row>[] {
  if (!(rows as readonly OfEngine[]).some(({ engine }) => engine !== undefined)) return columns;
  return [{ title: 'ENGINE', cell: ({ engine }) => engine ?? '' }, ...columns];
}

/** A list that the agent sent, as a table. `now`: epoch milliseconds, for times such as `3m`. */
export function renderList(resource: Resource, rows: readonly unknown[], wide: boolean, now: number): string {
  if (rows.length === 0) return `No ${resource}.\n`;
  switch (resource) {
    case 'services':
      return renderTable(withEngine(services(now), rows), rows as readonly ServiceView[], wide);
    case 'containers':
      return renderTable(withEngine(containers, rows), rows as readonly ContainerView[], wide);
    case 'hosts':
      return renderTable(withEngine(hosts(now), rows), rows as readonly HostView[], wide);
    case 'orphans':
      return renderTable(orphans(now), rows as readonly OrphanView[], wide);
    case 'records':
      return renderTable(withEngine(records(now), rows), rows as readonly RecordView[], wide);
    case 'history':
      return renderTable(withEngine(history(now), rows), rows as readonly HistoryRow[], wide);
    case 'proxies':
      return renderTable(proxies(now), rows as readonly ProxyView[], wide);
    case 'routes':
      return renderTable(routes(now), rows as readonly RouteView[], wide);
  }
}
