import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import { containerId } from '../../test/kit/containers.ts';
import { FlakyStore } from '../../test/kit/flaky-store.ts';
import type { TestLoop } from '../../test/kit/loop.ts';
import { ended, endedAfterEach, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { WHOLE_HOST } from '../core/drain-order.ts';
import { failure } from '../core/failure.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const start = endedAfterEach();
const ONE = containerId(1);
const DRAINING = '10.0.0.1:30001 draining';
const REGISTERED = '10.0.0.1:30001 registered';

async function order(test: TestLoop, subject: string, drained: boolean): Promise<boolean> {
  const fresh = test.loop.commands.give(subject, drained, test.clock.now());
  await test.clock.advance(100);
  return fresh;
}

const service = async (test: TestLoop, n = 0, registry = 0) =>
  (await test.content(registry)).get(serviceKey(n === 0 ? 1 : n));

const bookkeeping = async (test: TestLoop, registry = 0) =>
  [...(await test.content(registry)).keys()].filter((key) => key.startsWith('/portolan/drains/'));

describe('a drain by command', () => {
  it('Drain: holds until undrain, and leaves nothing behind', async () => {
    const test = start();
    await test.listed(seen(1));
    expect(await order(test, ONE, true)).toBe(true);
    expect(await service(test)).toBe(DRAINING);
    await test.say(seen(1));
    expect(await service(test)).toBe(DRAINING);
    expect(await order(test, ONE, false)).toBe(true);
    expect(await service(test)).toBe(REGISTERED);
    expect(await bookkeeping(test)).toEqual([]);
  });

  it('Idempotence: given twice it writes nothing more', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, ONE, true);
    const before = await test.revision();
    expect(await order(test, ONE, true)).toBe(false);
    test.loop.targets[0]?.relist();
    await test.clock.advance(120_000);
    expect(await test.revision()).toBe(before);
  });

  it('Drain: outlives a restart of the container, which is not offered again meanwhile', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, ONE, true);
    await test.say(ended(1, true), seen(1, { startedAt: '2030-01-01T00:00:00Z' }));
    expect(await service(test)).toBeUndefined();
    await order(test, ONE, false);
    expect(await service(test)).toBe(REGISTERED);
  });

  it('Drain: is outranked by a stop signal, which undrain does not end', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, ONE, true);
    await test.say({ type: 'stopping', id: ONE, signal: 'SIGTERM', at: test.clock.now() });
    await order(test, ONE, false);
    expect(await service(test)).toBe(DRAINING);
  });

  it('Drain: holds again when a container that was told to stop survives', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, ONE, true);
    await test.say({ type: 'stopping', id: ONE, signal: 'SIGTERM', at: test.clock.now() });
    await test.clock.advance(400_000);
    expect(await service(test)).toBe(DRAINING);
    const phases = [...(test.loop.endpoints.get(ONE)?.live.values() ?? [])].map(({ phase }) => phase.cause);
    expect(phases).toEqual(['command']);
  });

  it('Drain: of the whole host covers what starts later, and ends apart from that of a container', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, WHOLE_HOST, true);
    await order(test, ONE, true);
    await test.say(seen(2));
    expect(await service(test)).toBe(DRAINING);
    expect(await service(test, 2)).toBeUndefined();
    await order(test, WHOLE_HOST, false);
    expect(await service(test)).toBe(DRAINING);
    expect(await service(test, 2)).toMatch(/ registered$/);
  });

  it('Drain: is taken up by the next agent from the registry alone, without a write beside the heartbeat', async () => {
    const first = start();
    await first.listed(seen(1));
    await order(first, ONE, true);
    const before = await first.content();
    const revision = await first.revision();
    await first.end();
    const next = start({ clock: first.clock, stores: first.stores, instance: 'j', predecessorDead: true });
    await next.listed(seen(1));
    await next.clock.advance(2000);
    expect(await next.content()).toEqual(before);
    expect(Number(await next.revision()) - Number(revision)).toBeLessThanOrEqual(1);
    await order(next, ONE, false);
    expect(await service(next)).toBe(REGISTERED);
  });

  it('Drain: what an agent knows from its own folder keeps what the registry knows of it in place', async () => {
    const first = start();
    await first.listed(seen(1));
    await order(first, ONE, true);
    await order(first, WHOLE_HOST, true);
    const before = await first.content();
    const orders = first.loop.commands.book.all();
    await first.end();
    const { clock, stores } = first;
    const next = start({ clock, stores, orders, instance: 'j', predecessorDead: true });
    await next.listed(seen(1));
    await next.clock.advance(2000);
    expect(await next.content()).toEqual(before);
  });

  it('Drain: that no registry has heard of yet leaves in place what was in rotation', async () => {
    const first = start();
    await first.listed(seen(1));
    await first.end();
    const { clock, stores } = first;
    const orders = [{ subject: ONE, drained: true, at: clock.now() }];
    const next = start({ clock, stores, orders, instance: 'j', predecessorDead: true });
    await next.listed(seen(1));
    await next.clock.advance(2000);
    expect(await service(next)).toBe(DRAINING);
  });

  it('Drain: known from the own folder hides no stop signal that the registry knows of', async () => {
    const first = start();
    await first.listed(seen(1));
    await first.say({ type: 'stopping', id: ONE, signal: 'SIGTERM', at: first.clock.now() });
    await first.clock.advance(100);
    await first.end();
    const { clock, stores } = first;
    const orders = [{ subject: WHOLE_HOST, drained: true, at: clock.now() }];
    const next = start({ clock, stores, orders, instance: 'j', predecessorDead: true });
    await next.listed(seen(1));
    await next.clock.advance(2000);
    await order(next, WHOLE_HOST, false);
    expect(await service(next)).toBe(DRAINING);
  });

  it('Drain: of a container that was removed is forgotten, also by the registry', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, ONE, true);
    await test.listed(ended(1, true));
    await settle();
    await test.clock.advance(1000);
    expect(test.loop.commands.book.all()).toEqual([]);
    expect(await bookkeeping(test)).toEqual([]);
  });
});

