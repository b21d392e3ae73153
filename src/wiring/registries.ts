import type { Config, RegistryConfig } from '../config/config.ts';
import type { Registry } from '../controller/announce.ts';
import type { ListenerDesk } from '../core/listener.ts';
import type { Clock, HostEntry, Log, Random } from '../core/ports.ts';
import { openEtcd } from '../provider/etcd/store.ts';
import type { Identity } from '../provider/kv/heartbeat.ts';
import { createKvProvider } from '../provider/kv/provider.ts';
import type { KvReader, KvStore } from '../provider/kv/store.ts';
import { MemoryStore } from '../provider/memory/store.ts';
import type { RegistryCredentials } from './credentials.ts';

export interface RegistriesOptions {
  readonly config: Config;
  readonly owner: string;
  /** Absent in a dry run: then no writer is built, for any registry. */
  readonly writing:
    | { readonly identity: Identity; readonly predecessorDead: (entry: HostEntry) => Promise<boolean> }
    | undefined;
  readonly prefixes: readonly string[];
  /** By name of the registry. */
  readonly credentials: RegistryCredentials;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A registry of the announce loop, and the store that others may read. */
export interface OpenRegistry extends Registry {
  readonly kind: RegistryConfig['kind'];
  readonly store: KvReader;
  /** Where this owner's proxies say what they serve. Absent in a dry run. */
  readonly desk: ListenerDesk | undefined;
}

/** Every configured registry for one owner, over stores that are open already and stay so. */
export function openRegistries(
  options: Omit<RegistriesOptions, 'credentials'>,
  stores: ReadonlyMap<string, KvStore>,
): readonly OpenRegistry[] {
  return options.config.registries.flatMap((registry) => {
    const store = stores.get(registry.name);
    return store === undefined ? [] : [registryOver(lent(store), registry, options)];
  });
}

/** Of a store that several owners share, none closes it. */
function lent(store: KvStore): KvStore {
  const { reader } = store;
  return {
    reader: {
      list: (...asked) => reader.list(...asked),
      get: (...asked) => reader.get(...asked),
      watch: (...asked) => reader.watch(...asked),
      close: () => Promise.resolve(),
    },
    writer: () => store.writer(),
  };
}

/** One registry of the loop over a store that is already open. */
export function registryOver(
  store: KvStore,
  registry: Pick<RegistryConfig, 'name' | 'kind' | 'policy'>,
  { config, owner, writing, prefixes, clock, random, log }: Omit<RegistriesOptions, 'credentials'>,
): OpenRegistry {
  const provider = createKvProvider({
    target: registry.name,
    store: store.reader,
    owner,
    prefixes,
    clock,
    random,
    log,
    writing:
      writing === undefined
        ? undefined
        : { writer: store.writer(), ttlSeconds: Math.ceil(config.leaseTtl / 1000), ...writing },
  });
  return {
    ...provider,
    kind: registry.kind,
    store: store.reader,
    audience: registry.kind === 'memory' ? 'local' : 'shared',
    get policy() {
      return config.registries.find(({ name }) => name === registry.name)?.policy ?? registry.policy;
    },
  };
}

/** The content of a registry; the caller closes it. */
export function openStore(
  registry: RegistryConfig,
  { clock, credentials, prefixes }: Pick<RegistriesOptions, 'clock' | 'credentials' | 'prefixes'>,
): KvStore {
  if (registry.kind === 'memory') return new MemoryStore({ clock });
  const followed = credentials.get(registry.name);
  return openEtcd({
    endpoints: endpointsOf(registry),
    clock,
    prefixes,
    credentials: followed && (() => followed.current),
  });
}

/** The URL of each member. */
export function endpointsOf({ members, tls }: RegistryConfig): readonly string[] {
  const scheme = tls === undefined ? 'http' : 'https';
  return members.map((member) => `${scheme}://${member}`);
}
