import { fail, type Result } from '../../src/core/failure.ts';
import type { Clock } from '../../src/core/ports.ts';
import type { KeyValue, KvStore, Operation, Transaction, WatchEvent } from '../../src/provider/kv/store.ts';
import { MemoryStore } from '../../src/provider/memory/store.ts';

/** Who writes: an instance of an agent, or somebody who is none. */
export interface Actor {
  readonly owner: string | undefined;
  readonly instance: string;
}

/** A transaction that went through: what stood at its keys, and what it did. */
export interface Commit {
  readonly registry: number;
  readonly actor: Actor;
  readonly before: ReadonlyMap<string, KeyValue>;
  readonly operations: readonly Operation[];
  /** Of the owner that wrote, as it stood. */
  readonly heartbeat: KeyValue | undefined;
  readonly at: number;
}

export interface KeptAlive {
  readonly registry: number;
  readonly actor: Actor;
  readonly lease: string;
  readonly heartbeat: KeyValue | undefined;
}

/** Who created a record, and when (ms). */
export interface Origin {
  readonly actor: Actor;
  readonly at: number;
}

export interface RegistryOptions {
  readonly index: number;
  readonly clock: Clock;
  readonly maxOperations: number;
  /** Every host's. */
  readonly heartbeats: readonly string[];
  readonly committed: (commit: Commit) => void;
  readonly keptAlive: (kept: KeptAlive) => void;
  /** A key is gone; `expired`: nobody deleted it, its lease ran out. */
  readonly removed: (key: string, expired: boolean) => void;
}

const ALONE = new AbortController().signal;
export const STRANGER: Actor = { owner: undefined, instance: 'stranger' };

/**
 * One registry of the simulation: the real memory store, one request at a time, with a book of who created what. It can
 * be restored from its own past, as from a backup.
 */
export class SimRegistry {
  readonly index: number;
  readonly #options: RegistryOptions;
  readonly #origins = new Map<string, Origin>();
  readonly #past: WatchEvent[] = [];
  readonly #grants: number[] = [];
  #store: MemoryStore;
  #generation = 1;
  /** Heartbeats that are gone, and since when (ms). */
  readonly #absent = new Map<string, number>();
  #openedAt = 0;
  /** Somebody writes at this very moment: what goes now does not go by itself. */
  #written = false;
  #turn: Promise<unknown> = Promise.resolve();
  /** Told when the content was replaced: watches on it are silent from now on. */
  onReplaced: () => void = () => undefined;

  constructor(options: RegistryOptions) {
    this.index = options.index;
    this.#options = options;
    this.#store = this.#open('1');
  }

  get store(): KvStore {
    return this.#store;
  }

  /** Serves a request; no other one comes in between. */
  serve<T>(run: (store: MemoryStore) => Promise<Result<T>>): Promise<Result<T>> {
    const served = this.#turn.then(() => run(this.#store));
    this.#turn = served;
    return served;
  }

