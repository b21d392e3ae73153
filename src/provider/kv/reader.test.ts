import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import { FlakyStore } from '../../../test/kit/flaky-store.ts';
import { failure } from '../../core/failure.ts';
import type { Observation } from '../../core/ports.ts';
import { MemoryStore } from '../memory/store.ts';
import { createKvProvider } from './provider.ts';
import type { KvReader, KvWriter } from './store.ts';

const never = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };

function bench(wanted: readonly string[] = ['/s/a']) {
  const clock = new VirtualClock();
  const memory = new MemoryStore({ clock });
  const store = new FlakyStore(memory);
  const { reader, writer } = createKvProvider({
    ...{ target: 't', store: store.reader, owner: 'o', prefixes: ['/s/'], clock, log, random: () => 0.5 },
  });
  const observations: Observation[] = [];
  reader.observations.subscribe((observation) => observations.push(observation));
  const stop = new AbortController();
  const run = () => reader.run(() => wanted, stop.signal);
  const types = () => observations.map(({ type }) => type);
  const put = async (key: string, value: string) => {
    const then = [{ type: 'put', key, value, lease: '0' }] as const;
    await memory.writer().txn({ compares: [], then, otherwise: [] }, never);
  };
  return { clock, memory, store, reader, writer, observations, types, stop, run, put };
}

describe('the reader', () => {
  it('exists without a writer', () => {
    expect(bench().writer).toBeUndefined();
  });

  it('says unknown once per failure, tries at least every two seconds, and lists as soon as it can', async () => {
    const { clock, store, types, observations, run } = bench();
    store.failing = () => failure('registry-unreachable');
    void run();
    await clock.advance(60_000);
    expect(types()).toEqual(['unknown']);
    expect(store.count('list')).toBeGreaterThanOrEqual(30);
    store.failing = () => failure('registry-timeout');
    await clock.advance(4_000);
    expect(types()).toEqual(['unknown', 'unknown']);
    store.failing = () => undefined;
    await clock.advance(2_000);
    expect(observations.at(-1)).toMatchObject({ type: 'listed', replaced: false });
  });

  it('notices by its probe that a quiet registry is gone, and that it is back', async () => {
    const { clock, store, types, run } = bench();
    void run();
    await clock.advance(0);
    store.failing = () => failure('registry-timeout');
    await clock.advance(5_000);
    expect(types()).toEqual(['listed', 'unknown']);
    store.failing = () => undefined;
    await clock.advance(2_000);
    expect(types()).toEqual(['listed', 'unknown', 'listed']);
  });

  it('lists again after a broken watch, and misses nothing', async () => {
    const { clock, memory, observations, run, put } = bench();
    void run();
    await clock.advance(0);
    memory.disconnect();
    await put('/s/a', 'meanwhile');
    await clock.advance(200);
    const last = observations.at(-1);
    expect(last?.type === 'listed' && last.records.get('/s/a')?.record?.value).toBe('meanwhile');
  });

  it('a quiet registry is only probed', async () => {
    const { clock, store, run, types } = bench();
    void run();
    await clock.advance(0);
    store.calls.length = 0;
    await clock.advance(60_000);
    expect(store.calls).toEqual(Array.from({ length: 12 }, () => 'get'));
    expect(types()).toEqual(['listed']);
  });

  it('reads keys told one by one in one go, and those told before the first list with it', async () => {
    const { clock, store, reader, run, observations } = bench();
    reader.track(['/s/early']);
    void run();
    await clock.advance(0);
    expect(observations.at(-1)).toMatchObject({ type: 'changed', changes: [{ key: '/s/early' }] });
    store.calls.length = 0;
    for (let n = 0; n < 50; n += 1) reader.track([`/s/${n}`]);
    await clock.advance(0);
    expect(store.calls).toEqual(['get']);
  });

  it('ends when its signal aborts, with no timer left', async () => {
    const { clock, stop, run } = bench();
    const running = run();
    await clock.advance(0);
    stop.abort();
    await running;
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not run in circles when every watch is refused, and still sees by its lists', async () => {
    const { clock, store, put } = bench();
    const refusing: KvReader = {
      ...store.reader,
      watch: (_, __, observer) => {
        queueMicrotask(() => {
          observer.lost('cancelled', failure('registry-denied'));
        });
        return () => undefined;
      },
    };
    const identity = { instance: 'one', name: 'host', addresses: [], version: '1', since: 0 };
    const { reader, writer } = createKvProvider({
      ...{ target: 't', store: refusing, owner: 'o', prefixes: ['/s/'], clock, log, random: () => 0.5 },
      writing: { writer: store.writer(), identity },
    });
    const values: unknown[] = [];
    reader.observations.subscribe((observation) => {
      if (observation.type === 'listed') values.push(observation.records.get('/s/a')?.record?.value);
    });
    void reader.run(() => ['/s/a'], never);
    void writer?.keepSession(never);
    await clock.advance(30_000);
    await put('/s/a', 'now');
    await clock.advance(2_000);
    expect(values.at(-1)).toBe('now');
    expect(store.count('list')).toBeLessThan(40);
    expect(store.count('get')).toBeLessThan(120);
  });

  it('notices a registry that was replaced behind silent watches, and has the session taken anew', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock, clusterId: '1' }), new MemoryStore({ clock, clusterId: '2' })];
    const [old, fresh] = stores as [MemoryStore, MemoryStore];
    let current = old;
    const store: KvReader = {
      list: (...args) => current.reader.list(...args),
      get: (...args) => current.reader.get(...args),
      watch: (...args) => old.reader.watch(...args),
      close: () => Promise.resolve(),
    };
    const writer: KvWriter = {
      ...old.writer(),
      txn: (...args) => current.writer().txn(...args),
      leaseGrant: (...args) => current.writer().leaseGrant(...args),
      leaseTimeToLive: (...args) => current.writer().leaseTimeToLive(...args),
    };
    const identity = { instance: 'one', name: 'host', addresses: [], version: '1', since: 0 };
    const provider = createKvProvider({
      ...{ target: 't', store, owner: 'o', prefixes: ['/s/'], clock, log, random: () => 0.5 },
      writing: { writer, identity, ttlSeconds: 600 },
    });
    const lists: boolean[] = [];
    provider.reader.observations.subscribe((observation) => {
      if (observation.type === 'listed') lists.push(observation.replaced);
    });
    void provider.reader.run(() => [], never);
    void provider.writer?.keepSession(never);
    await clock.advance(0);
    current = fresh;
    await clock.advance(6_000);
    expect(lists).toEqual([false, true]);
    const heartbeat = await fresh.reader.get(['/portolan/hosts/o'], never);
    expect(heartbeat.ok && heartbeat.value.entries.size).toBe(1);
  });
});
