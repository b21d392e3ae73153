import type { StatusSource } from '../core/status.ts';
import { EXPOSITION_TYPE } from '../telemetry/exposition.ts';
import { type Answer, problem } from './answer.ts';

/** A list that can be watched; `pollMs`: it also shows what other owners write, of which no change is told. */
export interface ListRoute {
  readonly read: (source: StatusSource, signal: AbortSignal) => Promise<unknown>;
  readonly pollMs: number | undefined;
}

const POLL_MS = 5000;
const MAX_REFERENCE = 256;

export const LISTS: ReadonlyMap<string, ListRoute> = new Map([
  ['/v1/services', { read: (source) => Promise.resolve(source.services()), pollMs: undefined }],
  ['/v1/containers', { read: (source) => Promise.resolve(source.containers()), pollMs: undefined }],
  ['/v1/orders', { read: (source) => Promise.resolve(source.orders()), pollMs: undefined }],
  ['/v1/history', { read: (source) => Promise.resolve(source.history()), pollMs: undefined }],
  ['/v1/proxies', { read: (source) => Promise.resolve(source.proxies()), pollMs: POLL_MS }],
  ['/v1/routes', { read: (source, signal) => source.routes(signal), pollMs: POLL_MS }],
  ['/v1/hosts', { read: (source, signal) => source.hosts(signal), pollMs: POLL_MS }],
  ['/v1/orphans', { read: (source, signal) => source.orphans(signal), pollMs: POLL_MS }],
  ['/v1/records', { read: (source, signal) => source.records(signal), pollMs: POLL_MS }],
] satisfies [string, ListRoute][]);

/** What is asked. */
interface Asked {
  readonly source: StatusSource;
  readonly metrics?: (() => string) | undefined;
}

type View = (asked: Asked, signal: AbortSignal) => Answer | Promise<Answer>;

const VIEWS: ReadonlyMap<string, View> = new Map<string, View>([
  ['/healthz', () => ({ status: 200, body: { ok: true } })],
  ['/readyz', readiness],
  ['/metrics', exposition],
  ['/v1/status', ({ source }) => ({ status: 200, body: source.status() })],
  ['/v1/plan', async ({ source }, signal) => ({ status: 200, body: await source.plan(signal) })],
]);

const EXPLAIN = '/v1/explain/';
const HISTORY = '/v1/history/';

function exposition({ metrics }: Asked): Answer {
  const headers = { 'content-type': EXPOSITION_TYPE };
  return { status: 200, body: undefined, text: metrics?.() ?? '', headers };
}

function readiness({ source }: Asked): Answer {
  const { ready, waitingFor } = source.status();
  return { status: ready ? 200 : 503, body: { ready, waitingFor } };
}

/** Answers a read of `path`; watches are served elsewhere. */
export async function answer(path: string, asked: Asked, signal: AbortSignal): Promise<Answer> {
  const { source } = asked;
  const view = VIEWS.get(path);
  if (view !== undefined) return await view(asked, signal);
  const list = LISTS.get(path);
  if (list !== undefined) return { status: 200, body: await list.read(source, signal) };
  if (path.startsWith(EXPLAIN))
    return await of(path.slice(EXPLAIN.length), (reference) => source.explain(reference, signal));
  if (path.startsWith(HISTORY))
    return await of(path.slice(HISTORY.length), (reference) => Promise.resolve(source.historyOf(reference)));
  const ofOne = [EXPLAIN, HISTORY].map((beginning) => `${beginning}<container>`);
  const known = [...VIEWS.keys(), ...LISTS.keys(), ...ofOne].join(' ');
  return problem(404, 'not-found', `There is nothing here. Ask for one of: ${known}`);
}

/** About one container. */
async function of(encoded: string, tell: (reference: string) => Promise<unknown>): Promise<Answer> {
  const reference = decode(encoded);
  if (reference === undefined || reference === '' || reference.length > MAX_REFERENCE)
    return problem(400, 'bad-reference', 'Name a container by its name, its id or the beginning of its id.');
  return { status: 200, body: await tell(reference) };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
