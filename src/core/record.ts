/** A record that this owner wants to exist. `value` is the exact bytes; equality of text is equality of records. */
export interface DesiredRecord {
  readonly key: string;
  readonly value: string;
  /** Groups the records that must move in one transaction: an endpoint's id. */
  readonly group: string;
  /** True: the record lives under the host's lease (`ttl`); false: until it is removed (`prune`). */
  readonly leased: boolean;
}

/** Revisions are decimal strings: they are compared as big integers, never as floating-point numbers. */
export type Revision = string;

export function compareRevisions(a: Revision, b: Revision): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One entry of the ledger below `/portolan/owners/<owner>/`: the proof that this owner created the record. */
export interface LedgerEntry {
  readonly modRevision: Revision;
  /** Decimal lease id, `0` for none. */
  readonly lease: string;
}

export interface RegistryRecord {
  readonly value: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** Decimal lease id, `0` for none. */
  readonly lease: string;
}

/** What a registry holds at one key that matters to this owner. */
export interface ObservedRecord {
  readonly key: string;
  readonly record: RegistryRecord | undefined;
  readonly entry: LedgerEntry | undefined;
}
