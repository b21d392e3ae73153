import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/** A key as etcd holds it; revisions and leases are decimal. */
export interface StoredKey {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly lease: string;
}

/** Something that happened to a key. `before`: what stood there until then; undefined: nothing did. */
export interface KeyChange {
  readonly type: 'PUT' | 'DELETE';
  readonly key: string;
  readonly value: string;
  readonly before: string | undefined;
  readonly revision: number;
}

const number = z.string().transform(Number);
const header = z.object({ revision: number });
const rangeSchema = z.object({
  header,
  kvs: z
    .array(
      z.object({
        key: z.string(),
        value: z.string().default(''),
        create_revision: number,
        mod_revision: number,
        lease: z.string().default('0'),
      }),
    )
    .default([]),
});
const watchSchema = z.object({
  result: z.object({
    canceled: z.boolean().default(false),
    compact_revision: z.string().default('0'),
    events: z
      .array(
        z.object({
          type: z.enum(['PUT', 'DELETE']).default('PUT'),
          kv: z.object({ key: z.string(), mod_revision: number, value: z.string().default('') }),
          prev_kv: z.object({ value: z.string().default('') }).optional(),
        }),
      )
      .default([]),
  }),
});
const headerSchema = z.object({ header });
const leaseSchema = z.object({ ID: z.string() });

const encode = (text: string): string => Buffer.from(text).toString('base64');
const decode = (text: string): string => Buffer.from(text, 'base64').toString();

/** The first key after all that begin with `prefix`; a single NUL byte stands for the end of the keyspace. */
const endOf = (prefix: string): string => {
  const bytes = Buffer.from(prefix);
  const last = bytes.length - 1;
  if (last < 0) return '\0';
  bytes[last] = (bytes[last] ?? 0) + 1;
  return bytes.toString();
};

const readChanges = (line: string): readonly KeyChange[] => {
  const { canceled, compact_revision, events } = watchSchema.parse(JSON.parse(line)).result;
  if (canceled) throw new Error(`the history cannot be read; compacted at ${compact_revision}`);
  return events.map(({ type, kv, prev_kv }) => ({
    type,
    key: decode(kv.key),
    value: decode(kv.value),
    before: prev_kv === undefined ? undefined : decode(prev_kv.value),
    revision: kv.mod_revision,
  }));
};

/** What a stranger sees of an etcd, and does to it: over its JSON gateway, so no connection outlives a fault. */
export class RegistryView {
  readonly #url: string;

  constructor({ endpoint }: { readonly endpoint: string }) {
    this.#url = endpoint;
  }

  /** Everything below a prefix, by key; now, or as it was at a revision. */
  async list(prefix = '', revision?: number): Promise<ReadonlyMap<string, StoredKey>> {
    const key = prefix === '' ? '\0' : prefix;
    const range = { key: encode(key), range_end: encode(endOf(prefix)) };
    // All in one answer: whoever compares it with what was read in pages must not have read in pages.
    const { kvs } = await this.#range(revision === undefined ? range : { ...range, revision });
    return new Map(kvs.map((kv) => [kv.key, kv]));
  }

  async get(key: string): Promise<StoredKey | undefined> {
    return (await this.#range({ key: encode(key) })).kvs[0];
  }

  /** It moves with every write and with nothing else. */
  async revision(): Promise<number> {
    return (await this.#range({ key: encode('/none') })).revision;
  }

  /** Returns the revision of the write. */
  async put(key: string, value: string, lease = '0'): Promise<number> {
    const answer = await this.#post('kv/put', { key: encode(key), value: encode(value), lease });
    return headerSchema.parse(answer).header.revision;
  }

  /** Puts many keys, in transactions that etcd takes by default. */
  async putAll(entries: Iterable<readonly [key: string, value: string]>): Promise<void> {
    const all = [...entries];
    while (all.length > 0) {
      const success = all.splice(0, 128).map(([key, value]) => ({
        request_put: { key: encode(key), value: encode(value) },
      }));
      await this.#post('kv/txn', { success });
    }
  }

  /** Moves a key in one transaction: at no revision are there both or none. */
  async move(from: string, to: string, value: string): Promise<void> {
    const put = { request_put: { key: encode(to), value: encode(value) } };
    await this.#post('kv/txn', { success: [{ request_delete_range: { key: encode(from) } }, put] });
  }

  async remove(key: string): Promise<void> {
    await this.#post('kv/deleterange', { key: encode(key) });
  }

  /** As `etcdctl del --prefix`; `''` is everything. */
  async removeBelow(prefix: string): Promise<void> {
    const key = prefix === '' ? '\0' : prefix;
    await this.#post('kv/deleterange', { key: encode(key), range_end: encode(endOf(prefix)) });
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    return leaseSchema.parse(await this.#post('lease/grant', { TTL: ttlSeconds })).ID;
  }

  /** Ends a lease, and with it all keys under it. */
  async revokeLease(id: string): Promise<void> {
    await this.#post('lease/revoke', { ID: id });
  }

  /** Forgets all revisions but the present one. */
  async compact(): Promise<void> {
    await this.#post('kv/compaction', { revision: await this.revision(), physical: true });
  }

  /** Every deletion after a revision, in the order in which etcd made them known. */
  async removalsSince(revision: number): Promise<readonly KeyChange[]> {
    return (await this.changesSince(revision)).filter(({ type }) => type === 'DELETE');
  }

  /**
   * Everything that happened after a revision, in etcd's order, with what stood there before. It comes out of etcd's own
   * memory, so nothing is missed while etcd is away; what has been compacted is lost, and that is an error.
   */
  async changesSince(revision: number): Promise<readonly KeyChange[]> {
    const found: KeyChange[] = [];
    const end = await this.revision();
    if (end <= revision) return found;
    const everything = { key: encode('\0'), range_end: encode('\0'), prev_kv: true };
    const create = { ...everything, start_revision: revision + 1 };
    const answer = await this.#send('watch', { create_request: create }, AbortSignal.timeout(10_000));
    let rest = '';
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) found.push(...readChanges(line));
      if ((found.at(-1)?.revision ?? 0) >= end) break;
    }
    return found;
  }

  /** The revision once it has not moved for `quietMs`: nobody writes any more. */
  async settledRevision(quietMs: number, deadlineMs = 15_000): Promise<number> {
    const deadline = performance.now() + deadlineMs;
    for (let last = await this.revision(); ; ) {
      await sleep(quietMs);
      const now = await this.revision();
      if (now === last) return now;
      if (performance.now() > deadline) throw new Error(`the revision goes on moving: ${last}, then ${now}`);
      last = now;
    }
  }

  async #range(request: object): Promise<{ readonly revision: number; readonly kvs: readonly StoredKey[] }> {
    const answer = rangeSchema.parse(await this.#post('kv/range', request));
    const kvs = answer.kvs.map(({ key, value, create_revision, mod_revision, lease }) => ({
      key: decode(key),
      value: decode(value),
      createRevision: create_revision,
      modRevision: mod_revision,
      lease,
    }));
    return { revision: answer.header.revision, kvs };
  }

  async #post(path: string, body: object): Promise<unknown> {
    return await (await this.#send(path, body, AbortSignal.timeout(5_000))).json();
  }

  async #send(path: string, body: object, signal: AbortSignal): Promise<Response> {
    const answer = await fetch(`${this.#url}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { connection: 'close' },
      signal,
    });
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
