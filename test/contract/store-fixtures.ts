import { openEtcd } from '../../src/provider/etcd/store.ts';
import type { KvReader, KvStore, KvWriter } from '../../src/provider/kv/store.ts';
import { MemoryStore } from '../../src/provider/memory/store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { EtcdServer } from '../kit/etcd.ts';
import type { EtcdVersion } from '../kit/etcd-options.ts';

/** A store that a contract is tried on; all that `open` gives sees the same content. */
export interface Fixture {
  open(): KvStore;
  compact(revision: string): Promise<void>;
  /** Another, empty registry stands at the same address. */
  replace(): Promise<void>;
  remove(): Promise<void>;
}

class MemoryFixture implements Fixture {
  #store = new MemoryStore({ clock: systemClock, clusterId: '1' });
  #clusters = 1;

  open(): KvStore {
    const reader: KvReader = {
      list: (...args) => this.#store.reader.list(...args),
      get: (...args) => this.#store.reader.get(...args),
      watch: (...args) => this.#store.reader.watch(...args),
      close: () => Promise.resolve(),
    };
    const writer = (): KvWriter => ({
      txn: (...args) => this.#store.writer().txn(...args),
      leaseGrant: (...args) => this.#store.writer().leaseGrant(...args),
      leaseKeepAlive: (...args) => this.#store.writer().leaseKeepAlive(...args),
      leaseTimeToLive: (...args) => this.#store.writer().leaseTimeToLive(...args),
      leaseRevoke: (...args) => this.#store.writer().leaseRevoke(...args),
    });
    return { reader, writer };
  }

  compact(revision: string): Promise<void> {
    this.#store.compact(revision);
    return Promise.resolve();
  }

  replace(): Promise<void> {
    const old = this.#store;
    this.#clusters += 1;
    this.#store = new MemoryStore({ clock: systemClock, clusterId: this.#clusters.toString() });
    old.close();
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.#store.close();
    return Promise.resolve();
  }
}

class EtcdFixture implements Fixture {
  #server: EtcdServer;
  readonly #version: EtcdVersion;
  readonly #opened: KvStore[] = [];

  constructor(server: EtcdServer, version: EtcdVersion) {
    this.#server = server;
    this.#version = version;
  }

  open(): KvStore {
    const store = openEtcd({ endpoints: [this.#server.endpoint], clock: systemClock });
    this.#opened.push(store);
    return store;
  }

  async compact(revision: string): Promise<void> {
    await this.#server.etcdctl('compact', revision);
  }

  async replace(): Promise<void> {
    const { port } = this.#server;
    await this.#server.remove();
    // The cluster id is a hash of the members' addresses and this token.
    const args = ['--initial-cluster-token', 'another'];
    this.#server = await EtcdServer.start({ version: this.#version, port, args });
  }

  async remove(): Promise<void> {
    for (const { reader } of this.#opened) await reader.close();
    await this.#server.remove();
  }
}

async function etcdFixture(version: EtcdVersion): Promise<Fixture> {
  return new EtcdFixture(await EtcdServer.start({ version }), version);
}

export const fixtures: readonly { readonly name: string; readonly start: () => Promise<Fixture> }[] = [
  { name: 'memory', start: () => Promise.resolve(new MemoryFixture()) },
  { name: 'etcd 3.4', start: () => etcdFixture('3.4') },
  { name: 'etcd 3.5', start: () => etcdFixture('3.5') },
];
