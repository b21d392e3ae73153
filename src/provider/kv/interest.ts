import type { PartialObservation } from '../../core/ports.ts';
import type { LedgerEntry, RegistryRecord } from '../../core/record.ts';
import type { Names } from './names.ts';
import type { KeyValue, WatchEvent } from './store.ts';

/** The record keys that matter to this owner: those of its ledger and those it wants. Everything else is not its affair. */
export class Interest {
  readonly #names: Names;
  readonly #byEntry = new Map<string, string>();
  /** Each key with its entry's. */
  readonly #keys = new Map<string, string>();

  constructor(names: Names, keys: Iterable<string>) {
    this.#names = names;
    for (const key of keys) this.add(key);
  }

  get size(): number {
    return this.#keys.size;
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#keys.keys();
  }

  add(key: string): void {
    if (this.#keys.has(key)) return;
    const entry = this.#names.entry(key);
    this.#keys.set(key, entry);
    this.#byEntry.set(entry, key);
  }

  remove(key: string): void {
    this.#byEntry.delete(this.#keys.get(key) ?? '');
    this.#keys.delete(key);
  }

  /**
   * The record that a ledger entry speaks for; undefined when it speaks for none. The name decides, not the value: an
   * entry with a spoilt value still proves that the record it is named after is ours.
   */
  keyOfEntry(entry: { readonly key: string; readonly value: string }): string | undefined {
    const known = this.#byEntry.get(entry.key);
    if (known !== undefined) return known;
    const key = entry.value;
    return this.#names.mayOwn(key) && this.#names.entry(key) === entry.key ? key : undefined;
  }

  /** What an event tells about a key that matters. */
  observe(event: WatchEvent): PartialObservation | undefined {
    const { key, revision } = event;
    if (!key.startsWith(this.#names.ledger)) {
      if (!this.#keys.has(key)) return undefined;
      return { key, revision, record: event.type === 'put' ? recordOf(event.entry) : null };
    }
    if (event.type === 'put') {
      const owned = this.keyOfEntry(event.entry);
      return owned === undefined ? undefined : { key: owned, revision, entry: entryOf(event.entry) };
    }
    const owned = this.#byEntry.get(key);
    return owned === undefined ? undefined : { key: owned, revision, entry: null };
  }
}

export function recordOf({ value, createRevision, modRevision, lease }: KeyValue): RegistryRecord {
  return { value, createRevision, modRevision, lease };
}

export function entryOf({ modRevision, lease }: KeyValue): LedgerEntry {
  return { modRevision, lease };
}
