import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import type { Operation, WatchEvent } from '../kv/store.ts';
import { MemoryStore } from './store.ts';

const never = new AbortController().signal;

function bench(history?: number) {
  const clock = new VirtualClock();
  const store = new MemoryStore({ clock, ...(history === undefined ? {} : { history }) });
  const writer = store.writer();
  const put = async (key: string, value: string, lease = '0') => {
    const then: Operation[] = [{ type: 'put', key, value, lease }];
    const result = await writer.txn({ compares: [], then, otherwise: [] }, never);
    if (!result.ok) throw new Error(result.failure.message);
    return result.value.revision;
  };
  return { clock, store, writer, put };
}

describe('the embedded store', () => {
  it('keeps a bounded history and says so to whoever asks for more', async () => {
    const { store, put } = bench(10);
    const first = await put('/a', '0');
    for (let n = 1; n <= 100; n += 1) await put('/a', n.toString());
    expect(await store.reader.get(['/a'], never, first)).toMatchObject({
      ok: false,
      failure: { code: 'registry-compacted' },
    });
    const losses: string[] = [];
    store.reader.watch({ prefix: '/' }, first, { events: () => {}, lost: (reason) => losses.push(reason) });
    await Promise.resolve();
    expect(losses).toEqual(['compacted']);
  });

  it('reads the past as it was, deletes included', async () => {
    const { store, writer, put } = bench();
    const before = await put('/a', '1');
    await put('/a', '2');
    await writer.txn({ compares: [], then: [{ type: 'delete', key: '/a' }], otherwise: [] }, never);
    await put('/b', '1');
    const past = await store.reader.list('/', never, before);
    expect(past).toMatchObject({
      ok: true,
      value: { revision: before, entries: [{ key: '/a', value: '1' }] },
    });
  });

  it('expires leases by the clock and not before', async () => {
    const { clock, store, writer, put } = bench();
    const granted = await writer.leaseGrant(10, never);
    const id = granted.ok ? granted.value.id : '';
    await put('/a', '1', id);
    const events: WatchEvent[] = [];
    store.reader.watch({ keys: ['/a'] }, '3', { events: (batch) => events.push(...batch), lost: () => {} });
    await clock.advance(9_000);
    await writer.leaseKeepAlive(id, never);
    await clock.advance(9_000);
    expect(events).toEqual([]);
    await clock.advance(1_000);
    expect(events).toMatchObject([{ type: 'delete', key: '/a' }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('passes no revision for a delete of nothing', async () => {
    const { store, writer, put } = bench();
    const at = await put('/a', '1');
    await writer.txn({ compares: [], then: [{ type: 'delete', key: '/none' }], otherwise: [] }, never);
    expect(await store.reader.get([], never)).toMatchObject({ value: { revision: at } });
  });

  it('never delivers within the call that caused it, and in order', async () => {
    const { store, put } = bench();
    const seen: string[] = [];
    store.reader.watch({ prefix: '/' }, '1', {
      events: (batch) => seen.push(...batch.map(({ revision }) => revision)),
      lost: () => {},
    });
    const puts = [put('/a', '1'), put('/b', '1'), put('/a', '2')];
    expect(seen).toEqual([]);
    const revisions = await Promise.all(puts);
    await Promise.resolve();
    expect(seen).toEqual(revisions);
  });

  it('ends its watches and refuses calls after close', async () => {
    const { clock, store, writer } = bench();
    await writer.leaseGrant(10, never);
    const losses: string[] = [];
    store.reader.watch({ prefix: '/' }, '1', { events: () => {}, lost: (reason) => losses.push(reason) });
    await store.reader.close();
    await Promise.resolve();
    expect(losses).toEqual(['disconnected']);
    expect(await store.reader.get(['/a'], never)).toMatchObject({ ok: false });
    expect(clock.pendingTimers).toBe(0);
  });
});
