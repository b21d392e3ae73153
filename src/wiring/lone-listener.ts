import type { Config, RegistryConfig } from '../config/config.ts';
import type { Environment } from '../config/environment.ts';
import { defaultProxy } from '../config/proxies.ts';
import type { LeaseKeeper } from '../provider/kv/lease-keeper.ts';
import { machineReaders } from '../source/host/readers.ts';
import { StateFolder } from '../state/folder.ts';
import { followCredentials } from './credentials.ts';
import { dryListen } from './dry-listener.ts';
import { newInstance } from './identity.ts';
import { type AgentIo, type ReloadPort, StartError } from './io.ts';
import { ListenerStatus, noOrders } from './listener-status.ts';
import { listenAll } from './listeners.ts';
import { type LoneRegistry, realOnly, withRegistries } from './lone.ts';
import { announceOwn, type OwnAnnouncements, ownAnnouncements, showOwn } from './lone-announcer.ts';
import { openDesk } from './own-desk.ts';
import { openRoutes, type Route, runRoutes } from './proxies.ts';
import { prepareFolder } from './state.ts';
import { openTelemetry, type Telemetry } from './telemetry.ts';

/**
 * Proxies alone, beside a consumer: no engine, no records. Runs until the signal aborts; answers the exit code.
 * `announcing`: the environment of a process that also announces what listens in its container.
 */
export async function runListener(given: Config, io: AgentIo, announcing?: Environment): Promise<number> {
  const config = withProxies(given);
  const followed = followedBy(config);
  const own = announcing && ownAnnouncements(config, announcing, io.log);
  if (config.once && !config.dryRun)
    throw new StartError('listen has no --once but with --dry-run: it shows then what it would change');
  if (config.dryRun) {
    if (own !== undefined) showOwn(own, io);
    return await dry(config, followed, io);
  }
  await prepareFolder(new StateFolder(config.stateDir));
  const registries = [...new Set([...followed, ...(own?.registries ?? [])])];
  const prefixes = [config.layouts.services.prefix, ...(own === undefined ? [] : [own.prefix])];
  const lent = { ...io, reload: io.reload && reloadWithProxies(io.reload) };
  await withRegistries({ config, registries, prefixes, io: lent }, async (live, opened) => {
    await serve(live, { opened, followed, own }, io);
  });
  return 0;
}

async function dry(config: Config, followed: readonly RegistryConfig[], io: AgentIo): Promise<number> {
  const credentials = await followCredentials(followed, io);
  try {
    return await dryListen(config, followed, credentials, io);
  } finally {
    for (const files of credentials.values()) files.stop();
  }
}

interface Parts {
  readonly opened: readonly LoneRegistry[];
  readonly followed: readonly RegistryConfig[];
  readonly own: OwnAnnouncements | undefined;
}

async function serve(config: Config, { opened, followed, own }: Parts, io: AgentIo): Promise<void> {
  const instance = newInstance();
  const telemetry = openTelemetry();
  const listened = opened.filter(({ registry }) => followed.includes(registry));
  const { routes, leases } = openProxies(config, listened, { io, meters: telemetry.meters, id: instance.id });
  const { version } = io;
  const since = io.clock.now();
  const identity = { version, owner: instance.id, instance: instance.id, startedAt: since };
  const source = new ListenerStatus({ routes, identity, clock: io.clock });
  const card = { instance: instance.id, host: config.hostName ?? machineReaders.hostname(), version, since };
  const metrics = (): string => telemetry.scrape({ status: source.status(), loops: [], routes });
  try {
    const sockets = await listenAll(config, { source, metrics, orders: noOrders }, io);
    await Promise.all([
      runRoutes(routes, card, io),
      ...leases.map((lease) => lease.run(io.signal)),
      own && announceOwn(own, opened, config, io),
    ]);
    await sockets.close();
  } finally {
    telemetry.close();
  }
}

function withProxies(config: Config): Config {
  if (config.proxies.length > 0) return config;
  const proxy = defaultProxy(config.stateDir);
  if (proxy === undefined)
    throw new StartError(
      `the folder ${config.stateDir} cannot stand in a proxy's files; configure one under proxies, or choose another with --state-dir`,
    );
  return { ...config, proxies: [proxy] };
}

/** A proxy that nobody configured is there after a reading as well. */
function reloadWithProxies(reload: ReloadPort): ReloadPort {
  return {
    ...reload,
    load: () => {
      const loaded = reload.load();
      return loaded.ok ? { ...loaded, config: withProxies(loaded.config) } : loaded;
    },
  };
}

/** The registries that the proxies follow, each once. */
function followedBy({ proxies, registries }: Config): readonly RegistryConfig[] {
  const named = proxies.map(({ from }) => registries.find(({ name }) => name === from) ?? registries[0]);
  const followed = [...new Set(named)].filter((registry) => registry !== undefined);
  return realOnly(
    followed,
    'listen needs a real registry: the embedded one is the memory of an agent, which serves proxies itself ("portolan run" with proxies in its configuration)',
  );
}

function openProxies(
  config: Config,
  followed: readonly LoneRegistry[],
  { io, meters, id }: Pick<Telemetry, 'meters'> & { readonly io: AgentIo; readonly id: string },
): { readonly routes: readonly Route[]; readonly leases: readonly LeaseKeeper[] } {
  const registries = followed.map(({ registry, store }) => openDesk(registry, store, id, config, io));
  return {
    routes: openRoutes({ config, registries, io, meters, complete: () => Promise.resolve(), writing: true }),
    // One of its own in each registry.
    leases: registries.map(({ lease }) => lease),
  };
}