  txn(actor: Actor, transaction: Transaction) {
    return this.serve(async (store) => {
      const { compares, then, otherwise } = transaction;
      const operations = Math.max(compares.length, then.length, otherwise.length);
      if (operations > this.#options.maxOperations) return fail('too-many-operations');
      const { heartbeats } = this.#options;
      const keys = [
        ...new Set([...heartbeats, heartbeatOf(actor), ...transaction.then.map(({ key }) => key)]),
      ];
      const before = await store.reader.get(keys, ALONE);
      const answer = await this.#writing(() => store.writer().txn(transaction, ALONE));
      if (!answer.ok || !answer.value.succeeded || !before.ok) return answer;
      const { clock, committed } = this.#options;
      const at = clock.now();
      const { revision } = answer.value;
      for (const { type, key } of transaction.then)
        if (type === 'put' && !before.value.entries.has(key))
          this.#origins.set(`${key}@${revision}`, { actor, at });
      committed({
        registry: this.index,
        actor,
        before: before.value.entries,
        operations: transaction.then,
        heartbeat: before.value.entries.get(heartbeatOf(actor)),
        at,
      });
      return answer;
    });
  }

  grant(ttlSeconds: number) {
    this.#grants.push(ttlSeconds);
    return this.serve((store) => store.writer().leaseGrant(ttlSeconds, ALONE));
  }

  keepAlive(actor: Actor, id: string) {
    return this.serve(async (store) => {
      const left = await store.writer().leaseKeepAlive(id, ALONE);
      const found = await store.reader.get([heartbeatOf(actor)], ALONE);
      const heartbeat = found.ok ? found.value.entries.get(heartbeatOf(actor)) : undefined;
      if (left.ok && left.value > 0)
        this.#options.keptAlive({ registry: this.index, actor, lease: id, heartbeat });
      return left;
    });
  }

  /** Since when a host has had no heartbeat here. */
  absentSince(owner: string): number {
    return this.#absent.get(`/portolan/hosts/${owner}`) ?? this.#openedAt;
  }

  /** Who created the record that stands there. */
  origin({ key, createRevision }: KeyValue): Origin | undefined {
    return this.#origins.get(`${key}@${createRevision}`);
  }

  async entries(): Promise<readonly KeyValue[]> {
    const listing = await this.#store.reader.list('', ALONE);
    if (!listing.ok)
      throw new Error(`the registry of the simulation cannot be read: ${listing.failure.code}`);
    return listing.value.entries;
  }

  async revision(): Promise<string> {
    const head = await this.#store.reader.get([], ALONE);
    if (!head.ok) throw new Error('the registry of the simulation has no revision');
    return head.value.revision;
  }

  async compact(): Promise<void> {
    this.#store.compact(await this.revision());
  }

  async revoke(lease: string): Promise<void> {
    await this.#writing(() => this.#store.writer().leaseRevoke(lease, ALONE));
  }

  /** What a stranger does, at once and without a network. */
  async meddle(then: readonly Operation[]): Promise<void> {
    for (const operation of then)
      await this.txn(STRANGER, { compares: [], then: [operation], otherwise: [] });
  }

  /** Goes back `steps` revisions, as an older backup would; under a new cluster id, or (a copied folder) the same one. */
  async restore(steps: number, newCluster: boolean): Promise<void> {
    const target = Math.max(1, Number(await this.revision()) - steps);
    const past = this.#past.filter(({ revision }) => Number(revision) <= target);
    const live = leasesAfter(past);
    const old = this.#store;
    if (newCluster) this.#generation += 1;
    this.#past.length = 0;
    this.#store = this.#open(String(this.#generation));
    const writer = this.#store.writer();
    for (const ttl of this.#grants) {
      const granted = await writer.leaseGrant(ttl, ALONE);
      if (granted.ok && !live.has(granted.value.id)) await writer.leaseRevoke(granted.value.id, ALONE);
    }
    for (const events of byRevision(past)) {
      const then = events.map((event): Operation => {
        if (event.type === 'delete') return { type: 'delete', key: event.key };
        const { key, value, lease } = event.entry;
        return { type: 'put', key, value, lease: live.has(lease) ? lease : '0' };
      });
      const replayed = await this.#writing(() => writer.txn({ compares: [], then, otherwise: [] }, ALONE));
      if (!replayed.ok) throw new Error(`the past cannot be replayed: ${replayed.failure.message}`);
    }
    this.onReplaced();
    old.close();
  }

  close(): void {
    this.#store.close();
  }

  async #writing<T>(write: () => Promise<T>): Promise<T> {
    this.#written = true;
    const answer = await write();
    this.#written = false;
    return answer;
  }

  #open(clusterId: string): MemoryStore {
    const { clock, removed } = this.#options;
    // Its own limit would also count for the replay of a past in which a lease ran out, which deletes any number of keys.
    const store = new MemoryStore({ clock, clusterId, maxOperations: Number.POSITIVE_INFINITY });
    this.#absent.clear();
    this.#openedAt = clock.now();
    store.reader.watch({ prefix: '' }, '0', {
      events: (batch) => {
        this.#past.push(...batch);
        for (const { type, key } of batch) {
          if (type !== 'delete') continue;
          removed(key, !this.#written);
          if (key.startsWith('/portolan/hosts/')) this.#absent.set(key, clock.now());
        }
      },
      lost: () => undefined,
    });
    return store;
  }
}

function heartbeatOf({ owner = '' }: Actor): string {
  return `/portolan/hosts/${owner}`;
}

function byRevision(events: readonly WatchEvent[]): readonly (readonly WatchEvent[])[] {
  const groups = new Map<string, WatchEvent[]>();
  for (const event of events) groups.set(event.revision, [...(groups.get(event.revision) ?? []), event]);
  return [...groups.values()];
}

/** The leases that something hangs on after these events. */
function leasesAfter(events: readonly WatchEvent[]): ReadonlySet<string> {
  const leases = new Map<string, string>();
  for (const event of events)
    if (event.type === 'put') leases.set(event.key, event.entry.lease);
    else leases.delete(event.key);
  return new Set(leases.values());
}
