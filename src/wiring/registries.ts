import { readFileSync } from 'node:fs';
import type { Config, RegistryConfig } from '../config/config.ts';
import type { Registry } from '../controller/announce.ts';
import type { Clock, HostEntry, Log, Random } from '../core/ports.ts';
import { openEtcd } from '../provider/etcd/store.ts';
import type { Identity } from '../provider/kv/heartbeat.ts';
import { createKvProvider } from '../provider/kv/provider.ts';
import type { KvStore } from '../provider/kv/store.ts';
import { MemoryStore } from '../provider/memory/store.ts';

export interface RegistriesOptions {
  readonly config: Config;
  readonly owner: string;
  /** Absent in a dry run: then no writer is built, for any registry. */
  readonly writing:
    | { readonly identity: Identity; readonly predecessorDead: (entry: HostEntry) => Promise<boolean> }
    | undefined;
  readonly prefixes: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Opens every configured registry. Throws a readable error when a certificate file cannot be read. */
export function openRegistries(options: RegistriesOptions): readonly Registry[] {
  return options.config.registries.map((registry) => openRegistry(registry, options));
}

function openRegistry(registry: RegistryConfig, options: RegistriesOptions): Registry {
  return registryOver(openStore(registry, options.clock), registry, options);
}

/** One registry of the loop over a store that is already open. */
export function registryOver(
  store: KvStore,
  registry: Pick<RegistryConfig, 'name' | 'kind' | 'policy'>,
  { config, owner, writing, prefixes, clock, random, log }: RegistriesOptions,
): Registry {
  const { reader, writer } = createKvProvider({
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
    reader,
    writer,
    audience: registry.kind === 'memory' ? 'local' : 'shared',
    policy: registry.policy,
  };
}

function openStore(registry: RegistryConfig, clock: Clock): KvStore {
  if (registry.kind === 'memory') return new MemoryStore({ clock });
  const { tls, username, password } = registry;
  const scheme = tls === undefined ? 'http' : 'https';
  const auth =
    username === undefined || password === undefined
      ? undefined
      : { user: username, password: password.reveal() };
  return openEtcd({
    endpoints: registry.members.map((member) => `${scheme}://${member}`),
    clock,
    auth,
    tls: tls && { ...pem('ca', tls.ca), ...pem('cert', tls.cert), ...pem('key', tls.key) },
  });
}

function pem<Name extends string>(name: Name, file: string | undefined): Partial<Record<Name, Buffer>> {
  return file === undefined ? {} : ({ [name]: readFileSync(file) } as Record<Name, Buffer>);
}
