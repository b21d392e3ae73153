import type { IDuplexStream, IEvent, IWatchRequest, IWatchResponse } from 'etcd3';
import { type Failure, failure } from '../../core/failure.ts';
import type { Revision } from '../../core/record.ts';
import type { WatchEvent, WatchLoss, WatchObserver, WatchScope } from '../kv/store.ts';
import type { EtcdConnection } from './connection.ts';
import { problemOf } from './errors.ts';
import { bytes, endOf, fromWire } from './wire.ts';

type Stream = IDuplexStream<IWatchRequest, IWatchResponse>;

/** One call of `add`: a prefix is one watcher of etcd, keys are one each. */
interface Watch {
  readonly scope: WatchScope;
  readonly from: Revision;
  readonly observer: WatchObserver;
  readonly ids: number[];
}

/**
 * All watches of a store on one stream of etcd's protocol. The library's own watcher is not used: it resumes behind
 * our back, skips events when it loses the connection twice, and lives on after `close`. Here every break ends every
 * watch with `lost`, and whoever watches lists again.
 */
export class WatchStream {
  readonly #connection: EtcdConnection;
  readonly #watches = new Set<Watch>();
  readonly #byId = new Map<number, Watch>();
  /** Watchers that etcd has not confirmed yet. */
  readonly #pending = new Set<number>();
  #stream: Stream | undefined;
  #opening = false;
  #lastId = 0;
  #stopTimer: (() => void) | undefined;

  constructor(connection: EtcdConnection) {
    this.#connection = connection;
    connection.onLeave(() => {
      this.#endAll('disconnected', failure('registry-unreachable', 'the connection was given up'));
    });
  }

  add(scope: WatchScope, from: Revision, observer: WatchObserver): () => void {
    const watch: Watch = { scope, from, observer, ids: [] };
    this.#watches.add(watch);
    if (this.#stream !== undefined) this.#create(watch, this.#stream);
    else if (!this.#opening) void this.#open();
    return () => {
      this.#remove(watch);
    };
  }

  close(): void {
    this.#watches.clear();
    this.#byId.clear();
    this.#drop();
  }

  async #open(): Promise<void> {
    this.#opening = true;
    const opened = await this.#connection.open(async (client, over) => {
      const stream = await client.watchClient.watch();
      if (over.is) abandon(stream);
      return stream;
    });
    this.#opening = false;
    if (!opened.ok) {
      this.#endAll('disconnected', opened.failure);
      return;
    }
    if (this.#watches.size === 0) {
      abandon(opened.value);
      return;
    }
    this.#listen(opened.value);
    for (const watch of this.#watches) this.#create(watch, opened.value);
  }

  #listen(stream: Stream): void {
    this.#stream = stream;
    const broken = (error: unknown): void => {
      if (this.#stream !== stream) return;
      this.#endAll('disconnected', problemOf(error).failure);
      this.#connection.suspect(error);
    };
    stream.on('data', (response) => {
      if (this.#stream === stream) this.#receive(response);
    });
    stream.on('error', broken);
    stream.on('end', () => {
      broken(new Error('the watch stream ended'));
    });
  }

  #create(watch: Watch, stream: Stream): void {
    const ranges =
      'prefix' in watch.scope
        ? [{ key: bytes(watch.scope.prefix), range_end: endOf(watch.scope.prefix) }]
        : watch.scope.keys.map((key) => ({ key: bytes(key) }));
    for (const range of ranges) {
      this.#lastId += 1;
      const id = this.#lastId;
      watch.ids.push(id);
      this.#byId.set(id, watch);
      this.#pending.add(id);
      stream.write({ create_request: { ...range, start_revision: watch.from, watch_id: id.toString() } });
    }
    this.#expectAnswer();
  }

  /** A server that accepts the stream and never confirms a watcher must not be waited for. */
  #expectAnswer(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    if (this.#pending.size === 0) return;
    const { clock, timeoutMs } = this.#connection;
    this.#stopTimer = clock.timer(timeoutMs, () => {
      this.#endAll('disconnected', failure('registry-timeout', 'a watch was not confirmed'));
    });
  }

  #receive(response: IWatchResponse): void {
    const id = Number(response.watch_id);
    if (this.#pending.delete(id)) this.#expectAnswer();
    const watch = this.#byId.get(id);
    if (response.canceled) {
      this.#cancelled(response, watch);
      return;
    }
    if (watch !== undefined && response.events.length > 0)
      watch.observer.events(response.events.map(eventOf));
  }

  #cancelled(response: IWatchResponse, watch: Watch | undefined): void {
    const compacted = response.compact_revision !== '0';
    const why = response.cancel_reason;
    const reason: WatchLoss = compacted ? 'compacted' : 'cancelled';
    const cause = compacted ? failure('registry-compacted') : this.#refusal(why, watch);
    if (/auth/.test(why)) this.#connection.suspect(new Error(why));
    if (watch !== undefined) this.#lose(watch, reason, cause);
    // Without an id nobody knows which one it was; with an unknown id it is one that we cancelled ourselves.
    else if (response.watch_id === '-1') this.#endAll(reason, cause);
  }

  #refusal(why: string, watch: Watch | undefined): Failure {
    if (!why.includes('permission denied')) return failure('registry-unreachable', why);
    if (watch === undefined) return failure('registry-denied', why);
    const { scope } = watch;
    return this.#connection.denied({ reads: 'prefix' in scope ? [scope.prefix] : scope.keys });
  }

  #lose(watch: Watch, reason: WatchLoss, cause: Failure): void {
    if (!this.#watches.has(watch)) return;
    this.#remove(watch);
    watch.observer.lost(reason, cause);
  }

  #remove(watch: Watch): void {
    this.#watches.delete(watch);
    for (const id of watch.ids) {
      this.#byId.delete(id);
      this.#pending.delete(id);
      this.#stream?.write({ cancel_request: { watch_id: id.toString() } });
    }
    watch.ids.length = 0;
    this.#expectAnswer();
    if (this.#watches.size === 0) this.#drop();
  }

  #endAll(reason: WatchLoss, cause: Failure): void {
    const watches = [...this.#watches];
    this.#watches.clear();
    this.#byId.clear();
    this.#drop();
    for (const watch of watches) {
      watch.ids.length = 0;
      watch.observer.lost(reason, cause);
    }
  }

  #drop(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#pending.clear();
    this.#expectAnswer();
    if (stream !== undefined) abandon(stream);
  }
}

/** Ended before it is cancelled: the library takes the error of a stream still writable for a failed host. */
function abandon(stream: Stream): void {
  stream.on('error', () => undefined);
  stream.end();
  stream.cancel();
}

function eventOf({ type, kv }: IEvent): WatchEvent {
  const entry = fromWire(kv);
  const { key, modRevision: revision } = entry;
  return type === 'Put' ? { type: 'put', key, revision, entry } : { type: 'delete', key, revision };
}
