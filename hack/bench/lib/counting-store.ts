import type { KeyValue, KvReader, KvStore, KvWriter, WatchEvent } from '../../../src/provider/kv/store.ts';

/** What one agent read of a store, in bytes of keys and values. */
export interface BytesRead {
  /** Heartbeats and cards: two keys of each agent, which everybody may look at. */
  heartbeats: number;
  rest: number;
}

/** The card is written with the heartbeat. */
const HEARTBEATS = ['/portolan/hosts/', '/portolan/cards/'];

/** A store that counts what it hands out; each agent has one of its own over the shared one. */
export class CountingStore implements KvStore {
  readonly read: BytesRead = { heartbeats: 0, rest: 0 };
  readonly reader: KvReader;
  readonly #inner: KvStore;

  constructor(inner: KvStore) {
    this.#inner = inner;
    const { reader } = inner;
    this.reader = {
      list: async (...args) => {
        const answer = await reader.list(...args);
        if (answer.ok) this.#count(answer.value.entries);
        return answer;
      },
      get: async (...args) => {
        const answer = await reader.get(...args);
        if (answer.ok) this.#count(answer.value.entries.values());
        return answer;
      },
      watch: (scope, from, observer) =>
        reader.watch(scope, from, {
          events: (batch) => {
            this.#count(batch.map(entryOf));
            observer.events(batch);
          },
          lost: (...args) => {
            observer.lost(...args);
          },
        }),
      close: () => reader.close(),
    };
  }

  writer(): KvWriter {
    const writer = this.#inner.writer();
    return {
      txn: async (...args) => {
        const answer = await writer.txn(...args);
        if (answer.ok) this.#count(answer.value.found.values());
        return answer;
      },
      leaseGrant: (...args) => writer.leaseGrant(...args),
      leaseKeepAlive: (...args) => writer.leaseKeepAlive(...args),
      leaseTimeToLive: (...args) => writer.leaseTimeToLive(...args),
      leaseRevoke: (...args) => writer.leaseRevoke(...args),
    };
  }

  /** What was read since the last time. */
  take(): BytesRead {
    const taken = { ...this.read };
    this.read.heartbeats = 0;
    this.read.rest = 0;
    return taken;
  }

  #count(entries: Iterable<Pick<KeyValue, 'key' | 'value'>>): void {
    for (const { key, value } of entries) {
      const bytes = Buffer.byteLength(key) + Buffer.byteLength(value);
      if (HEARTBEATS.some((prefix) => key.startsWith(prefix))) this.read.heartbeats += bytes;
      else this.read.rest += bytes;
    }
  }
}

function entryOf(event: WatchEvent): Pick<KeyValue, 'key' | 'value'> {
  return event.type === 'put' ? event.entry : { key: event.key, value: '' };
}
