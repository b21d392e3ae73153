import type { Config, RegistryConfig } from '../config/config.ts';
import type { RegistryCredentials } from './credentials.ts';
import { followDry } from './dry-routes.ts';
import type { AgentIo } from './io.ts';
import { ProxyStatus } from './proxy-status.ts';
import { openStore } from './registries.ts';
import { showPlans } from './show-plans.ts';

/** A listener that only shows what it would change. Nothing is built that could write. Answers the exit code. */
export async function dryListen(
  config: Config,
  followed: readonly RegistryConfig[],
  credentials: RegistryCredentials,
  io: AgentIo,
): Promise<number> {
  const { clock } = io;
  const stop = new AbortController();
  const prefixes = [config.layouts.services.prefix];
  const registries = followed.map((registry) => {
    const { reader: store } = openStore(registry, { clock, credentials, prefixes });
    return { name: registry.name, kind: registry.kind, store, desk: undefined };
  });
  const proxies = new ProxyStatus(clock);
  const running = followDry({ config, registries, io }, proxies, stop.signal);
  const nothing = { targets: [], owners: new Set<string>() };
  const status = {
    plan: async (signal: AbortSignal) => ({ targets: [], proxies: await proxies.plans(nothing, signal) }),
    onChange: (changed: () => void) => proxies.onChange(changed),
  };
  const known = (): boolean => proxies.heard;
  try {
    return await showPlans({ status, some: known, all: known }, config, io);
  } finally {
    stop.abort();
    await running;
    await Promise.all(registries.map(({ store }) => store.close()));
  }
}
