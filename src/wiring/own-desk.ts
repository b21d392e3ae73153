import type { Config, RegistryConfig } from '../config/config.ts';
import type { ListenerDesk } from '../core/listener.ts';
import { KvDesk } from '../provider/kv/desk.ts';
import { LeaseKeeper } from '../provider/kv/lease-keeper.ts';
import type { KvReader, KvStore, KvWriter } from '../provider/kv/store.ts';
import type { AgentIo } from './io.ts';

/** A registry for proxies whose process speaks for no owner there, only for itself. */
export interface DeskedRegistry {
  readonly name: string;
  readonly kind: RegistryConfig['kind'];
  readonly store: KvReader;
  readonly desk: ListenerDesk;
  /** To be run beside the proxies. */
  readonly lease: LeaseKeeper;
}

/** `id`: of the process. */
export function openDesk(
  { name, kind }: Pick<RegistryConfig, 'name' | 'kind'>,
  store: KvStore,
  id: string,
  config: Pick<Config, 'leaseTtl'>,
  io: Pick<AgentIo, 'clock' | 'random'>,
): DeskedRegistry {
  const { writer, lease } = openLease(store, config, io);
  const desk = new KvDesk({ reader: store.reader, writer, id, footing: () => lease.footing() });
  return { name, kind, store: store.reader, desk, lease };
}

/** A writer with a lease of its own, which is to be run. */
export function openLease(
  store: KvStore,
  { leaseTtl }: Pick<Config, 'leaseTtl'>,
  { clock, random }: Pick<AgentIo, 'clock' | 'random'>,
): { readonly writer: KvWriter; readonly lease: LeaseKeeper } {
  const writer = store.writer();
  return {
    writer,
    lease: new LeaseKeeper({ writer, ttlSeconds: Math.ceil(leaseTtl / 1000), clock, random }),
  };
}
