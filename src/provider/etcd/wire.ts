import type { IKeyValue, IRangeRequest, IResponseHeader } from 'etcd3';
import type { Head, KeyValue } from '../kv/store.ts';

/** Between our words and those of etcd's protocol. */

export function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

/** The first key after everything that starts with the prefix. Prefixes are text, so their last byte is never 0xff. */
export function endOf(prefix: string): Buffer {
  const end = bytes(prefix);
  const last = end.length - 1;
  end[last] = (end[last] ?? 0) + 1;
  return end;
}

/** The smallest key after this one. */
export function after(key: string): Buffer {
  return bytes(`${key}\0`);
}

export function fromWire(kv: IKeyValue): KeyValue {
  return {
    key: kv.key.toString('utf8'),
    value: kv.value.toString('utf8'),
    createRevision: kv.create_revision,
    modRevision: kv.mod_revision,
    lease: kv.lease,
  };
}

export function headOf(header: IResponseHeader): Head {
  return { clusterId: header.cluster_id, revision: header.revision };
}

export function oneKey(key: string, at?: string): IRangeRequest {
  return { key: bytes(key), ...(at === undefined ? {} : { revision: at }) };
}
