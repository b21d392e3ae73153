import { compareRevisions, type Revision } from '../../core/record.ts';
import type { KeyValue, WatchEvent } from '../kv/store.ts';

/** One change with what it replaced, so that older revisions can be read by undoing the newer ones. */
export interface HistoryEvent {
  readonly event: WatchEvent;
  readonly before: KeyValue | undefined;
}

/** The changes since the last compaction, oldest first. Bounded: the oldest are compacted away by themselves. */
export class History {
  readonly #limit: number;
  #events: HistoryEvent[] = [];
  #compacted: Revision = '0';

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Reads and watches below this revision are impossible. */
  get compacted(): Revision {
    return this.#compacted;
  }

  append(events: readonly HistoryEvent[]): void {
    this.#events.push(...events);
    // Trimmed at twice the limit, so that each event is moved once on average.
    if (this.#events.length < this.#limit * 2) return;
    const last = this.#events[this.#events.length - this.#limit - 1];
    if (last !== undefined) this.compact(last.event.revision);
  }

  compact(revision: Revision): void {
    if (compareRevisions(revision, this.#compacted) <= 0) return;
    this.#compacted = revision;
    this.#events = this.#events.filter(({ event }) => compareRevisions(event.revision, revision) > 0);
  }

  /** Events at or after a revision. */
  since(revision: Revision): readonly WatchEvent[] {
    const events: WatchEvent[] = [];
    for (const { event } of this.#events)
      if (compareRevisions(event.revision, revision) >= 0) events.push(event);
    return events;
  }

  /** What has to be put back to get from now to `revision`: key to what it held then. */
  undoTo(revision: Revision): ReadonlyMap<string, KeyValue | undefined> {
    const undo = new Map<string, KeyValue | undefined>();
    for (let index = this.#events.length - 1; index >= 0; index -= 1) {
      const change = this.#events[index];
      if (change === undefined || compareRevisions(change.event.revision, revision) <= 0) break;
      undo.set(change.event.key, change.before);
    }
    return undo;
  }
}
