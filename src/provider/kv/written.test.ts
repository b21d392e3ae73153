import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import { FlakyStore } from '../../../test/kit/flaky-store.ts';
import { failure } from '../../core/failure.ts';
import type { Change } from '../../core/plan.ts';
import type { Observation, PartialObservation } from '../../core/ports.ts';
import { MemoryStore } from '../memory/store.ts';
import { createKvProvider } from './provider.ts';
import type { KvReader, WatchScope } from './store.ts';

const never = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };
const identity = { instance: 'one', name: 'host', addresses: [], version: '1', since: 0 };
const cause = { code: 'started', at: 0, explained: true } as const;

const create = (key: string): Change => ({
  ...{ action: 'create', key, value: 'v', group: key, leased: false, entryRevision: undefined, cause },
});

/** A provider that holds its session and has read everything; calls and watches count from here on. */
async function holding() {
  const clock = new VirtualClock();
  const memory = new MemoryStore({ clock });
  const store = new FlakyStore(memory);
  const watched: WatchScope[] = [];
  const reader: KvReader = {
    ...store.reader,
    watch: (scope, ...rest) => {
      watched.push(scope);
      return store.reader.watch(scope, ...rest);
    },
  };
  const provider = createKvProvider({
    ...{ target: 't', store: reader, owner: 'o', prefixes: ['/s/'], clock, log, random: () => 0.5 },
    writing: { writer: store.writer(), identity, ttlSeconds: 600 },
  });
  const observations: Observation[] = [];
  provider.reader.observations.subscribe((observation) => observations.push(observation));
  void provider.reader.run(() => [], never);
  void provider.writer?.keepSession(never);
  await clock.advance(0);
  store.calls.length = 0;
  watched.length = 0;
  const write = async (...changes: readonly Change[]) => {
    const results = (await provider.writer?.apply(changes, never)) ?? [];
    await clock.advance(0);
    return results;
  };
  /** What was told of a key's record since then, the newest last. */
  const told = (key: string): PartialObservation[] =>
    observations
      .flatMap((seen) => (seen.type === 'changed' ? seen.changes : []))
      .filter((part) => part.key === key && part.record !== undefined);
  const outside = async (key: string, value: string | undefined) => {
    const step =
      value === undefined
        ? { type: 'delete' as const, key }
        : { type: 'put' as const, key, value, lease: '0' };
    await memory.writer().txn({ compares: [], then: [step], otherwise: [] }, never);
  };
  return { clock, store, watched, write, told, outside };
}

describe('a key that is written for the first time', () => {
  it('is not read, and is watched a little later from its own revision on', async () => {
    const { clock, store, watched, write, told, outside } = await holding();
    await write(create('/s/a'), create('/s/b'));
    expect(store.calls).toEqual(['txn']);
    expect(watched).toEqual([]);
    await outside('/s/a', 'damaged before anybody watched');
    await clock.advance(500);
    expect(store.calls).toEqual(['txn']);
    expect(watched).toEqual([{ keys: ['/s/a', '/s/b'] }]);
    expect(told('/s/a').at(-1)?.record?.value).toBe('damaged before anybody watched');
    await outside('/s/b', undefined);
    await clock.advance(0);
    expect(told('/s/b').at(-1)?.record).toBeNull();
  });

  it('is never watched when it is gone again by then', async () => {
    const { clock, store, watched, write } = await holding();
    const [created] = await write(create('/s/a'));
    const revision = created?.outcome.type === 'settled' ? (created.outcome.revision ?? '') : '';
    const gone: Change = {
      ...{ action: 'delete', key: '/s/a', before: 'v', group: '/s/a', cause },
      ...{ expected: revision, entryRevision: revision },
    };
    await write(gone);
    await clock.advance(500);
    expect(store.calls).toEqual(['txn', 'txn']);
    expect(watched).toEqual([]);
  });

  it('is watched when somebody else had it, for nothing else tells when it goes', async () => {
    const { clock, store, write, told, outside } = await holding();
    await outside('/s/a', 'theirs');
    const [result] = await write(create('/s/a'));
    expect(result?.seen).toMatchObject([{ key: '/s/a', record: { value: 'theirs' }, entry: null }]);
    await clock.advance(500);
    expect(store.calls).toEqual(['txn']);
    await outside('/s/a', undefined);
    await clock.advance(0);
    expect(told('/s/a').at(-1)?.record).toBeNull();
  });

  it('is read when nobody knows what became of the write', async () => {
    const { store, write, told, outside } = await holding();
    store.failing = (call) => (call === 'txn' ? failure('outcome-unknown') : undefined);
    await outside('/s/a', 'perhaps ours');
    await write(create('/s/a'));
    expect(store.calls).toEqual(['txn', 'get']);
    expect(told('/s/a').at(-1)?.record?.value).toBe('perhaps ours');
  });
});
