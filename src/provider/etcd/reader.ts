import type { IRangeResponse, ITxnResponse } from 'etcd3';
import { ok, type Result } from '../../core/failure.ts';
import type { Revision } from '../../core/record.ts';
import {
  type KeyValue,
  type KvReader,
  type Listing,
  type Lookup,
  MAX_TXN_OPERATIONS,
  type WatchObserver,
  type WatchScope,
} from '../kv/store.ts';
import type { EtcdConnection } from './connection.ts';
import { WatchStream } from './watch-stream.ts';
import { after, bytes, endOf, fromWire, headOf, oneKey } from './wire.ts';

const PAGE = '1000';
const IN_FLIGHT = 4;

export class EtcdReader implements KvReader {
  readonly #connection: EtcdConnection;
  readonly #watches: WatchStream;

  constructor(connection: EtcdConnection) {
    this.#connection = connection;
    this.#watches = new WatchStream(connection);
  }

  async list(prefix: string, signal: AbortSignal, at?: Revision): Promise<Result<Listing>> {
    const entries: KeyValue[] = [];
    const end = endOf(prefix);
    let revision = at;
    for (let start = bytes(prefix); ; ) {
      const page = await this.#page(start, end, revision, signal);
      if (!page.ok) return page;
      const { kvs, more } = page.value;
      const head = headOf(page.value.header);
      revision ??= head.revision;
      for (const kv of kvs) entries.push(fromWire(kv));
      const last = entries.at(-1);
      if (!more || last === undefined) return ok({ clusterId: head.clusterId, revision, entries });
      start = after(last.key);
    }
  }

  async get(keys: readonly string[], signal: AbortSignal, at?: Revision): Promise<Result<Lookup>> {
    const entries = new Map<string, KeyValue>();
    const first = await this.#chunk(keys.slice(0, MAX_TXN_OPERATIONS), signal, at);
    if (!first.ok) return first;
    const head = headOf(first.value.header);
    const revision = at ?? head.revision;
    gather(entries, first.value);
    const rest: (readonly string[])[] = [];
    for (let from = MAX_TXN_OPERATIONS; from < keys.length; from += MAX_TXN_OPERATIONS)
      rest.push(keys.slice(from, from + MAX_TXN_OPERATIONS));
    while (rest.length > 0) {
      const together = rest.splice(0, IN_FLIGHT).map((chunk) => this.#chunk(chunk, signal, revision));
      for (const answer of await Promise.all(together)) {
        if (!answer.ok) return answer;
        gather(entries, answer.value);
      }
    }
    return ok({ clusterId: head.clusterId, revision, entries });
  }

  watch(scope: WatchScope, from: Revision, observer: WatchObserver): () => void {
    return this.#watches.add(scope, from, observer);
  }

  close(): Promise<void> {
    this.#watches.close();
    this.#connection.close();
    return Promise.resolve();
  }

  async #page(
    key: Buffer,
    end: Buffer,
    at: Revision | undefined,
    signal: AbortSignal,
  ): Promise<Result<IRangeResponse>> {
    const revision = at === undefined ? {} : { revision: at };
    const request = { key, range_end: end, limit: PAGE, ...revision };
    return await this.#connection.call(
      'read',
      signal,
      (client) => client.kv.range(request),
      () => ({ reads: [key.toString('utf8')] }),
    );
  }

  async #chunk(
    keys: readonly string[],
    signal: AbortSignal,
    at: Revision | undefined,
  ): Promise<Result<ITxnResponse>> {
    const success = keys.map((key) => ({ request_range: oneKey(key, at) }));
    return await this.#connection.call(
      'read',
      signal,
      (client) => client.kv.txn({ success }),
      () => ({ reads: keys }),
    );
  }
}

function gather(entries: Map<string, KeyValue>, answer: ITxnResponse): void {
  for (const { response_range: range } of answer.responses)
    for (const kv of range.kvs) {
      const entry = fromWire(kv);
      entries.set(entry.key, entry);
    }
}
