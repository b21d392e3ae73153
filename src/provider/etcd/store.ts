import type { KvStore } from '../kv/store.ts';
import { EtcdConnection, type EtcdOptions } from './connection.ts';
import { EtcdReader } from './reader.ts';
import { EtcdWriter } from './writer.ts';

/**
 * An etcd v3 cluster as a store. The first connection is made at once, so that the first list does not wait for it;
 * whether it succeeds shows at the first call.
 */
export function openEtcd(options: EtcdOptions): KvStore {
  const connection = new EtcdConnection(options);
  const reader = new EtcdReader(connection);
  void connection.open((client) => client.kv.range({ key: Buffer.from('/portolan/'), count_only: true }));
  return { reader, writer: () => new EtcdWriter(connection) };
}
