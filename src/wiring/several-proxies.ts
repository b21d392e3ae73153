import type { Config } from '../config/config.ts';
import type { KvStore } from '../provider/kv/store.ts';
import { machineReaders } from '../source/host/readers.ts';
import type { Meters } from '../telemetry/meters.ts';
import type { AgentIo } from './io.ts';
import type { Member, Members } from './members.ts';
import { openDesk } from './own-desk.ts';
import { openRoutes, runRoutes } from './proxies.ts';
import type { ProxyStatus } from './proxy-status.ts';
import { when } from './waiting.ts';

/** Then it is said why nothing happens. */
const PATIENCE_MS = 10_000;

interface Routed {
  readonly config: Config;
  readonly stores: ReadonlyMap<string, KvStore>;
  readonly members: Pick<Members, 'all' | 'onChange'>;
  readonly instance: string;
  readonly meters: Meters;
  /** Where it is shown what they do. */
  readonly status: { readonly proxyStatus: ProxyStatus };
}

/** Runs the proxies of an agent once, whatever engines it follows, until the process is asked to end. */
export async function routeForSeveral(
  { config, stores, members, instance, meters, status }: Routed,
  io: AgentIo,
): Promise<void> {
  if (config.proxies.length === 0) return;
  const { clock, version } = io;
  const since = clock.now();
  const registries = config.registries.flatMap((registry) => {
    const store = stores.get(registry.name);
    return store === undefined ? [] : [openDesk(registry, store, instance, config, io)];
  });
  const complete = async ({ kind }: { readonly kind: string }, signal: AbortSignal): Promise<void> => {
    if (kind !== 'memory') return;
    const cancel = clock.timer(PATIENCE_MS, () => {
      for (const { name: engine } of unheard(members))
        io.log.warn({ engine }, 'proxies stay as they are until this engine has said what it offers');
    });
    await when(members, () => unheard(members).length === 0, Number.POSITIVE_INFINITY, clock, signal);
    cancel();
  };
  const routes = openRoutes({ config, registries, io, meters, complete, writing: true });
  status.proxyStatus.show(routes);
  const card = { instance, host: config.hostName ?? machineReaders.hostname(), version, since };
  const followed = registries.filter((registry) => routes.some((route) => route.registry === registry));
  await Promise.all([runRoutes(routes, card, io), ...followed.map(({ lease }) => lease.run(io.signal))]);
}

/**
 * Engines that have not said what they offer. Until all have, an embedded registry is not complete: what an engine offers
 * that is away is unknown, and a proxy of an earlier process may still serve it.
 */
export function unheard({ all }: Pick<Members, 'all'>): readonly Member[] {
  return all.filter(({ assembly }) => assembly?.loop.converged !== true);
}
