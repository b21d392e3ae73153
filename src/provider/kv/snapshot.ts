import { ok, type Result } from '../../core/failure.ts';
import type { PartialObservation } from '../../core/ports.ts';
import type { LedgerEntry, ObservedRecord, Revision } from '../../core/record.ts';
import { entryOf, Interest, recordOf } from './interest.ts';
import type { Names } from './names.ts';
import type { Head, KeyValue, KvReader } from './store.ts';

/** A complete read at one revision. */
export interface Snapshot extends Head {
  readonly interest: Interest;
  readonly records: ReadonlyMap<string, ObservedRecord>;
  /** Ledger entries that speak for no record. */
  readonly spoilt: readonly KeyValue[];
}

/** Reads the ledger by its prefix and then exactly the keys that matter: never the fleet. */
export async function readSnapshot(
  store: KvReader,
  names: Names,
  wanted: Iterable<string>,
  signal: AbortSignal,
): Promise<Result<Snapshot>> {
  const ledger = await store.list(names.ledger, signal);
  if (!ledger.ok) return ledger;
  const { revision, clusterId } = ledger.value;
  const interest = new Interest(names, wanted);
  const owned = new Map<string, LedgerEntry>();
  const spoilt: KeyValue[] = [];
  for (const entry of ledger.value.entries) {
    const key = interest.keyOfEntry(entry);
    if (key === undefined) spoilt.push(entry);
    else owned.set(key, entryOf(entry));
  }
  for (const key of owned.keys()) interest.add(key);
  const found = await store.get([...interest.keys()], signal, revision);
  if (!found.ok) return found;
  const records = new Map<string, ObservedRecord>();
  for (const key of interest.keys()) {
    const record = found.value.entries.get(key);
    const entry = owned.get(key);
    if (record === undefined && entry === undefined) continue;
    records.set(key, { key, record: record === undefined ? undefined : recordOf(record), entry });
  }
  return ok({ clusterId, revision, interest, records, spoilt });
}

/** Reads some keys with their ledger entries. */
export async function readKeys(
  store: KvReader,
  names: Names,
  keys: readonly string[],
  signal: AbortSignal,
): Promise<Result<Head & { readonly parts: readonly PartialObservation[] }>> {
  const entryKeys = keys.map((key) => names.entry(key));
  const found = await store.get([...keys, ...entryKeys], signal);
  if (!found.ok) return found;
  const { clusterId, revision, entries } = found.value;
  const parts = keys.map((key, index) => partOf(key, entryKeys[index] ?? '', revision, entries));
  return ok({ clusterId, revision, parts });
}

function partOf(
  key: string,
  entryKey: string,
  revision: Revision,
  entries: ReadonlyMap<string, Parameters<typeof recordOf>[0]>,
): PartialObservation {
  const record = entries.get(key);
  const entry = entries.get(entryKey);
  return {
    key,
    revision,
    record: record === undefined ? null : recordOf(record),
    entry: entry === undefined ? null : entryOf(entry),
  };
}
