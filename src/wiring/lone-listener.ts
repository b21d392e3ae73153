import type { Config, RegistryConfig } from '../config/config.ts';
import { defaultProxy } from '../config/proxies.ts';
import { sleep } from '../core/ports.ts';
import type { LeaseKeeper } from '../provider/kv/lease-keeper.ts';
import { machineReaders } from '../source/host/readers.ts';
import { StateFolder } from '../state/folder.ts';
import { followCredentials, type RegistryCredentials } from './credentials.ts';
import { dryListen } from './dry-listener.ts';
import { newInstance } from './identity.ts';
import { type AgentIo, type ReloadPort, StartError } from './io.ts';
import { ListenerStatus, noOrders } from './listener-status.ts';
import { listenAll } from './listeners.ts';
import { liveConfig } from './live-config.ts';
import { openDesk } from './own-desk.ts';
import { openRoutes, type Route, runRoutes } from './proxies.ts';
import { openStore } from './registries.ts';
import { followReloads } from './reload.ts';
import { prepareFolder } from './state.ts';
import { openTelemetry, type Telemetry } from './telemetry.ts';

/** How long a registry may keep a process that ends. */
const CLOSE_LIMIT_MS = 2000;

/** Proxies alone, beside a consumer: no engine, no records. Runs until the signal aborts; answers the exit code. */
export async function runListener(given: Config, io: AgentIo): Promise<number> {
  const live = liveConfig(withProxies(given));
  const { config } = live;
  const followed = followedBy(config);
  if (config.once && !config.dryRun)
    throw new StartError('listen has no --once but with --dry-run: it shows then what it would change');
  if (!config.dryRun) await prepareFolder(new StateFolder(config.stateDir));
  const credentials = await followCredentials(followed, io);
  if (config.dryRun) {
    try {
      return await dryListen(config, followed, credentials, io);
    } finally {
      for (const files of credentials.values()) files.stop();
    }
  }
  const instance = newInstance();
  const telemetry = openTelemetry();
  const { meters } = telemetry;
  const opened = openAll(config, followed, { credentials, io, meters, id: instance.id });
  const { version } = io;
  const since = io.clock.now();
  const identity = { version, owner: instance.id, instance: instance.id, startedAt: since };
  const source = new ListenerStatus({ routes: opened.routes, identity, clock: io.clock });
  const card = { instance: instance.id, host: machineReaders.hostname(), version, since };
  const nothing = (): void => undefined;
  const stopReloads = followReloads({
    ...{ live, credentials, settingsChanged: nothing },
    io: { log: io.log, reload: io.reload && reloadWithProxies(io.reload) },
    host: { settingsChanged: nothing },
  });
  try {
    const { routes } = opened;
    const metrics = (): string => telemetry.scrape({ status: source.status(), loops: [], routes });
    const sockets = await listenAll(config, { source, metrics, orders: noOrders }, io);
    await Promise.all([runRoutes(routes, card, io), ...opened.leases.map((lease) => lease.run(io.signal))]);
    await sockets.close();
    return 0;
  } finally {
    stopReloads();
    telemetry.close();
    for (const files of credentials.values()) files.stop();
    await Promise.race([opened.close(), sleep(io.clock, CLOSE_LIMIT_MS)]);
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
  if (followed.some(({ kind }) => kind === 'memory'))
    throw new StartError(
      'listen needs a real registry: the embedded one is the memory of an agent, which serves proxies itself ("portolan run" with proxies in its configuration). Name a registry with --registry etcd://host:2379',
    );
  return followed;
}

interface Opened {
  readonly routes: readonly Route[];
  /** One of its own in each registry. */
  readonly leases: readonly LeaseKeeper[];
  readonly close: () => Promise<void>;
}

function openAll(
  config: Config,
  followed: readonly RegistryConfig[],
  {
    credentials,
    io,
    meters,
    id,
  }: Pick<Telemetry, 'meters'> & {
    readonly credentials: RegistryCredentials;
    readonly io: AgentIo;
    readonly id: string;
  },
): Opened {
  const { clock } = io;
  const prefixes = [config.layouts.services.prefix];
  const registries = followed.map((registry) => {
    const store = openStore(registry, { clock, credentials, prefixes });
    return openDesk(registry, store, id, config, io);
  });
  return {
    routes: openRoutes({ config, registries, io, meters, complete: () => Promise.resolve(), writing: true }),
    leases: registries.map(({ lease }) => lease),
    close: async () => {
      await Promise.all(registries.map(({ store }) => store.close()));
    },
  };
}
