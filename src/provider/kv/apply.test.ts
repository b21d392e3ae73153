import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import { FlakyStore } from '../../../test/kit/flaky-store.ts';
import type { Cause } from '../../core/cause.ts';
import { failure } from '../../core/failure.ts';
import type { Change } from '../../core/plan.ts';
import type { RegistryWriter } from '../../core/ports.ts';
import { type MemoryOptions, MemoryStore } from '../memory/store.ts';
import { createKvProvider } from './provider.ts';

const cause: Cause = { code: 'started', at: 0, explained: true };
const never = new AbortController().signal;
const create = (key: string, value = 'v'): Change => ({
  ...{ action: 'create', key, value, group: key, leased: false, entryRevision: undefined, cause },
});
const remove = (key: string, expected: string): Change => ({
  ...{ action: 'delete', key, before: '', group: key, expected, entryRevision: expected, cause },
});
const log = { debug() {}, info() {}, warn() {}, error() {} };

interface Bench {
  readonly store: FlakyStore;
  readonly writer: RegistryWriter;
  readonly apply: (changes: readonly Change[]) => Promise<readonly string[]>;
}

/** A writer that holds its session, over a store that fails on demand. */
async function bench(options: Partial<MemoryOptions> = {}): Promise<Bench> {
  const clock = new VirtualClock();
  const store = new FlakyStore(new MemoryStore({ clock, ...options }));
  const identity = { instance: 'one', name: 'host', addresses: [], version: '1', since: 0 };
  const { writer } = createKvProvider({
    ...{ target: 't', store: store.reader, owner: 'o', prefixes: ['/s/'], clock, log, random: () => 0.5 },
    writing: { writer: store.writer(), identity },
  });
  if (writer === undefined) throw new Error('no writer');
  void writer.keepSession(never);
  await clock.advance(0);
  store.calls.length = 0;
  store.transactions.length = 0;
  const apply = async (changes: readonly Change[]) =>
    (await writer.apply(changes, never)).map(({ outcome }) =>
      outcome.type === 'retry' ? outcome.failure.code : outcome.type,
    );
  return { store, writer, apply };
}

const many = (n: number, value?: string) => Array.from({ length: n }, (_, i) => create(`/s/${i}`, value));

describe('apply', () => {
  it('needs few transactions, each with the fence and within the limit', async () => {
    const { store, apply } = await bench();
    expect(new Set(await apply(many(630)))).toEqual(new Set(['settled']));
    expect(store.count('txn')).toBe(10);
    for (const { compares, then, otherwise } of store.transactions) {
      expect(compares[0]).toMatchObject({ key: '/portolan/hosts/o', target: 'mod' });
      expect(Math.max(compares.length, then.length, otherwise.length)).toBeLessThanOrEqual(128);
    }
  });

  it('writes nothing for no changes', async () => {
    const { store, apply } = await bench();
    expect(await apply([])).toEqual([]);
    expect(store.calls).toEqual([]);
  });

  it('learns the smaller limit of a registry and keeps to it', async () => {
    const { store, apply } = await bench({ maxOperations: 64 });
    expect(new Set(await apply(many(200)))).toEqual(new Set(['settled']));
    store.transactions.length = 0;
    await apply(Array.from({ length: 100 }, (_, n) => create(`/s/more/${n}`)));
    for (const { then } of store.transactions) expect(then.length).toBeLessThanOrEqual(64);
  });

  it('sends nothing more once the registry does not answer, and no delete before its adds', async () => {
    const { store, apply } = await bench();
    store.failing = (call) => (call === 'txn' ? failure('outcome-unknown') : undefined);
    const codes = await apply([...many(1_000), remove('/s/old', '3')]);
    expect(store.count('txn')).toBeLessThanOrEqual(4);
    expect(codes.filter((code) => code === 'outcome-unknown').length).toBeLessThanOrEqual(4 * 63);
    expect(codes.at(-1)).toBe('registry-unreachable');
  });

  it('lets deletes through when a registry out of space takes no adds', async () => {
    const { store, writer, apply } = await bench();
    const [made] = await writer.apply([create('/s/old')], never);
    const at = made?.outcome.type === 'settled' ? (made.outcome.revision ?? '') : '';
    store.failing = (_, transaction) =>
      transaction?.then.some(({ type }) => type === 'put') === true ? failure('registry-full') : undefined;
    expect(await apply([create('/s/new'), remove('/s/old', at)])).toEqual(['registry-full', 'settled']);
  });

  it('finds several poisoned records among many, and only those', async () => {
    const { apply } = await bench({ maxRequest: 10_000 });
    const changes = many(120).map((change, n) =>
      n % 40 === 7 ? create(change.key, 'x'.repeat(20_000)) : change,
    );
    const codes = await apply(changes);
    expect(codes.flatMap((code, n) => (code === 'settled' ? [] : [`${code} ${n}`]))).toEqual([
      ...['record-rejected 7', 'record-rejected 47', 'record-rejected 87'],
    ]);
  });

  it('is fenced by the transaction itself when nobody has told the session yet', async () => {
    const { store, apply } = await bench();
    const other = store.writer();
    // In the very moment of sending: the watch cannot have told it.
    let taken = false;
    store.failing = () => {
      if (!taken) {
        taken = true;
        const then = [{ type: 'put', key: '/portolan/hosts/o', value: 'x', lease: '0' }] as const;
        void other.txn({ compares: [], then, otherwise: [] }, never);
      }
      return undefined;
    };
    expect(await apply(many(3))).toEqual(['owner-fenced', 'owner-fenced', 'owner-fenced']);
    const records = await store.reader.list('/s/', never);
    expect(records.ok && records.value.entries).toEqual([]);
  });
});
