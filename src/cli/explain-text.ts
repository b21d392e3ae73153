import { shortId } from '../core/container.ts';
import type { Paint } from '../core/diff.ts';
import { printable } from '../core/printable.ts';
import type { ExplainedRoute } from '../core/proxy-view.ts';
import type { Reason, ReasonCode } from '../core/reason.ts';
import type { DialectReading, Service } from '../core/service.ts';
import type { ExplainedEndpoint, ExplainView, RecordView, ServiceView } from '../core/status.ts';
import { historyLines, type Line } from './history-text.ts';
import { lastOutcome, nextTry, whyOut } from './lists.ts';
import { stateOf } from './state-text.ts';
import { since, span } from './time.ts';

/** Reasons about the container itself; all others are about its addresses. */
const OF_CONTAINER: ReadonlySet<ReasonCode> = new Set([
  'not-running',
  'one-off',
  'disabled',
  'bad-value',
  'provisional',
  'no-service',
  'not-announced',
  'no-key',
]);

/** The whole story of one container for people, ending with one sentence that sums it up. */
export function renderExplain(view: ExplainView, now: number, paint: Paint): string {
  if (!view.seen) return unseenText(view, now, paint);
  const sections: readonly (readonly [string, readonly Line[]])[] = [
    ['Container', containerLines(view)],
    ['Dialects', view.dialects.flatMap(dialectLines)],
    ['Address', addressLines(view)],
    ['State', [...view.endpoints.flatMap((endpoint) => stateLines(endpoint, now)), ...orderLines(view, now)]],
    ['Records', view.endpoints.flatMap((endpoint) => recordLines(endpoint, now))],
    ...(view.proxies.length === 0
      ? []
      : [['Proxies', view.proxies.flatMap((route) => routeLines(route, now))] as const]),
    ...(view.history.length === 0 ? [] : [['History', historyLines(view.history, now)] as const]),
  ];
  const parts = sections.map(([title, lines]) => renderSection(title, lines, paint));
  return `${parts.join('\n')}\n${printable(view.summary)}\n`;
}

function renderSection(title: string, lines: readonly Line[], paint: Paint): string {
  const shown: readonly Line[] = lines.length > 0 ? lines : [['', 'none']];
  const width = Math.max(...shown.map(([label]) => printable(label).length));
  const rows = shown.map(([label, text]) =>
    `  ${paint('faint', printable(label).padEnd(width))}  ${printable(text)}`.trimEnd(),
  );
  return `${[paint('target', title), ...rows].join('\n')}\n`;
}

/** What is gone may still be remembered. */
function unseenText({ summary, history }: ExplainView, now: number, paint: Paint): string {
  const text = `${printable(summary)}\n`;
  return history.length === 0
    ? text
    : `${renderSection('History', historyLines(history, now), paint)}\n${text}`;
}

function containerLines({ container, engine, reasons }: ExplainView): Line[] {
  if (container === undefined) return [];
  const { name, id, image, state, health, startedAt, networkMode, stopSignal, stopTimeoutMs } = container;
  return [
    ['name', name],
    ['id', shortId(id)],
    ...(engine === undefined ? [] : [['engine', engine] satisfies Line]),
    ['image', image],
    ['state', health === 'none' ? `${state}, no health check` : `${state}, ${health}`],
    ['started', startedAt ?? 'not yet'],
    ['network', networkMode],
    ['stops by', `${stopSignal}, killed after ${span(stopTimeoutMs)}`],
    ...reasons.filter(({ code }) => OF_CONTAINER.has(code)).map((why): Line => ['left out', sentence(why)]),
  ];
}

function dialectLines({ dialect, services, used, reasons }: DialectReading): Line[] {
  const found = services.length === 0 ? 'no service' : services.map(describeService).join(', ');
  return [
    [dialect, found],
    ...used.map(({ from, key, meaning }): Line => ['  used', `${from} ${key}: ${meaning}`]),
    ...reasons.map((why): Line => [`  ${noteOf(why)}`, sentence(why)]),
  ];
}

function noteOf({ code, suggestion }: Reason): string {
  if (code !== 'unknown-key') return 'note';
  return suggestion === undefined ? 'unknown' : 'misspelt';
}

function describeService({ path, port, protocol, type }: Service): string {
  return `/${path.join('/')} from ${port}/${protocol} (${type})`;
}

function sentence({ message, about, suggestion }: Reason): string {
  const subject = about === undefined || message.includes(about) ? message : `${about}: ${message}`;
  const hint =
    suggestion === undefined || message.includes(suggestion) ? '' : `; did you mean ${suggestion}?`;
  return `${subject}${hint}`;
}

function addressLines({ endpoints, reasons }: ExplainView): Line[] {
  return [
    ...endpoints.map(({ service, address }): Line => [nameOf(service), address.message]),
    ...reasons.filter(({ code }) => !OF_CONTAINER.has(code)).map((why): Line => ['left out', sentence(why)]),
  ];
}

function nameOf({ path, address }: ServiceView): string {
  return `${path} ${address}`;
}

function stateLines({ service, probe }: ExplainedEndpoint, now: number): Line[] {
  const lines: Line[] = [[nameOf(service), `${stateOf(service)}, since ${since(service.since, now)}`]];
  const { announcement } = service;
  if (announcement !== undefined) lines.push(['  announced', `by the container itself, at ${announcement}`]);
  if (probe !== undefined) lines.push(['  probe', probe]);
  const why = whyOut(service, now);
  if (why !== '') lines.push(['  why', why]);
  return lines;
}

function orderLines({ orders }: ExplainView, now: number): Line[] {
  return orders.map(({ scope, since: at }) => [
    'drained',
    `by a command for ${scope === 'host' ? 'the whole host' : 'this container'}, ${since(at, now)} ago`,
  ]);
}

function recordLines({ records }: ExplainedEndpoint, now: number): Line[] {
  return records.flatMap((record): Line[] => {
    const details: Line[] = record.why === undefined ? [] : [['  why', record.why]];
    return [[record.target, `${record.key}  ${recordState(record, now)}`], ...details];
  });
}

function routeLines(route: ExplainedRoute, now: number): Line[] {
  const { proxy, path, address, why } = route;
  return [
    [proxy, `${path} ${address}: ${routeState(route, now)}`],
    ...why.map((reason): Line => ['  why', reason]),
  ];
}

/** `up at shop.example as pool-000/0ce6, weight 100, 2 sessions, since 3m`. */
function routeState(route: ExplainedRoute, now: number): string {
  const { state, hosts, backend, server, weight, sessions } = route;
  if (backend === undefined || server === undefined) return state;
  return [
    `${state} at ${hosts.join(' ') || 'no host name'} as ${backend}/${server}`,
    ...(weight === undefined ? [] : [`weight ${String(weight)}`]),
    ...(sessions === undefined ? [] : [`${String(sessions)} sessions`]),
    ...(route.since === undefined ? [] : [`since ${since(route.since, now)}`]),
  ].join(', ');
}

function recordState(record: RecordView, now: number): string {
  const outcome = lastOutcome(record, now);
  const retry = nextTry(record, now);
  return [
    record.state,
    record.revision === undefined ? 'not in the registry' : `revision ${record.revision}`,
    ...(outcome === '' ? [] : [`last ${outcome}`]),
    ...(retry === '' ? [] : [`next try ${retry}`]),
  ].join(', ');
}
