import { fail, failure, ok, type Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { compareRevisions, type Revision } from '../../core/record.ts';
import {
  type Compare,
  type Head,
  type KeyValue,
  type KvReader,
  type KvStore,
  type KvWriter,
  type Listing,
  type Lookup,
  MAX_TXN_OPERATIONS,
  nextRevision,
  type Operation,
  type Transaction,
  type TransactionResult,
  type WatchEvent,
  type WatchObserver,
  type WatchScope,
} from '../kv/store.ts';
import { History, type HistoryEvent } from './history.ts';
import { Leases } from './leases.ts';
import { Watchers } from './watchers.ts';

export interface MemoryOptions {
  readonly clock: Clock;
  readonly clusterId?: string;
  /** How many changes are kept for watches and reads of the past. */
  readonly history?: number;
  readonly maxOperations?: number;
  /** Characters in the keys and values of one transaction, as etcd limits its requests. */
  readonly maxRequest?: number;
}

const DEFAULTS = {
  clusterId: '1',
  history: 10_000,
  maxOperations: MAX_TXN_OPERATIONS,
  maxRequest: 1_500_000,
};

/** The embedded registry: the content of one process's memory, with the whole contract of the store. */
export class MemoryStore implements KvStore {
  readonly #options: Required<MemoryOptions>;
  readonly #entries = new Map<string, KeyValue>();
  readonly #history: History;
  readonly #leases: Leases;
  readonly #watchers = new Watchers();
  #revision: Revision = '1';
  #closed = false;

  readonly reader: KvReader;

  constructor(options: MemoryOptions) {
    this.#options = { ...DEFAULTS, ...options };
    this.#history = new History(this.#options.history);
    this.#leases = new Leases(options.clock, (keys) => {
      this.#commit(keys.map((key) => ({ type: 'delete', key })));
    });
    this.reader = {
      list: (prefix, signal, at) => this.#call(signal, () => this.#list(prefix, at)),
      get: (keys, signal, at) => this.#call(signal, () => this.#get(keys, at)),
      watch: (scope, from, observer) => this.#watch(scope, from, observer),
      close: () => {
        this.close();
        return Promise.resolve();
      },
    };
  }

  writer(): KvWriter {
    const leases = this.#leases;
    return {
      txn: (transaction, signal) => this.#call(signal, () => this.#txn(transaction)),
      leaseGrant: (ttlSeconds, signal) =>
        this.#call(signal, () => ok({ id: leases.grant(ttlSeconds), ttlSeconds })),
      leaseKeepAlive: (id, signal) => this.#call(signal, () => ok(leases.renew(id))),
      leaseTimeToLive: (id, signal) => this.#call(signal, () => ok(leases.time(id))),
      leaseRevoke: (id, signal) =>
        this.#call(signal, () => {
          leases.revoke(id);
          return ok(undefined);
        }),
    };
  }

  /** Forgets the history up to a revision, which is kept readable. */
  compact(revision: Revision): void {
    this.#history.compact(revision);
  }

  /** Breaks every watch, as a lost connection would. */
  disconnect(): void {
    this.#watchers.endAll('disconnected', failure('registry-unreachable'));
  }

  close(): void {
    this.#closed = true;
    this.#leases.close();
    this.#watchers.endAll('disconnected', failure('registry-unreachable', 'closed'));
  }

  /** Answers later, like any store: nobody may come to rely on an answer within the same turn. */
  async #call<T>(signal: AbortSignal, run: () => Result<T>): Promise<Result<T>> {
    await Promise.resolve();
    if (this.#closed || signal.aborted) return fail('registry-unreachable', 'cancelled');
    return run();
  }

  get #head(): Head {
    return { clusterId: this.#options.clusterId, revision: this.#revision };
  }

  #list(prefix: string, at: Revision | undefined): Result<Listing> {
    const past = this.#past(at);
    if (!past.ok) return past;
    const entries = new Map<string, KeyValue>();
    for (const [key, entry] of this.#entries) if (key.startsWith(prefix)) entries.set(key, entry);
    for (const [key, entry] of past.value) {
      if (!key.startsWith(prefix)) continue;
      if (entry === undefined) entries.delete(key);
      else entries.set(key, entry);
    }
    const sorted = [...entries.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    return ok({ clusterId: this.#options.clusterId, revision: at ?? this.#revision, entries: sorted });
  }

  #get(keys: readonly string[], at: Revision | undefined): Result<Lookup> {
    const past = this.#past(at);
    if (!past.ok) return past;
    const entries = new Map<string, KeyValue>();
    for (const key of keys) {
      const entry = past.value.has(key) ? past.value.get(key) : this.#entries.get(key);
      if (entry !== undefined) entries.set(key, entry);
    }
    return ok({ clusterId: this.#options.clusterId, revision: at ?? this.#revision, entries });
  }

  #past(at: Revision | undefined): Result<ReadonlyMap<string, KeyValue | undefined>> {
    if (at === undefined) return ok(new Map());
    if (compareRevisions(at, this.#revision) > 0) return fail('registry-replaced', 'future revision');
    if (compareRevisions(at, this.#history.compacted) < 0) return fail('registry-compacted');
    return ok(this.#history.undoTo(at));
  }

  #watch(scope: WatchScope, from: Revision, observer: WatchObserver): () => void {
    if (compareRevisions(from, this.#history.compacted) < 0) return this.#watchers.refuse(observer);
    return this.#watchers.add(scope, from, observer, this.#history.since(from));
  }

  #txn({ compares, then, otherwise }: Transaction): Result<TransactionResult> {
    const problem = this.#check(compares, then, otherwise);
    if (problem !== undefined) return problem;
    const succeeded = compares.every((compare) => this.#holds(compare));
    const wanted = succeeded
      ? then
          .filter((operation) => operation.type === 'put' && operation.previous === true)
          .map(({ key }) => key)
      : otherwise;
    const found = new Map<string, KeyValue>();
    for (const key of wanted) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) found.set(key, entry);
    }
    if (succeeded) this.#commit(then);
    return ok({ ...this.#head, succeeded, found });
  }

  #check(compares: readonly Compare[], then: readonly Operation[], otherwise: readonly string[]) {
    const { maxOperations, maxRequest } = this.#options;
    if (Math.max(compares.length, then.length, otherwise.length) > maxOperations)
      return fail('too-many-operations');
    let size = 0;
    const put = new Set<string>();
    for (const operation of then) {
      size += operation.key.length;
      if (operation.type !== 'put') continue;
      size += operation.value.length;
      if (put.has(operation.key)) return fail('record-rejected', 'duplicate key in a transaction');
      put.add(operation.key);
      if (operation.lease !== '0' && !this.#leases.has(operation.lease)) return fail('lease-lost');
    }
    return size > maxRequest ? fail('record-rejected', 'the request is too large') : undefined;
  }

  #holds({ key, target, revision }: Compare): boolean {
    const entry = this.#entries.get(key);
    return ((target === 'create' ? entry?.createRevision : entry?.modRevision) ?? '0') === revision;
  }

  /** All operations at one new revision; nothing happens (and no revision passes) when they change nothing. */
  #commit(operations: readonly Operation[]): void {
    const revision = nextRevision(this.#revision);
    const changes: HistoryEvent[] = [];
    for (const operation of operations) {
      const { key } = operation;
      const before = this.#entries.get(key);
      const event = this.#run(operation, before, revision);
      if (event === undefined) continue;
      const lease = event.type === 'put' ? event.entry.lease : '0';
      this.#leases.move(key, before?.lease ?? '0', lease);
      changes.push({ event, before });
    }
    if (changes.length === 0) return;
    this.#revision = revision;
    this.#history.append(changes);
    this.#watchers.publish(changes.map(({ event }) => event));
  }

  #run(operation: Operation, before: KeyValue | undefined, revision: Revision): WatchEvent | undefined {
    const { key } = operation;
    if (operation.type === 'delete') {
      if (!this.#entries.delete(key)) return undefined;
      return { type: 'delete', key, revision };
    }
    const { value, lease } = operation;
    const createRevision = before?.createRevision ?? revision;
    const entry: KeyValue = { key, value, lease, createRevision, modRevision: revision };
    this.#entries.set(key, entry);
    return { type: 'put', key, revision, entry };
  }
}
