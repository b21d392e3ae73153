import type { Config, RegistryConfig } from '../config/config.ts';
import { sleep } from '../core/ports.ts';
import type { KvStore } from '../provider/kv/store.ts';
import { followCredentials } from './credentials.ts';
import { type AgentIo, StartError } from './io.ts';
import { liveConfig } from './live-config.ts';
import { openStore } from './registries.ts';
import { followReloads } from './reload.ts';

/** How long a registry may keep a process that ends. */
const CLOSE_LIMIT_MS = 2000;

/** A registry that is open, for a process that speaks for no owner there. */
export interface LoneRegistry {
  readonly registry: RegistryConfig;
  readonly store: KvStore;
}

export interface LoneOptions {
  readonly config: Config;
  readonly registries: readonly RegistryConfig[];
  /** Of the layouts: what permissions are granted for. */
  readonly prefixes: readonly string[];
  readonly io: AgentIo;
}

/** Opens registries for a process without an engine, follows their logins and SIGHUP, and closes them after its work. */
export async function withRegistries(
  { config: given, registries, prefixes, io }: LoneOptions,
  work: (config: Config, opened: readonly LoneRegistry[]) => Promise<void>,
): Promise<void> {
  const live = liveConfig(given);
  const credentials = await followCredentials(registries, io);
  const { clock } = io;
  const opened = registries.map((registry) => ({
    registry,
    store: openStore(registry, { clock, credentials, prefixes }),
  }));
  const nothing = (): void => undefined;
  const stopReloads = followReloads({
    ...{ live, credentials, io, settingsChanged: nothing },
    host: { settingsChanged: nothing },
  });
  try {
    await work(live.config, opened);
  } finally {
    stopReloads();
    for (const files of credentials.values()) files.stop();
    const closed = Promise.all(opened.map(({ store }) => store.reader.close()));
    await Promise.race([closed, sleep(clock, CLOSE_LIMIT_MS)]);
  }
}

/** The embedded registry is the memory of an agent: no process of its own can reach it. */
export function realOnly(registries: readonly RegistryConfig[], why: string): readonly RegistryConfig[] {
  if (registries.every(({ kind }) => kind !== 'memory')) return registries;
  throw new StartError(`${why}. Name a registry with --registry etcd://host:2379`);
}
