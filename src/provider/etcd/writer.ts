import type { Etcd3, ICompare, IKeyValue, IRequestOp, ITxnResponse } from 'etcd3';
import { ok, type Result } from '../../core/failure.ts';
import type {
  Compare,
  KeyValue,
  KvWriter,
  Lease,
  LeaseTime,
  Operation,
  Transaction,
  TransactionResult,
} from '../kv/store.ts';
import type { EtcdConnection, Over } from './connection.ts';
import { bytes, fromWire, headOf, oneKey } from './wire.ts';

export class EtcdWriter implements KvWriter {
  readonly #connection: EtcdConnection;

  constructor(connection: EtcdConnection) {
    this.#connection = connection;
  }

  async txn(transaction: Transaction, signal: AbortSignal): Promise<Result<TransactionResult>> {
    const request = {
      compare: transaction.compares.map(compareOf),
      success: transaction.then.map(operationOf),
      failure: transaction.otherwise.map((key) => ({ request_range: oneKey(key) })),
    };
    const answer = await this.#connection.call(
      'write',
      signal,
      (client) => client.kv.txn(request),
      () => ({
        reads: [...transaction.compares.map(({ key }) => key), ...transaction.otherwise],
        writes: transaction.then.map(({ key }) => key),
      }),
    );
    if (!answer.ok) return answer;
    const { header, succeeded } = answer.value;
    return ok({ ...headOf(header), succeeded, found: foundIn(answer.value) });
  }

  async leaseGrant(ttlSeconds: number, signal: AbortSignal): Promise<Result<Lease>> {
    const answer = await this.#connection.call('write', signal, (client) =>
      client.leaseClient.leaseGrant({ TTL: ttlSeconds }),
    );
    return answer.ok ? ok({ id: answer.value.ID, ttlSeconds: Number(answer.value.TTL) }) : answer;
  }

  async leaseKeepAlive(id: string, signal: AbortSignal): Promise<Result<number>> {
    return await this.#connection.call('read', signal, (client, over) => keepAlive(client, id, over));
  }

  async leaseTimeToLive(id: string, signal: AbortSignal): Promise<Result<LeaseTime>> {
    const answer = await this.#connection.call('read', signal, (client) =>
      client.leaseClient.leaseTimeToLive({ ID: id }),
    );
    if (!answer.ok) return answer;
    // -1 for a lease that does not exist.
    const remaining = Math.max(0, Number(answer.value.TTL));
    return ok({ remaining, granted: Number(answer.value.grantedTTL) });
  }

  async leaseRevoke(id: string, signal: AbortSignal): Promise<Result<void>> {
    const answer = await this.#connection.call('read', signal, (client) =>
      client.leaseClient.leaseRevoke({ ID: id }),
    );
    return answer.ok || answer.failure.code === 'lease-lost' ? ok(undefined) : answer;
  }
}

/** A stream for one question: the library's own `Lease` always grants and cannot take a lease up. */
async function keepAlive(client: Etcd3, id: string, over: Over): Promise<number> {
  const stream = await client.leaseClient.leaseKeepAlive();
  try {
    return await new Promise((resolve, reject) => {
      stream.on('data', ({ TTL }) => {
        resolve(Number(TTL));
      });
      stream.on('error', reject);
      const ended = (): void => {
        reject(new Error('the keep-alive stream ended'));
      };
      stream.on('end', ended);
      over.onCome(ended);
      stream.write({ ID: id });
    });
  } finally {
    // Ended before it is cancelled: the library takes the error of a stream still writable for a failed host.
    stream.end();
    stream.cancel();
  }
}

/** What is really on the wire: the library's types know neither the absent members of a union nor an absent value. */
interface OneResponse {
  readonly response_put?: { readonly prev_kv: IKeyValue | null };
  readonly response_range?: { readonly kvs: readonly IKeyValue[] };
}

function compareOf({ key, target, revision }: Compare): ICompare {
  const common = { key: bytes(key), result: 'Equal' } as const;
  return target === 'create'
    ? { ...common, target: 'Create', create_revision: revision }
    : { ...common, target: 'Mod', mod_revision: revision };
}

function operationOf(operation: Operation): IRequestOp {
  const key = bytes(operation.key);
  if (operation.type === 'delete') return { request_delete_range: { key } };
  const { value, lease, previous } = operation;
  return { request_put: { key, value: bytes(value), lease, prev_kv: previous === true } };
}

function foundIn({ responses, succeeded }: ITxnResponse): ReadonlyMap<string, KeyValue> {
  const found = new Map<string, KeyValue>();
  for (const response of responses) {
    const { response_put: put, response_range: range } = response as OneResponse;
    for (const kv of succeeded ? [put?.prev_kv] : (range?.kvs ?? [])) {
      if (kv === undefined || kv === null) continue;
      const entry = fromWire(kv);
      found.set(entry.key, entry);
    }
  }
  return found;
}
