import type { RouteLoop } from '../controller/route.ts';
import { type Failure, failure } from '../core/failure.ts';
import type { Clock } from '../core/ports.ts';
import type { Proxy, ProxyPlan, WantedServices } from '../core/proxy.ts';
import type { RegistryRecord } from '../core/record.ts';
import type { RouteRecord } from '../core/route-record.ts';
import type { RouteChange } from '../core/route-table.ts';
import type { PlanLine, ProxyPlanView, TargetPlan } from '../core/status.ts';
import { unifiedDiff } from '../proxy/unified-diff.ts';

/** A proxy with its loop, as far as a plan needs it. */
export interface PlannedRoute {
  readonly loop: Pick<RouteLoop, 'table' | 'known' | 'isAlive'>;
  /** Another one for the same proxy, without a writer: a plan must not move what the loop goes by. */
  readonly dry: () => Proxy;
  readonly registry: { readonly name: string; readonly kind: string };
  readonly paths: readonly string[];
  readonly decode: (
    key: string,
    record: Pick<RegistryRecord, 'value' | 'createRevision'>,
  ) => { readonly record: RouteRecord } | { readonly problem: string };
}

/** What a dry run would have announced before its proxies hear of it. */
export interface Ahead {
  readonly targets: readonly TargetPlan[];
  /** Who this is: what they delete they withdraw. */
  readonly owners: ReadonlySet<string>;
}

/** Younger than any record. */
const NEWEST = '9'.repeat(19);

/** What a pass over one proxy would do. `ahead`: in a dry run; elsewhere the registry knows it already. */
export async function proxyPlan(
  route: PlannedRoute,
  ahead: Ahead | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProxyPlanView> {
  const proxy = route.dry();
  const blind = blindness(route, ahead);
  if (blind !== undefined) return untold(proxy.name, blind);
  const observed = await proxy.observe(signal);
  if (!observed.ok) return untold(proxy.name, observed.failure);
  const wanted = ahead === undefined ? route.loop.table : announced(route, ahead, clock.monotonic());
  return viewOf(proxy.name, proxy.plan(wanted, undefined));
}

/** An embedded registry says nothing before every engine has. */
function blindness({ loop, registry }: PlannedRoute, ahead: Ahead | undefined): Failure | undefined {
  if (!loop.known) return failure('registry-unreachable', 'it has not been read yet');
  if (registry.kind !== 'memory') return undefined;
  return ahead?.targets.find(({ target, failure: why }) => target === registry.name && why !== undefined)
    ?.failure;
}

function untold(proxy: string, why: Failure): ProxyPlanView {
  return { proxy, failure: why, lines: [], reload: undefined, commands: [], files: [] };
}

/** The services as they will be when everything is announced that would be. */
function announced(route: PlannedRoute, { targets, owners }: Ahead, now: number): WantedServices {
  const table = route.loop.table.copy(now);
  const known = new Map([...table.records()].map((record) => [record.key, record]));
  const changes = targets
    .filter(({ target }) => target === route.registry.name)
    .flatMap(({ lines }) => lines)
    .filter(({ key }) => route.paths.some((path) => key.startsWith(path)))
    .flatMap((line) => changeOf(line, known.get(line.key), route, owners) ?? []);
  table.change(changes, now);
  return table;
}

function changeOf(
  { action, key, after }: PlanLine,
  before: RouteRecord | undefined,
  { decode, loop }: PlannedRoute,
  owners: ReadonlySet<string>,
): RouteChange | undefined {
  if (action === 'delete') {
    const owner = before?.owner;
    const withdrawn = owner === undefined || owners.has(owner) || loop.isAlive(owner);
    return { type: 'gone', key, how: withdrawn ? 'withdrawn' : 'lost' };
  }
  if ((action !== 'create' && action !== 'update') || after === undefined) return undefined;
  const createRevision = before?.since ?? NEWEST;
  const decoded = decode(key, { value: after, createRevision });
  return 'record' in decoded ? { type: 'put', record: decoded.record } : undefined;
}

function viewOf(proxy: string, { lines, files, commands, reload }: ProxyPlan): ProxyPlanView {
  const written = new Set(files);
  return {
    ...{ proxy, failure: undefined, commands, reload },
    lines: lines.filter((line) => !written.has(line)),
    files: files.map(({ key, before, after }) => ({ name: key, diff: unifiedDiff(key, before, after) })),
  };
}