describe('the end of a drain by command', () => {
  function two() {
    const clock = new VirtualClock();
    const memory = new MemoryStore({ clock });
    const away = new FlakyStore(memory);
    const leave = (): void => {
      away.failing = () => failure('registry-unreachable');
      memory.disconnect();
    };
    const back = (): void => {
      away.failing = () => undefined;
    };
    return { test: start({ clock, stores: [new MemoryStore({ clock }), away] }), leave, back };
  }

  it('Drain: reaches a registry that was away, whose old note begins nothing again', async () => {
    const { test, leave, back } = two();
    await test.listed(seen(1));
    await order(test, ONE, true);
    leave();
    await test.clock.advance(1000);
    await order(test, ONE, false);
    expect(await service(test)).toBe(REGISTERED);
    expect(test.loop.commands.views()).toMatchObject([
      { drained: false, targets: [{ acknowledged: true }, { acknowledged: false }] },
    ]);
    back();
    await test.clock.advance(10_000);
    for (const registry of [0, 1]) {
      expect(await service(test, 1, registry)).toBe(REGISTERED);
      expect(await bookkeeping(test, registry)).toEqual([]);
    }
    expect(test.loop.commands.views()).toEqual([]);
  });

  it('Drain: is remembered by one registry for the other while the agent is restarted', async () => {
    const { test, leave, back } = two();
    await test.listed(seen(1));
    await order(test, ONE, true);
    leave();
    await test.clock.advance(1000);
    await order(test, ONE, false);
    await test.end();
    const next = start({ clock: test.clock, stores: test.stores, instance: 'j', predecessorDead: true });
    await next.listed(seen(1));
    await next.clock.advance(1000);
    back();
    await next.clock.advance(10_000);
    for (const registry of [0, 1]) {
      expect(await service(next, 1, registry)).toBe(REGISTERED);
      expect(await bookkeeping(next, registry)).toEqual([]);
    }
  });

  it('Idempotence: its end, once known everywhere, is not told again by the next process', async () => {
    const test = start();
    await test.listed(seen(1));
    await order(test, ONE, true);
    await order(test, ONE, false);
    const orders = test.loop.commands.book.all();
    await test.end();
    const before = Number(await test.revision());
    const next = start({
      clock: test.clock,
      stores: test.stores,
      orders,
      instance: 'j',
      predecessorDead: true,
    });
    await next.listed(seen(1));
    await next.clock.advance(10_000);
    // The heartbeat and its card, in one transaction.
    expect(Number(await next.revision())).toBe(before + 1);
  });

  it('Drain: that a registry from long ago still knows is over all the same', async () => {
    const { test, leave, back } = two();
    await test.listed(seen(1));
    await order(test, ONE, true);
    leave();
    await test.clock.advance(1000);
    await test.end();
    const [, old] = test.stores;
    const alone = start({
      clock: test.clock,
      stores: test.stores.slice(0, 1),
      instance: 'j',
      predecessorDead: true,
    });
    await alone.listed(seen(1));
    await order(alone, ONE, false);
    const orders = alone.loop.commands.book.all();
    await alone.end();
    back();
    const stores = [...test.stores.slice(0, 1), ...(old === undefined ? [] : [old])];
    const next = start({ clock: test.clock, stores, orders, instance: 'k', predecessorDead: true });
    await next.listed(seen(1));
    await next.clock.advance(10_000);
    for (const registry of [0, 1]) {
      expect(await service(next, 1, registry)).toBe(REGISTERED);
      expect(await bookkeeping(next, registry)).toEqual([]);
    }
  });

  it('Drain: with several registries any order to drain wins', async () => {
    const { test, leave, back } = two();
    await test.listed(seen(1));
    leave();
    await test.clock.advance(1000);
    await order(test, ONE, true);
    await test.end();
    back();
    const next = start({
      ...{ clock: test.clock, instance: 'j', predecessorDead: true },
      stores: [...test.stores].reverse(),
    });
    await next.listed(seen(1));
    await next.clock.advance(10_000);
    for (const registry of [0, 1]) expect(await service(next, 1, registry)).toBe(DRAINING);
  });
});
