import type { ExplainedRoute, RouteView } from '../core/proxy-view.ts';
import type { ExplainedEndpoint, RecordView, ServiceView } from '../core/status.ts';
import { routeViews, type ShownRoute } from './proxy-views.ts';
import type { RouteLoop } from './route.ts';

export interface ExplainingRoute extends ShownRoute {
  readonly loop: ShownRoute['loop'] & Pick<RouteLoop, 'known'>;
}

/** How each proxy serves the endpoints of a container, and why it does not. */
export async function explainRoutes(
  endpoints: readonly ExplainedEndpoint[],
  routes: readonly ExplainingRoute[],
  signal: AbortSignal,
): Promise<readonly ExplainedRoute[]> {
  if (endpoints.length === 0) return [];
  const lists = routes.map(async (route) => {
    const rows = await routeViews(route, signal);
    return endpoints.map((endpoint) => explained(endpoint, route, rows));
  });
  return (await Promise.all(lists)).flat();
}

function explained(
  { service, records }: ExplainedEndpoint,
  route: ExplainingRoute,
  rows: readonly RouteView[],
): ExplainedRoute {
  const { proxy, paths, registry } = route;
  const { path, address } = service;
  const record = records.find(
    ({ target, key }) => target === registry.name && paths.some((prefix) => key.startsWith(prefix)),
  );
  const server = record && proxy.nameOf(record.key.slice(record.key.lastIndexOf('/') + 1));
  const row = rows.find((one) => one.path === path && one.server === server);
  const common = { proxy: proxy.name, path, address };
  if (row !== undefined && server !== undefined) {
    const { notes, ...running } = row;
    return {
      ...running,
      ...common,
      served: row.state === 'up' && row.hosts.length > 0,
      why: [...reasonsOf(row), ...notes],
    };
  }
  const unknown = { backend: undefined, server, weight: undefined, sessions: undefined, since: undefined };
  const absent = { ...common, ...unknown, hosts: [], state: 'not served', served: false };
  return { ...absent, why: [absence(service, record, route)] };
}

/** What the state of a server that the proxy knows means for people. */
function reasonsOf({ state, why }: RouteView): readonly string[] {
  const reasons: string[] = [];
  if (why === 'draining') reasons.push('it drains: open connections finish, new ones go to others');
  if (why === 'lost')
    reasons.push('its host is lost: it stays until that is certain, as long as others serve too');
  if (why === 'held')
    reasons.push(
      'it drains or its host is lost, but it is the last server of its service: it stays in rotation',
    );
  if (state === 'down') reasons.push('its health check fails');
  if (state === 'missing') reasons.push('it does not run in the proxy yet');
  return reasons;
}

/** Why a proxy has never heard of it. */
function absence(
  { type, state, why }: ServiceView,
  record: RecordView | undefined,
  { loop, registry, paths }: ExplainingRoute,
): string {
  if (type !== 'HTTP')
    return `its type is ${type}, and proxies serve HTTP only; portolan.type=HTTP says that it speaks it`;
  if (record === undefined)
    return `this proxy follows ${paths.join(', ')} in ${registry.name}, and its record is not there`;
  if (state === 'announced') return `it is not in rotation: ${why ?? 'it is not ready'}`;
  if (record.state === 'blocked' || record.state === 'conflict' || record.state === 'failed')
    return `its record in ${registry.name} is not its own to write (${record.state}): ${record.why ?? 'see above'}`;
  if (!loop.known) return `${registry.name} has not been read completely yet`;
  if (record.state !== 'synced') return `its record in ${registry.name} is ${record.state}`;
  return 'the proxy has not heard of its record yet';
}
