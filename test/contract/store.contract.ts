import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Failure, Result } from '../../src/core/failure.ts';
import {
  type KvReader,
  type KvWriter,
  nextRevision,
  type Operation,
  type Transaction,
  type WatchEvent,
  type WatchScope,
} from '../../src/provider/kv/store.ts';
import { eventually } from '../kit/eventually.ts';
import type { Fixture } from './store-fixtures.ts';

const never = new AbortController().signal;
const put = (key: string, value: string, lease = '0'): Operation => ({ type: 'put', key, value, lease });
const remove = (key: string): Operation => ({ type: 'delete', key });

export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.failure.message);
  return result.value;
}

export async function codeOf(result: Promise<Result<unknown>>): Promise<string> {
  const answer = await result;
  return answer.ok ? 'ok' : answer.failure.code;
}

interface Recording {
  readonly events: WatchEvent[];
  readonly losses: { readonly reason: string; readonly failure: Failure }[];
  readonly cancel: () => void;
}

function record(reader: KvReader, scope: WatchScope, from: string): Recording {
  const events: WatchEvent[] = [];
  const losses: Recording['losses'] = [];
  const cancel = reader.watch(scope, from, {
    events: (batch) => events.push(...batch),
    lost: (reason, failure) => losses.push({ reason, failure }),
  });
  return { events, losses, cancel };
}

