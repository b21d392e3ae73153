import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import { container } from '../../test/kit/containers.ts';
import { FlakyStore } from '../../test/kit/flaky-store.ts';
import { type LoopOptions, TestLoop } from '../../test/kit/loop.ts';
import { failure } from '../core/failure.ts';
import type { HostProbe, SourceSignal } from '../core/ports.ts';
import { MemoryStore } from '../provider/memory/store.ts';
import { hostCounts, hostViews, orphanViews } from './fleet-views.ts';
import { targetPlan } from './plan-view.ts';

const TTL = 15_000;
const GRACE = 30_000;
const SOON = 2_000;
const seen = (n: number): SourceSignal => ({ type: 'seen', container: container(n), at: 0 });
const silent: HostProbe = () => Promise.resolve('silent');

/** Two hosts on one registry, `gone` with two containers, and `here`. */
async function world(options: LoopOptions = {}) {
  const clock = new VirtualClock();
  const memory = new MemoryStore({ clock });
  const store = new FlakyStore(memory);
  const gone = new TestLoop({ clock, stores: [memory], owner: 'gone', instance: 'g1' });
  await gone.listed(seen(1), seen(2));
  const start = (more: LoopOptions = {}) =>
    new TestLoop({
      clock,
      stores: [store],
      owner: 'here',
      instance: 'h1',
      probe: silent,
      ...options,
      ...more,
    });
  const here = start();
  await here.listed(seen(3));
  const left = async () => (await here.entries()).map(({ key }) => key).filter((key) => key.includes('gone'));
  const own = async () => (await here.records()).length;
  return { clock, memory, store, gone, here, start, left, own };
}

const says = (loop: TestLoop, message: string) => loop.log.lines.filter((line) => line.message === message);

