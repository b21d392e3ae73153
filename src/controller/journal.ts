import type { RecordState } from '../core/status.ts';

/** What last happened to a key, for `get records` and `explain`. */
export interface JournalEntry {
  readonly state: RecordState;
  readonly outcome: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly nextTryAt: number | undefined;
  readonly why: string | undefined;
}

/** The last outcome of each key of one target. Keys that nobody wants and nobody holds are dropped. */
export class Journal {
  readonly #entries = new Map<string, JournalEntry>();
  #writes = 0;

  get writes(): number {
    return this.#writes;
  }

  get(key: string): JournalEntry | undefined {
    return this.#entries.get(key);
  }

  count(state: RecordState): number {
    let n = 0;
    for (const entry of this.#entries.values()) if (entry.state === state) n += 1;
    return n;
  }

  wrote(): void {
    this.#writes += 1;
  }

  /** Returns true when the state or its reason is new: only then is there something to say. */
  note(key: string, entry: JournalEntry): boolean {
    const before = this.#entries.get(key);
    this.#entries.set(key, entry);
    return before?.state !== entry.state || before.why !== entry.why;
  }

  drop(key: string): void {
    this.#entries.delete(key);
  }
}
