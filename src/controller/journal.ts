import type { ChangeAction } from '../core/plan.ts';
import type { RecordState } from '../core/status.ts';
import type { Work } from './workqueue.ts';

/** What last happened to a key, for `get records` and `explain`. */
export interface JournalEntry {
  readonly state: RecordState;
  readonly outcome: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly nextTryAt: number | undefined;
  readonly why: string | undefined;
}

/** What was done, where something was. */
export interface Done {
  readonly action: ChangeAction;
  readonly revision: string | undefined;
}

const UNCHANGED = {
  state: 'synced',
  outcome: 'unchanged',
  nextTryAt: undefined,
  why: undefined,
} as const;

/** Hears of every outcome of a piece of work. */
export type TellOutcome = (work: Work, entry: JournalEntry, done?: Done) => void;

/** The last outcome of each key of one target. Keys that nobody wants and nobody holds are dropped. */
export class Journal {
  readonly #entries = new Map<string, JournalEntry>();
  readonly #counts = new Map<RecordState, number>();
  readonly #tell: TellOutcome;
  #writes = 0;

  constructor(tell: TellOutcome = () => undefined) {
    this.#tell = tell;
  }

  get writes(): number {
    return this.#writes;
  }

  get(key: string): JournalEntry | undefined {
    return this.#entries.get(key);
  }

  count(state: RecordState): number {
    return this.#counts.get(state) ?? 0;
  }

  /** A change was acknowledged. */
  wrote(work: Work, entry: JournalEntry, done: Done): void {
    this.#writes += 1;
    if (done.action === 'delete' || done.action === 'forget') this.drop(work.key);
    else this.note(work.key, entry);
    this.#tell(work, entry, done);
  }

  /** Nothing is to be done about a key (any more). */
  unchanged(key: string, wanted: boolean, at: number): void {
    const before = this.#entries.get(key)?.state;
    if (!wanted) this.drop(key);
    if (before === 'synced' || (before === undefined && !wanted)) return;
    const entry = { ...UNCHANGED, at };
    if (wanted) this.note(key, entry);
    if (before !== undefined) this.#tell({ key, cause: { code: 'relisted', at, explained: true } }, entry);
  }

  /** A change was not made. Returns as `note` does. */
  missed(work: Work, entry: JournalEntry): boolean {
    this.#tell(work, entry);
    return this.note(work.key, entry);
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
