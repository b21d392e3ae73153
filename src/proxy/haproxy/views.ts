import { hostAndPort } from '../../core/ip.ts';
import { compareText } from '../../core/order.ts';
import type { ProxyServerView } from '../../core/proxy.ts';
import type { ServerState } from './answers.ts';
import type { Observed } from './observed.ts';

/** The servers of our services, for people. `now`: epoch milliseconds. */
export function serverViews(
  proxy: string,
  { servers, maps }: Observed,
  load: ReadonlyMap<string, { readonly sessions: number }>,
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
        sessions: load.get(`${backend}/${server.name}`)?.sessions,
        since: now - server.seconds * 1000,
      });
  return views.sort((a, b) => compareText(a.path, b.path) || compareText(a.server, b.server));
}

function stateOf({ mode, up }: ServerState): string {
  return mode === 'ready' ? (up ? 'up' : 'down') : mode;
}