describe('a lost host', () => {
  it('is nobody who has only just come', async () => {
    const { clock, memory, gone, here } = await world();
    const newcomer = new TestLoop({ clock, stores: [memory], owner: 'newcomer', instance: 'n1' });
    await newcomer.listed(seen(4));
    await clock.advance(SOON);
    expect(says(here, 'a host has no heartbeat any more')).toEqual([]);
    expect(says(here, 'a host that had no heartbeat is back')).toEqual([]);
    await Promise.all([newcomer.end(), gone.end(), here.end()]);
  });

  it('is cleared away once its heartbeat has been gone for the grace: records, ledger, copy and card', async () => {
    const { clock, gone, left, here } = await world();
    await gone.end();
    await clock.advance(TTL + GRACE - 1_000);
    expect(await left()).toContain('/hosts/gone');
    const [janitor] = here.loop.janitors;
    if (janitor === undefined) throw new Error('no janitor');
    const orphans = await orphanViews(janitor, clock, new AbortController().signal);
    expect(orphans.filter(({ action }) => action === 'delete')).toHaveLength(5);
    expect(orphans[0]).toMatchObject({
      owner: 'gone',
      state: 'lost',
      waiting: expect.stringContaining('deadHostGrace') as string,
    });
    expect(hostViews(janitor).map(({ owner, state, self }) => [owner, state, self])).toEqual([
      ['gone', 'lost', false],
      ['here', 'alive', true],
    ]);
    await clock.advance(1_000 + SOON);
    expect(await left()).toEqual([]);
    expect(await here.records()).toHaveLength(3);
    expect(says(here, 'a host has no heartbeat any more')).toHaveLength(1);
    expect(says(here, 'a lost host was cleared away')).toMatchObject([
      { fields: { host: 'gone', records: 5 } },
    ]);
    await here.end();
  });

  it('keeps its records when it comes back before the grace is over, and nobody looked for it', async () => {
    const { clock, memory, gone, left, here } = await world();
    const before = await left();
    await gone.end();
    await clock.advance(TTL + GRACE - 1_000);
    const back = new TestLoop({ clock, stores: [memory], owner: 'gone', instance: 'g2' });
    await back.listed(seen(1), seen(2));
    await clock.advance(GRACE);
    expect((await left()).sort()).toEqual(
      [...before, '/portolan/hosts/gone'].filter((key, n, all) => all.indexOf(key) === n).sort(),
    );
    expect(says(here, 'a host that had no heartbeat is back')).toHaveLength(1);
    await here.end();
    await back.end();
  });

  it('keeps its records when it comes back while it is asked whether it lives', async () => {
    const clock = new VirtualClock();
    let answer: (verdict: 'silent') => void = () => undefined;
    const probe: HostProbe = () => new Promise((resolve) => (answer = resolve));
    const { gone, left, here, memory, clock: time } = await world({ probe });
    await gone.end();
    await time.advance(TTL + GRACE + 500);
    const back = new TestLoop({ clock: time, stores: [memory], owner: 'gone', instance: 'g2' });
    await settle();
    answer('silent');
    await back.listed(seen(1), seen(2));
    await clock.advance(0);
    await time.advance(5_000);
    expect(await left()).toContain('/hosts/gone');
    expect((await here.entries()).map(({ key }) => key)).not.toContain('/portolan/janitors/gone');
    await here.end();
    await back.end();
  });

  it('that answers keeps its records and is told to be unattended, without a write while it lasts', async () => {
    let verdict: 'answers' | 'silent' = 'answers';
    const { clock, gone, left, here } = await world({ probe: () => Promise.resolve(verdict) });
    await gone.end();
    await clock.advance(TTL + GRACE + SOON);
    const [janitor] = here.loop.janitors;
    if (janitor === undefined) throw new Error('no janitor');
    expect(hostCounts(janitor)).toEqual({ alive: 1, handover: 0, lost: 0, unattended: 1 });
    const revision = await here.revision();
    await clock.advance(120_000);
    expect(await left()).toContain('/hosts/gone');
    expect(await here.revision()).toBe(revision);
    expect(
      says(here, 'a host without a heartbeat answers: its agent is gone, its records stay'),
    ).toHaveLength(1);
    verdict = 'silent';
    await clock.advance(10_000 + SOON);
    expect(await left()).toEqual([]);
    await here.end();
  });

  it('in handover is attended until that ends', async () => {
    const { clock, gone, left, here } = await world();
    await gone.leave(false, 60_000);
    await clock.advance(60_000 + GRACE - 1_000);
    expect(await left()).toContain('/hosts/gone');
    await clock.advance(1_000 + SOON);
    expect(await left()).toEqual([]);
    await here.end();
  });

  it('is never touched with a grace of 0', async () => {
    const { clock, gone, left, here } = await world({ graceMs: 0 });
    await gone.end();
    await clock.advance(3_600_000);
    expect(await left()).toContain('/hosts/gone');
    await here.end();
  });

  it('is never touched where nothing may be removed', async () => {
    const { clock, gone, left, here } = await world({ policy: 'upsert-only' });
    await gone.end();
    await clock.advance(TTL + GRACE + SOON);
    expect(await left()).toContain('/hosts/gone');
    await here.end();
  });

  it('is planned by a dry run, which writes nothing', async () => {
    const { clock, gone, left, here, start } = await world({ graceMs: 0 });
    const onlooker = start({ dryRun: true, graceMs: GRACE, owner: 'onlooker' });
    await onlooker.listed();
    await gone.end();
    await clock.advance(TTL + GRACE + SOON);
    expect(await left()).toContain('/hosts/gone');
    const [janitor] = onlooker.loop.janitors;
    const [target] = onlooker.loop.targets;
    if (janitor === undefined || target === undefined) throw new Error('no registry');
    const { lines } = targetPlan(target, 'sync', clock, janitor);
    expect(lines.filter(({ action }) => action === 'delete')).toHaveLength(5);
    await onlooker.end();
    await here.end();
  });

  it('loses only what it created: a record that somebody put in its place stays', async () => {
    const { clock, gone, left, here } = await world();
    await gone.end();
    const [key = ''] = (await here.records()).filter(
      (each) => each.startsWith('/services/') && each.endsWith('1'),
    );
    await here.remove(key);
    await here.put(key, 'a stranger');
    await clock.advance(TTL + GRACE + SOON);
    expect(await left()).toEqual([]);
    expect(await here.records()).toContain(key);
    await here.end();
  });

  it('is cleared by an agent that started after the heartbeat had vanished', async () => {
    const { clock, gone, here, left, memory } = await world({ graceMs: 0 });
    await gone.end();
    await clock.advance(TTL + 60_000);
    const late = new TestLoop({ clock, stores: [memory], owner: 'late', instance: 'l1', probe: silent });
    await late.listed();
    await clock.advance(GRACE - 1_000);
    expect(await left()).toContain('/hosts/gone');
    await clock.advance(1_000 + SOON);
    expect(await left()).toEqual([]);
    await here.end();
    await late.end();
  });

  it('has its grace counted anew when sight of the registry was lost meanwhile', async () => {
    const { clock, gone, memory, left, here } = await world();
    await gone.end();
    await clock.advance(TTL + GRACE - 1_000);
    memory.disconnect();
    await clock.advance(GRACE - 2_000);
    expect(await left()).toContain('/hosts/gone');
    await clock.advance(5_000);
    expect(await left()).toEqual([]);
    expect(says(here, 'a host has no heartbeat any more')).toHaveLength(1);
    await here.end();
  });

  it('is tried again when the registry fails in the middle', async () => {
    const { clock, gone, store, left, here } = await world();
    await gone.end();
    await clock.advance(TTL + GRACE - 1_000);
    store.failing = (call, transaction) =>
      call === 'txn' && transaction?.then.some(({ type }) => type === 'delete') === true
        ? failure('registry-timeout')
        : undefined;
    await clock.advance(1_000 + SOON);
    expect(await left()).toContain('/hosts/gone');
    store.failing = () => undefined;
    await clock.advance(8_000);
    expect(await left()).toEqual([]);
    await here.end();
  });
});

describe('many agents', () => {
  it('clear one lost host together with hardly more work than one: each record is deleted once', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryStore({ clock });
    const gone = new TestLoop({ clock, stores: [memory], owner: 'gone', instance: 'g' });
    await gone.listed(...Array.from({ length: 99 }, (_, n) => seen(n + 1)));
    const stores = Array.from({ length: 20 }, () => new FlakyStore(memory));
    const loops = stores.map((store, n) => {
      let dice = n;
      const random = () => ((dice += 7) % 20) / 20;
      return new TestLoop({
        clock,
        stores: [store],
        owner: `o${String(n)}`,
        instance: `i${String(n)}`,
        probe: silent,
        random,
      });
    });
    await clock.advance(1_000);
    for (const loop of loops) await loop.listed();
    await gone.end();
    for (const store of stores) store.transactions.length = 0;
    const deleted: string[] = [];
    memory.reader.watch({ prefix: '/' }, (BigInt(await gone.revision()) + 1n).toString(), {
      events: (batch) => {
        for (const { type, key } of batch)
          if (type === 'delete' && !key.startsWith('/portolan/')) deleted.push(key);
      },
      lost: () => undefined,
    });
    await clock.advance(TTL + GRACE + SOON);
    expect(deleted).toHaveLength(199);
    expect(new Set(deleted).size).toBe(199);
    const transactions = stores.flatMap((store) => store.transactions);
    expect(transactions.length).toBeLessThanOrEqual(2 * 199);
    for (const loop of loops) await loop.end();
  });
});
