import { openRoutes, type RouteContext } from './proxies.ts';
import type { ProxyStatus } from './proxy-status.ts';

/** The proxies of a dry run: their loops know what should be, and nobody does it. Runs until the signal aborts. */
export async function followDry(
  { config, registries, io }: Pick<RouteContext, 'config' | 'registries' | 'io'>,
  status: Pick<ProxyStatus, 'showDry'>,
  signal: AbortSignal,
): Promise<void> {
  const complete = (): Promise<void> => Promise.resolve();
  const routes = openRoutes({ config, registries, io, complete, writing: false });
  status.showDry(routes);
  await Promise.all(routes.map(({ loop }) => loop.run(signal)));
}
