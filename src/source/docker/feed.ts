import { ok, type Result } from '../../core/failure.ts';
import { type Deadline, withDeadline } from './deadline.ts';
import { EventDecoder } from './decoder.ts';
import type { Engine, EventQuery } from './engine.ts';
import { type EngineEvent, readEvent } from './event.ts';

/** Events that came in, by key, so that one that is read again (after a reconnect, in a replay) is known. */
export class Deliveries {
  readonly #times = new Map<string, number>();
  #latest: number | undefined;

  /** False if it was there before. */
  add(event: EngineEvent): boolean {
    if (this.#times.has(event.key)) return false;
    this.#times.set(event.key, event.at);
    if (this.#latest === undefined || event.at > this.#latest) this.#latest = event.at;
    return true;
  }

  has(event: EngineEvent): boolean {
    return this.#times.has(event.key);
  }

  /** Engine time of the newest event, or of the first subscription while there was none. */
  get latest(): number | undefined {
    return this.#latest;
  }

  /** A subscription is made; what happened before does not matter. */
  begin(now: number | undefined): void {
    this.#latest ??= now;
  }

  /**
   * Forgets what is older than any question that will still be asked, but never the newest: a new stream begins with
   * it, and it must not be taken for news. Events come about in order of time.
   */
  prune(before: number): void {
    for (const [key, at] of this.#times) {
      if (at >= Math.min(before, this.#latest ?? before)) return;
      this.#times.delete(key);
    }
  }
}

export interface FeedTarget {
  take(event: EngineEvent): void;
  /** Something came in that cannot be read, and it may have been an event. */
  unreadable(): void;
  ended(why: string): void;
}

/**
 * Opens the live stream. The callback only decodes and enqueues, for an engine skips a listener that is slow; the queue
 * is emptied in the same turn of the event loop, so that an event costs no waiting.
 */
export async function openFeed(
  engine: Engine,
  deadline: Deadline,
  query: EventQuery,
  target: FeedTarget,
  signal: AbortSignal,
): Promise<Result<void>> {
  const decoder = new EventDecoder();
  let queue: unknown[] = [];
  const drain = (): void => {
    const batch = queue;
    queue = [];
    for (const json of batch) {
      const event = readEvent(json);
      if (event !== undefined && !signal.aborted) target.take(event);
    }
  };
  const sink = {
    chunk(bytes: Uint8Array): void {
      const { skipped } = decoder;
      const found = decoder.push(bytes);
      if (decoder.skipped > skipped && !signal.aborted) target.unreadable();
      if (found.length > 0 && queue.length === 0) queueMicrotask(drain);
      queue.push(...found);
    },
    ended(why: string): void {
      // After what is still in the queue: its last words count.
      queueMicrotask(() => {
        target.ended(why);
      });
    },
  };
  // The deadline is for the answer's head; the stream itself lives as long as `signal`.
  return await withDeadline(deadline, signal, 'GET /events', () => engine.events(query, sink, signal));
}

/** Reads a bounded part of the event history to its end. */
export async function readHistory(
  engine: Engine,
  deadline: Deadline,
  query: Required<EventQuery>,
  signal: AbortSignal,
): Promise<Result<readonly EngineEvent[]>> {
  return await withDeadline(deadline, signal, 'GET /events of the past', async (within) => {
    const decoder = new EventDecoder();
    const events: EngineEvent[] = [];
    const chunk = (bytes: Uint8Array): void => {
      for (const json of decoder.push(bytes)) {
        const event = readEvent(json);
        if (event !== undefined) events.push(event);
      }
    };
    return await new Promise((resolve) => {
      const ended = (): void => {
        resolve(ok(events));
      };
      void engine.events(query, { chunk, ended }, within).then((opened) => {
        if (!opened.ok) resolve(opened);
      });
    });
  });
}
