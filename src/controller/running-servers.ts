import type { ProxyServerView } from '../core/proxy.ts';

/** What a proxy runs: by the service's path, then by the server's name. */
export type ServersByPath = ReadonlyMap<string, ReadonlyMap<string, ProxyServerView>>;

export function serversByPath(views: readonly ProxyServerView[]): ServersByPath {
  const paths = new Map<string, Map<string, ProxyServerView>>();
  for (const view of views) {
    const own = paths.get(view.path) ?? new Map<string, ProxyServerView>();
    own.set(view.server, view);
    paths.set(view.path, own);
  }
  return paths;
}
