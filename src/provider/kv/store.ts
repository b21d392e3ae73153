import type { Failure, Result } from '../../core/failure.ts';
import type { Revision } from '../../core/record.ts';

/**
 * The port to a revisioned key-value store, in the shape of etcd v3. Revisions and lease ids are decimal strings.
 * No call throws or rejects: what goes wrong is a `Failure`. Every call ends by itself within a bounded time.
 */

/** More compares, operations or reads than this in one transaction are refused (etcd's default). */
export const MAX_TXN_OPERATIONS = 128;

export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** `0` for none. */
  readonly lease: string;
}

/** Which store answered, and at which of its revisions. */
export interface Head {
  readonly clusterId: string;
  readonly revision: Revision;
}

/** Entries in the order of their keys, all as they were at `revision`. */
export interface Listing extends Head {
  readonly entries: readonly KeyValue[];
}

/** Only the keys that exist. */
export interface Lookup extends Head {
  readonly entries: ReadonlyMap<string, KeyValue>;
}

export type WatchEvent =
  | { readonly type: 'put'; readonly key: string; readonly revision: Revision; readonly entry: KeyValue }
  | { readonly type: 'delete'; readonly key: string; readonly revision: Revision };

export type WatchScope = { readonly prefix: string } | { readonly keys: readonly string[] };

/**
 * Why a watch ended. `compacted`: the revision it starts from is no longer there; `gap`: events may be missing;
 * `disconnected`: the connection is gone or in doubt; `cancelled`: the store ended it.
 */
export type WatchLoss = 'compacted' | 'gap' | 'disconnected' | 'cancelled';

/** Called in the order of revisions for each key. After `lost` nothing more comes, and after a cancel nothing at all. */
export interface WatchObserver {
  events(batch: readonly WatchEvent[]): void;
  lost(reason: WatchLoss, failure: Failure): void;
}

export interface KvReader {
  /** Everything below a prefix, in as many pages as it takes, at one revision (`at`, or the newest). */
  list(prefix: string, signal: AbortSignal, at?: Revision): Promise<Result<Listing>>;
  /** Some keys, in few round trips, at one revision (`at`, or the newest). */
  get(keys: readonly string[], signal: AbortSignal, at?: Revision): Promise<Result<Lookup>>;
  /** Everything that happens from revision `from` on. It never resumes by itself: any break is a `lost`. */
  watch(scope: WatchScope, from: Revision, observer: WatchObserver): () => void;
  close(): Promise<void>;
}

/** Holds when the key's revision is the one given; `0` means that the key does not exist. */
export interface Compare {
  readonly key: string;
  readonly target: 'create' | 'mod';
  readonly revision: Revision;
}

/** `previous`: the answer tells what the key held before (in `found`). */
export type Operation =
  | {
      readonly type: 'put';
      readonly key: string;
      readonly value: string;
      /** `0` for none. */
      readonly lease: string;
      readonly previous?: boolean;
    }
  | { readonly type: 'delete'; readonly key: string };

export interface Transaction {
  readonly compares: readonly Compare[];
  readonly then: readonly Operation[];
  /** Keys to read when a compare does not hold. */
  readonly otherwise: readonly string[];
}

export interface TransactionResult extends Head {
  readonly succeeded: boolean;
  /** After a success what was asked for by `previous`, otherwise the keys of `otherwise`; only those that exist(ed). */
  readonly found: ReadonlyMap<string, KeyValue>;
}

export interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
}

/** Whole seconds. `remaining` is 0 when the lease does not exist (any more) or ends within the second. */
export interface LeaseTime {
  readonly remaining: number;
  readonly granted: number;
}

export interface KvWriter {
  /** `outcome-unknown` when it was sent and no answer came. */
  txn(transaction: Transaction, signal: AbortSignal): Promise<Result<TransactionResult>>;
  leaseGrant(ttlSeconds: number, signal: AbortSignal): Promise<Result<Lease>>;
  /** Answers the seconds left, 0 when the lease is gone. */
  leaseKeepAlive(id: string, signal: AbortSignal): Promise<Result<number>>;
  leaseTimeToLive(id: string, signal: AbortSignal): Promise<Result<LeaseTime>>;
  /** Its keys are deleted; a lease that does not exist counts as revoked. */
  leaseRevoke(id: string, signal: AbortSignal): Promise<Result<void>>;
}

/** A store as the composition root opens it. A dry run never calls `writer`, so that no writer exists. */
export interface KvStore {
  readonly reader: KvReader;
  writer(): KvWriter;
}

export function nextRevision(revision: Revision): Revision {
  return (BigInt(revision) + 1n).toString();
}
