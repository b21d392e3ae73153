import { hostAndPort } from '../../core/ip.ts';
import { compareText } from '../../core/order.ts';
import type { ProxyServerView } from '../../core/proxy.ts';
import type { ServerState } from './answers.ts';
import { type Leaving, leavingKey } from './leaving.ts';
import type { Observed } from './observed.ts';

/** The servers of our services. `leaving`: of earlier processes; undefined when it is not known. `now`: epoch milliseconds. */
export function serverViews(
  proxy: string,
  { servers, maps }: Observed,
  load: ReadonlyMap<string, { readonly sessions: number }>,
  leaving: Leaving | undefined,
  now: number,
): readonly ProxyServerView[] {
  const views: ProxyServerView[] = [];
  for (const [backend, path] of maps.services.entries)
    for (const server of servers.get(backend)?.values() ?? [])
      views.push({
        proxy,
        path,
        backend,
        server: server.name,
        address: hostAndPort(server.ip, server.port),
        weight: server.weight,
        state: stateOf(server),
        sessions: sum(
          load.get(`${backend}/${server.name}`)?.sessions,
          leaving && (leaving.get(leavingKey(path, server.name)) ?? 0),
        ),
        since: now - server.seconds * 1000,
      });
  return views.sort((a, b) => compareText(a.path, b.path) || compareText(a.server, b.server));
}

/** What is not known of one makes the sum unknown. */
function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function stateOf({ mode, up }: ServerState): string {
  return mode === 'ready' ? (up ? 'up' : 'down') : mode;
}
