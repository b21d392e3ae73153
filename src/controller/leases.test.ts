import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { FlakyStore } from '../../test/kit/flaky-store.ts';
import { leasedLayouts, simpleLayouts } from '../../test/kit/layouts.ts';
import { type LoopOptions, TestLoop } from '../../test/kit/loop.ts';
import { ended, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { failure } from '../core/failure.ts';
import type { KeyValue } from '../provider/kv/store.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const never = new AbortController().signal;
const HEARTBEAT = '/portolan/hosts/o';
/** Written with the heartbeat, and never under a lease. */
const CARD = '/portolan/cards/o';
const SERVICES = 100;
const everything = Array.from({ length: SERVICES }, (_, n) => seen(n));
const living: TestLoop[] = [];

afterEach(async () => {
  for (const loop of living.splice(0)) await loop.end();
});

/** One registry that outlives the agents, and whatever was deleted from it since it was last asked. */
function bench() {
  const clock = new VirtualClock();
  const memory = new MemoryStore({ clock });
  const gone: string[] = [];
  memory.reader.watch({ prefix: '' }, '0', {
    events: (batch) => {
      for (const { type, key } of batch)
        if (type === 'delete' && !key.startsWith('/portolan/')) gone.push(key);
    },
    lost: () => undefined,
  });
  const agent = (instance: string, options: LoopOptions = {}) => {
    const store = new FlakyStore(memory);
    const loop = new TestLoop({
      ...{ clock, stores: [store], instance, layouts: leasedLayouts, predecessorDead: true },
      ...options,
    });
    living.push(loop);
    return { loop, store };
  };
  const entry = async (key: string): Promise<KeyValue | undefined> => {
    const read = await memory.reader.get([key], never);
    return read.ok ? read.value.entries.get(key) : undefined;
  };
  const lease = async (): Promise<string> => (await entry(HEARTBEAT))?.lease ?? 'no heartbeat';
  /** How many entries of the registry hang on each lease, the card apart. */
  const hanging = async (): Promise<Readonly<Record<string, number>>> => {
    const counts: Record<string, number> = {};
    const listing = await memory.reader.list('/', never);
    if (!listing.ok) return counts;
    for (const { key, lease } of listing.value.entries)
      if (key !== CARD) counts[lease] = (counts[lease] ?? 0) + 1;
    return counts;
  };
  return { clock, memory, gone, agent, entry, lease, hanging };
}

/** Two records and two entries for each container, and the heartbeat; the record of the host itself stays in prune mode. */
const HANGING = 4 * SERVICES + 1;
const txns = (store: FlakyStore): number =>
  store.transactions.filter(({ then }) => then.some(({ key }) => key !== HEARTBEAT && key !== CARD)).length;
/** 31 containers fill a transaction: two records and two entries each. */
const FEW = Math.ceil((4 * SERVICES) / 126) + 1;
const warnings = ({ log }: TestLoop) =>
  log.lines.filter(({ level }) => level === 'warn').map(({ message }) => message);

describe('ttl mode', () => {
  it('hangs records and ledger entries on the one lease of the host, and writes nothing more', async () => {
    const { clock, agent, lease, hanging } = bench();
    const { loop, store } = agent('one');
    await loop.listed(...everything);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    const writes = txns(store);
    await clock.advance(300_000);
    expect(txns(store)).toBe(writes);
    expect(warnings(loop)).toEqual([]);
  });

  it('lets the records go with the host after the time of the lease, and not before', async () => {
    const { clock, gone, agent, hanging } = bench();
    const { loop } = agent('one');
    await loop.listed(...everything);
    await clock.advance(59_000);
    await loop.end();
    await clock.advance(9_000);
    expect(gone).toEqual([]);
    await clock.advance(7_000);
    expect(gone).toHaveLength(2 * SERVICES);
    expect(await hanging()).toEqual({ 0: 2 });
  });

  it('puts everything again under a new lease, in few transactions and without a word of damage', async () => {
    const { clock, memory, gone, agent, lease, hanging } = bench();
    const { loop, store } = agent('one');
    await loop.listed(...everything);
    const old = await lease();
    const [writes, said] = [txns(store), loop.log.lines.length];
    await memory.writer().leaseRevoke(old, never);
    await clock.advance(1_000);
    expect(gone).toHaveLength(2 * SERVICES);
    expect(await lease()).not.toBe(old);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    expect(txns(store) - writes).toBeLessThanOrEqual(FEW + 1);
    expect(warnings(loop)).toEqual(['host lease lost']);
    const after = loop.log.lines.slice(said).filter(({ level }) => level === 'info');
    expect(after.filter(({ message }) => message !== 'record created')).toMatchObject([
      { message: 'host lease held' },
    ]);
    expect(new Set(after.map(({ fields }) => fields['cause']))).toEqual(new Set([undefined, 'lease-lost']));
    expect(after).toHaveLength(2 * SERVICES + 1);
    expect(loop.loop.targets[0]?.brakeEngaged).toBe(false);
  });

  it('survives keep-alives that are lost for too long in the same way', async () => {
    const { clock, gone, agent, lease, hanging } = bench();
    const { loop, store } = agent('one');
    await loop.listed(...everything);
    const old = await lease();
    store.failing = () => failure('registry-timeout');
    await clock.advance(22_000);
    expect(gone).toHaveLength(2 * SERVICES);
    store.failing = () => undefined;
    const writes = txns(store);
    await clock.advance(4_000);
    expect(await lease()).not.toBe(old);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    expect(txns(store) - writes).toBeLessThanOrEqual(FEW + 1);
    const created = loop.log.lines.filter(({ fields }) => fields['cause'] === 'lease-lost');
    expect(created).toHaveLength(2 * SERVICES);
    expect(loop.log.lines.some(({ message }) => message.includes('conflict'))).toBe(false);
  });

  it('keeps every record when only the heartbeat is deleted', async () => {
    const { clock, gone, agent, lease, hanging, ...world } = bench();
    const { loop, store } = agent('one');
    await loop.listed(...everything);
    const writes = txns(store);
    await loop.remove(HEARTBEAT);
    await clock.advance(30_000);
    expect(gone).toEqual([]);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    expect(txns(store) - writes).toBeLessThanOrEqual(FEW);
    expect(await world.entry(serviceKey(1))).toBeDefined();
  });

  it('repairs a record that somebody deletes or takes off the lease, and says so', async () => {
    const { clock, agent, entry, lease } = bench();
    const { loop } = agent('one');
    await loop.listed(seen(1));
    await loop.remove(serviceKey(1));
    await clock.advance(1_000);
    const value = '10.0.0.1:30001 registered';
    expect(await entry(serviceKey(1))).toMatchObject({ value, lease: await lease() });
    await loop.put(serviceKey(1), value);
    await clock.advance(1_000);
    expect((await entry(serviceKey(1)))?.lease).toBe(await lease());
    const causes = loop.log.lines.map(({ fields }) => fields['cause']).filter(Boolean);
    expect(causes.slice(-2)).toEqual(['damage-missing', 'damage-altered']);
    expect(loop.log.lines.some(({ fields }) => fields['cause'] === 'lease-lost')).toBe(false);
  });

  it('is chosen for each layout by itself', async () => {
    const { agent, entry, lease } = bench();
    const [announce, services] = [simpleLayouts.slice(0, 1), leasedLayouts.slice(1)];
    const { loop } = agent('one', { layouts: [...announce, ...services] });
    await loop.listed(seen(1));
    const key = serviceKey(1);
    expect((await entry(key))?.lease).toBe(await lease());
    expect((await entry(key.replace('/services/', '/announce/')))?.lease).toBe('0');
  });
});

describe('a restart in ttl mode', () => {
  it('takes the lease up again and writes nothing but the heartbeat', async () => {
    const { clock, gone, agent, lease } = bench();
    const one = agent('one');
    await one.loop.listed(...everything);
    await one.loop.end();
    const old = await lease();
    await clock.advance(8_000);
    const two = agent('two');
    await clock.advance(4_000);
    await two.loop.listed(...everything);
    await clock.advance(60_000);
    expect(two.store.count('txn')).toBe(1);
    expect(await lease()).toBe(old);
    expect(gone).toEqual([]);
  });

  it('after the lease was over puts everything again and blames nobody', async () => {
    const { clock, agent, hanging, lease } = bench();
    const one = agent('one');
    await one.loop.listed(...everything);
    await one.loop.end();
    await clock.advance(20_000);
    const two = agent('two');
    await two.loop.listed(...everything);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    expect(warnings(two.loop)).toEqual([]);
    const causes = new Set(two.loop.log.lines.map(({ fields }) => fields['cause']).filter(Boolean));
    expect([...causes].filter((cause) => String(cause).startsWith('damage'))).toEqual([]);
  });

  it('withdraws what ended meanwhile, and only that', async () => {
    const { agent, gone, hanging, lease } = bench();
    const one = agent('one');
    await one.loop.listed(...everything);
    await one.loop.leave();
    const two = agent('two');
    await two.loop.listed(...everything.slice(1));
    expect(gone.filter((key) => key.startsWith('/services/'))).toEqual([serviceKey(0)]);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING - 4 });
  });
});