/** What any store must do for the provider; tried on the embedded one and on real servers alike. */
export function storeContract(start: () => Promise<Fixture>): void {
  let fixture: Fixture;
  let reader: KvReader;
  let writer: KvWriter;
  let count = 0;
  let at = '';

  beforeAll(async () => {
    fixture = await start();
    const store = fixture.open();
    reader = store.reader;
    writer = store.writer();
  });
  afterAll(async () => {
    await fixture.remove();
  });

  /** A prefix of its own for each test. */
  const prefix = (): string => {
    count += 1;
    at = `/contract-${count}/`;
    return at;
  };
  const txn = async (then: readonly Operation[], rest: Partial<Transaction> = {}) =>
    unwrap(await writer.txn({ compares: [], otherwise: [], ...rest, then }, never));

  describe('reads', () => {
    it('lists what is below a prefix and nothing beside it, in the order of keys', async () => {
      const here = prefix();
      await txn([put(`${here}b`, '2'), put(`${here}a`, '1'), put(`${here.slice(0, -1)}2/a`, 'beside')]);
      const { entries } = unwrap(await reader.list(here, never));
      expect(entries.map(({ key, value }) => [key, value])).toEqual([
        [`${here}a`, '1'],
        [`${here}b`, '2'],
      ]);
      expect(entries[0]).toMatchObject({ lease: '0' });
    });

    it('lists more than a page at one revision', async () => {
      const here = prefix();
      for (let batch = 0; batch < 20; batch += 1)
        await txn(Array.from({ length: 110 }, (_, n) => put(`${here}${batch}-${n}`, 'x'.repeat(200))));
      const listing = unwrap(await reader.list(here, never));
      expect(listing.entries).toHaveLength(2_200);
      await txn([remove(`${here}0-0`)]);
      const before = unwrap(await reader.list(here, never, listing.revision));
      expect(before.entries).toHaveLength(2_200);
      expect(before.revision).toBe(listing.revision);
    });

    it('gets many keys at one revision, and only those that exist', async () => {
      const here = prefix();
      const keys = Array.from({ length: 400 }, (_, n) => `${here}${n}`);
      for (let from = 0; from < 400; from += 100)
        await txn(keys.slice(from, from + 100).map((key) => put(key, 'old')));
      const old = unwrap(await reader.get([...keys, `${here}none`], never));
      expect(old.entries.size).toBe(400);
      await txn([put(`${here}0`, 'new'), remove(`${here}399`), put(`${here}none`, 'new')]);
      const past = unwrap(await reader.get([...keys, `${here}none`], never, old.revision));
      expect(past.entries.get(`${here}0`)?.value).toBe('old');
      expect(past.entries.has(`${here}399`)).toBe(true);
      expect(past.entries.has(`${here}none`)).toBe(false);
    });

    it('names the cluster and a revision that only writes move', async () => {
      const here = prefix();
      const first = unwrap(await reader.get([here], never));
      unwrap(await reader.list(here, never));
      const second = unwrap(await reader.get([here], never));
      expect(second).toMatchObject({ clusterId: first.clusterId, revision: first.revision });
      const written = await txn([put(`${here}a`, '1')]);
      expect(written.revision).toBe(nextRevision(first.revision));
      expect(written.clusterId).toBe(first.clusterId);
    });

    it('refuses revisions that are compacted or still to come', async () => {
      const here = prefix();
      const { revision } = await txn([put(`${here}a`, '1')]);
      const later = await txn([put(`${here}a`, '2')]);
      await fixture.compact(later.revision);
      expect(await codeOf(reader.get([`${here}a`], never, revision))).toBe('registry-compacted');
      expect(await codeOf(reader.list(here, never, revision))).toBe('registry-compacted');
      const future = (BigInt(later.revision) + 1_000n).toString();
      expect(await codeOf(reader.list(here, never, future))).toBe('registry-replaced');
    });

    it('answers a call whose signal has aborted', async () => {
      expect(await codeOf(reader.get(['/x'], AbortSignal.abort()))).toBe('registry-unreachable');
    });
  });

  describe('transactions', () => {
    it('does all or nothing, and reads instead when a compare fails', async () => {
      const here = prefix();
      const [a, b] = [`${here}a`, `${here}b`];
      const absent = { key: a, target: 'create', revision: '0' } as const;
      const created = await txn([put(a, '1'), put(b, '1')], { compares: [absent] });
      expect(created.succeeded).toBe(true);
      const refused = await txn([put(a, '2'), put(b, '2')], {
        compares: [absent],
        otherwise: [a, `${here}c`],
      });
      expect(refused.succeeded).toBe(false);
      expect(refused.revision).toBe(created.revision);
      expect([...refused.found.keys()]).toEqual([a]);
      expect(refused.found.get(a)).toEqual({
        ...{ key: a, value: '1', lease: '0' },
        ...{ createRevision: created.revision, modRevision: created.revision },
      });
      const updated = await txn([{ ...put(a, '3'), previous: true } as Operation], {
        compares: [{ key: a, target: 'mod', revision: created.revision }],
      });
      expect(updated.found.get(a)?.value).toBe('1');
      const { entries } = unwrap(await reader.get([a, b], never));
      expect(entries.get(a)).toMatchObject({
        ...{ value: '3', createRevision: created.revision, modRevision: updated.revision },
      });
      expect(entries.get(b)?.value).toBe('1');
    });

    it('creates anew after a delete', async () => {
      const key = `${prefix()}a`;
      const first = await txn([put(key, '1')]);
      await txn([remove(key)]);
      const second = await txn([put(key, '2')]);
      const { entries } = unwrap(await reader.get([key], never));
      expect(entries.get(key)?.createRevision).toBe(second.revision);
      expect(second.revision).not.toBe(first.revision);
    });

    it('takes 128 operations and refuses more', async () => {
      const here = prefix();
      const many = (n: number) => Array.from({ length: n }, (_, i) => put(`${here}${i}`, 'x'));
      expect(await codeOf(writer.txn({ compares: [], otherwise: [], then: many(128) }, never))).toBe('ok');
      expect(await codeOf(writer.txn({ compares: [], otherwise: [], then: many(129) }, never))).toBe(
        'too-many-operations',
      );
    });

    it('refuses a request that is too large', async () => {
      const then = [put(`${prefix()}a`, 'x'.repeat(1_600_000))];
      expect(await codeOf(writer.txn({ compares: [], otherwise: [], then }, never))).toBe('record-rejected');
    });
  });

  describe('watches', () => {
    it('tells every change of a prefix in order, from a revision in the past on', async () => {
      const here = prefix();
      const first = await txn([put(`${here}a`, '1')]);
      await txn([put(`${here}a`, '2'), put(`${at.slice(0, -1)}2/a`, 'beside')]);
      const watch = record(reader, { prefix: here }, first.revision);
      await eventually(() => watch.events.length === 2);
      const third = await txn([remove(`${here}a`)]);
      await eventually(() => watch.events.length === 3);
      expect(
        watch.events.map((event) => [event.type, event.type === 'put' ? event.entry.value : '']),
      ).toEqual([
        ['put', '1'],
        ['put', '2'],
        ['delete', ''],
      ]);
      expect(watch.events[0]).toMatchObject({ entry: { createRevision: first.revision } });
      expect(watch.events[2]).toMatchObject({ key: `${here}a`, revision: third.revision });
      watch.cancel();
      await txn([put(`${here}a`, '3')]);
      expect(watch.losses).toEqual([]);
    });

    it('tells only the keys asked for, many of them, and nothing after a cancel', async () => {
      const here = prefix();
      const keys = Array.from({ length: 200 }, (_, n) => `${here}${n}`);
      const { revision } = unwrap(await reader.get([], never));
      const watch = record(reader, { keys }, nextRevision(revision));
      const other = record(reader, { keys: [`${here}7`] }, nextRevision(revision));
      await txn([put(`${here}7`, 'x'), put(`${here}none`, 'x'), put(`${here}199`, 'x')]);
      await eventually(() => watch.events.length === 2 && other.events.length === 1);
      expect(watch.events.map(({ key }) => key).sort()).toEqual([`${here}199`, `${here}7`]);
      watch.cancel();
      await txn([put(`${here}7`, 'y')]);
      await eventually(() => other.events.length === 2);
      expect(watch.events).toHaveLength(2);
      other.cancel();
      expect([...watch.losses, ...other.losses]).toEqual([]);
    });

    it('loses a watch from a revision that is compacted', async () => {
      const here = prefix();
      const { revision } = await txn([put(`${here}a`, '1')]);
      await txn([put(`${here}a`, '2')]);
      const last = await txn([put(`${here}a`, '3')]);
      await fixture.compact(last.revision);
      const watch = record(reader, { prefix: here }, revision);
      await eventually(() => watch.losses.length > 0);
      expect(watch.losses).toMatchObject([{ reason: 'compacted', failure: { code: 'registry-compacted' } }]);
      expect(watch.events).toEqual([]);
    });
  });

  describe('leases', () => {
    it('deletes the keys of a lease that nobody keeps alive, in view of a watch', async () => {
      const here = prefix();
      const { id, ttlSeconds } = unwrap(await writer.leaseGrant(2, never));
      expect(ttlSeconds).toBe(2);
      const { revision } = await txn([put(`${here}a`, '1', id), put(`${here}b`, '1')]);
      const watch = record(reader, { prefix: here }, nextRevision(revision));
      const { entries } = unwrap(await reader.get([`${here}a`], never));
      expect(entries.get(`${here}a`)?.lease).toBe(id);
      await eventually(() => watch.events.length === 1, { deadlineMs: 15_000 });
      expect(watch.events[0]).toMatchObject({ type: 'delete', key: `${here}a` });
      watch.cancel();
      expect(unwrap(await writer.leaseKeepAlive(id, never))).toBe(0);
      expect(unwrap(await writer.leaseTimeToLive(id, never))).toMatchObject({ remaining: 0 });
    });

    it('keeps a lease alive that another connection granted, and tells its time', async () => {
      const { id } = unwrap(await writer.leaseGrant(60, never));
      const second = fixture.open();
      expect(unwrap(await second.writer().leaseKeepAlive(id, never))).toBe(60);
      const time = unwrap(await second.writer().leaseTimeToLive(id, never));
      expect(time.granted).toBe(60);
      expect(time.remaining).toBeGreaterThan(57);
      await second.reader.close();
      unwrap(await writer.leaseRevoke(id, never));
    });

    it('moves a key from one lease to another, and frees it by a put without one', async () => {
      const here = prefix();
      const first = unwrap(await writer.leaseGrant(60, never)).id;
      const second = unwrap(await writer.leaseGrant(60, never)).id;
      await txn([put(`${here}a`, '1', first), put(`${here}b`, '1', first), put(`${here}c`, '1', first)]);
      await txn([put(`${here}a`, '1', second), put(`${here}b`, '1')]);
      unwrap(await writer.leaseRevoke(first, never));
      const { entries } = unwrap(await reader.list(here, never));
      expect(entries.map(({ key, lease }) => [key, lease])).toEqual([
        [`${here}a`, second],
        [`${here}b`, '0'],
      ]);
      unwrap(await writer.leaseRevoke(second, never));
      unwrap(await writer.leaseRevoke(second, never));
      expect(unwrap(await reader.list(here, never)).entries).toHaveLength(1);
    });

    it('refuses a put under a lease that does not exist', async () => {
      const then = [put(`${prefix()}a`, '1', '12345')];
      expect(await codeOf(writer.txn({ compares: [], otherwise: [], then }, never))).toBe('lease-lost');
    });
  });
}
