import { type Failure, failure } from '../../core/failure.ts';
import { compareRevisions, type Revision } from '../../core/record.ts';
import type { WatchEvent, WatchLoss, WatchObserver, WatchScope } from '../kv/store.ts';

interface Watcher {
  readonly from: Revision;
  readonly matches: (key: string) => boolean;
  readonly observer: WatchObserver;
  queue: WatchEvent[];
  loss: { readonly reason: WatchLoss; readonly failure: Failure } | undefined;
  scheduled: boolean;
  cancelled: boolean;
}

/** Delivers events in order, never inside the call that caused them: as a store behind a network would. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();

  add(scope: WatchScope, from: Revision, observer: WatchObserver, past: readonly WatchEvent[]): () => void {
    const watcher: Watcher = {
      from,
      matches: matcher(scope),
      observer,
      queue: [],
      loss: undefined,
      scheduled: false,
      cancelled: false,
    };
    this.#watchers.add(watcher);
    push(watcher, past);
    return () => {
      watcher.cancelled = true;
      this.#watchers.delete(watcher);
    };
  }

  publish(events: readonly WatchEvent[]): void {
    for (const watcher of this.#watchers) push(watcher, events);
  }

  /** Ends a watch that could not start: the history it asks for is gone. */
  refuse(observer: WatchObserver): () => void {
    let cancelled = false;
    queueMicrotask(() => {
      if (!cancelled) observer.lost('compacted', failure('registry-compacted'));
    });
    return () => {
      cancelled = true;
    };
  }

  /** Ends all, after what they have been sent. */
  endAll(reason: WatchLoss, why: Failure): void {
    for (const watcher of this.#watchers) {
      watcher.loss = { reason, failure: why };
      schedule(watcher);
    }
    this.#watchers.clear();
  }
}

function matcher(scope: WatchScope): (key: string) => boolean {
  if ('prefix' in scope) return (key) => key.startsWith(scope.prefix);
  const keys = new Set(scope.keys);
  return (key) => keys.has(key);
}

function push(watcher: Watcher, events: readonly WatchEvent[]): void {
  for (const event of events)
    if (compareRevisions(event.revision, watcher.from) >= 0 && watcher.matches(event.key))
      watcher.queue.push(event);
  if (watcher.queue.length > 0) schedule(watcher);
}

function schedule(watcher: Watcher): void {
  if (watcher.scheduled) return;
  watcher.scheduled = true;
  queueMicrotask(() => {
    deliver(watcher);
  });
}

function deliver(watcher: Watcher): void {
  watcher.scheduled = false;
  const { queue, loss } = watcher;
  watcher.queue = [];
  if (!watcher.cancelled && queue.length > 0) watcher.observer.events(queue);
  if (!watcher.cancelled && loss !== undefined) watcher.observer.lost(loss.reason, loss.failure);
}