describe('an upgrade in place', () => {
  it('in ttl mode moves everything to a lease that lasts and back, in few transactions and without a gap', async () => {
    const { clock, gone, agent, hanging, lease } = bench();
    const one = agent('one');
    await one.loop.listed(...everything);
    const before = txns(one.store);
    await one.loop.leave();
    expect(txns(one.store) - before).toBeLessThanOrEqual(FEW);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    await clock.advance(200_000);
    const two = agent('two');
    // The engine may take its time; by then the lease that was left must not run out.
    await clock.advance(400_000);
    await two.loop.listed(...everything);
    await clock.advance(60_000);
    expect(gone).toEqual([]);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
    expect(txns(two.store)).toBeLessThanOrEqual(FEW);
    expect([...warnings(one.loop), ...warnings(two.loop)]).toEqual([]);
  });

  it('that nobody follows up leaves the records for the time of the handover', async () => {
    const { clock, gone, agent } = bench();
    const { loop } = agent('one');
    await loop.listed(...everything);
    await loop.leave();
    await clock.advance(299_000);
    expect(gone).toEqual([]);
    await clock.advance(2_000);
    expect(gone).toHaveLength(2 * SERVICES);
  });

  it('in prune mode costs no write but the heartbeat', async () => {
    const { clock, gone, agent } = bench();
    const one = agent('one', { layouts: simpleLayouts });
    await one.loop.listed(...everything);
    const writes = txns(one.store);
    await one.loop.leave();
    const two = agent('two', { layouts: simpleLayouts });
    await two.loop.listed(...everything);
    await clock.advance(400_000);
    expect([txns(one.store) - writes, txns(two.store)]).toEqual([0, 0]);
    expect(gone).toEqual([]);
  });

  it('goes on where a predecessor was killed in the middle of its handover', async () => {
    const { clock, gone, agent, hanging, lease } = bench();
    const one = agent('one');
    await one.loop.listed(...everything);
    let left = 2;
    one.store.failing = (call) => {
      if (call !== 'txn') return undefined;
      left -= 1;
      return left < 0 ? failure('registry-timeout') : undefined;
    };
    await one.loop.leave();
    expect(Object.keys(await hanging())).toHaveLength(3);
    const two = agent('two');
    await clock.advance(100_000);
    await two.loop.listed(...everything);
    await clock.advance(400_000);
    expect(gone).toEqual([]);
    expect(await hanging()).toEqual({ 0: 2, [await lease()]: HANGING });
  });

  it.each([
    ['ttl to prune', leasedLayouts, simpleLayouts],
    ['prune to ttl', simpleLayouts, leasedLayouts],
  ] as const)('from %s converts the records in place, with few writes and no gap', async (_, from, to) => {
    const { clock, gone, agent, hanging, lease } = bench();
    const one = agent('one', { layouts: from });
    await one.loop.listed(...everything);
    await one.loop.leave();
    const two = agent('two', { layouts: to });
    await two.loop.listed(...everything);
    await clock.advance(400_000);
    expect(gone).toEqual([]);
    expect(txns(two.store)).toBeLessThanOrEqual(2 * FEW);
    expect((await hanging())[await lease()]).toBe(to === leasedLayouts ? HANGING : 1);
    expect(warnings(two.loop)).toEqual([]);
    expect(new Set(two.loop.log.lines.map(({ fields }) => fields['cause']).filter(Boolean))).toEqual(
      new Set(['lease-moved']),
    );
  });

  it.each([
    ['ttl', leasedLayouts],
    ['prune', simpleLayouts],
  ] as const)(
    'with all records withdrawn leaves nothing in %s mode, the heartbeat last',
    async (_, layouts) => {
      const { agent, gone, hanging } = bench();
      const one = agent('one', { layouts });
      await one.loop.listed(seen(1), seen(2));
      await one.loop.say(ended(2));
      await one.loop.leave(true);
      expect(one.store.transactions.at(-1)?.then).toEqual(
        [HEARTBEAT, CARD].map((key) => ({ type: 'delete', key })),
      );
      expect(gone).toContain(serviceKey(1));
      expect(await hanging()).toEqual({});
    },
  );
});
