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
  readonly #counts = new Map<RecordState, number>();
  #writes = 0;

  get writes(): number {
    return this.#writes;
  }

  get(key: string): JournalEntry | undefined {
    return this.#entries.get(key);
  }

  count(state: RecordState): number {
    return this.#counts.get(state) ?? 0;
  }

  wrote(): void {
    this.#writes += 1;
  }

  /** Returns true when the state or its reason is new: only then is there something to say. */
  note(key: string, entry: JournalEntry): boolean {
    const before = this.#entries.get(key);
    this.#entries.set(key, entry);
    this.#move(before?.state, entry.state);
    return before?.state !== entry.state || before.why !== entry.why;
  }

  drop(key: string): void {
    this.#move(this.#entries.get(key)?.state, undefined);
    this.#entries.delete(key);
  }

  #move(from: RecordState | undefined, to: RecordState | undefined): void {
    if (from !== undefined) this.#counts.set(from, this.count(from) - 1);
    if (to !== undefined) this.#counts.set(to, this.count(to) + 1);
  }
}
