import type { Failure, Result } from '../../src/core/failure.ts';
import type { KvReader, KvStore, KvWriter, Transaction } from '../../src/provider/kv/store.ts';

type Call = 'list' | 'get' | 'txn' | 'leaseGrant' | 'leaseKeepAlive' | 'leaseTimeToLive' | 'leaseRevoke';

/** A store whose calls are counted and fail on demand. */
export class FlakyStore implements KvStore {
  readonly calls: Call[] = [];
  readonly transactions: Transaction[] = [];
  /** Says for each call whether, and with what, it fails. */
  failing: (call: Call, transaction?: Transaction) => Failure | undefined = () => undefined;
  readonly #inner: KvStore;
  readonly reader: KvReader;

  constructor(inner: KvStore) {
    this.#inner = inner;
    const { reader } = inner;
    this.reader = {
      list: (...args) => this.#call('list', () => reader.list(...args)),
      get: (...args) => this.#call('get', () => reader.get(...args)),
      watch: (...args) => reader.watch(...args),
      close: () => reader.close(),
    };
  }

  writer(): KvWriter {
    const writer = this.#inner.writer();
    return {
      txn: (transaction, signal) => this.#call('txn', () => writer.txn(transaction, signal), transaction),
      leaseGrant: (...args) => this.#call('leaseGrant', () => writer.leaseGrant(...args)),
      leaseKeepAlive: (...args) => this.#call('leaseKeepAlive', () => writer.leaseKeepAlive(...args)),
      leaseTimeToLive: (...args) => this.#call('leaseTimeToLive', () => writer.leaseTimeToLive(...args)),
      leaseRevoke: (...args) => this.#call('leaseRevoke', () => writer.leaseRevoke(...args)),
    };
  }

  count(call: Call): number {
    return this.calls.filter((name) => name === call).length;
  }

  async #call<T>(name: Call, run: () => Promise<Result<T>>, transaction?: Transaction): Promise<Result<T>> {
    this.calls.push(name);
    if (transaction !== undefined) this.transactions.push(transaction);
    const failure = this.failing(name, transaction);
    return failure === undefined ? await run() : { ok: false, failure };
  }
}
