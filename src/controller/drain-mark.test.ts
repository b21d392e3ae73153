import { describe, expect, it } from 'vitest';
import { containerId } from '../../test/kit/containers.ts';
import type { TestLoop } from '../../test/kit/loop.ts';
import { endedAfterEach, flaky, seen, short } from '../../test/kit/loop-script.ts';
import { WHOLE_HOST } from '../core/drain-order.ts';
import { failure } from '../core/failure.ts';
import { announceLayout } from '../layout/announce.ts';
import { servicesLayout } from '../layout/services.ts';

const layouts = [
  announceLayout({ prefix: '/announce', leased: false }),
  servicesLayout({ prefix: '/services', leased: false, drainMark: 'delete' }),
];
const start = endedAfterEach();
const KEY = `/services/app/c1/${short(1)}`;
const stopping = (test: TestLoop) =>
  ({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() }) as const;
const shows = async (test: TestLoop) => (await test.records()).includes(KEY);
const notes = async (test: TestLoop) =>
  [...(await test.content()).keys()].filter((key) => key.startsWith('/portolan/drains/o/'));

describe('a drain for readers that know no state', () => {
  it('Drain: deletes the record and leaves its note, in one transaction', async () => {
    const { clock, store } = flaky();
    const test = start({ clock, layouts, stores: [store] });
    await test.listed(seen(1));
    expect(await shows(test)).toBe(true);
    const writes: (readonly string[])[] = [];
    store.failing = (call, txn) => {
      if (call === 'txn') writes.push(txn?.then.map(({ key }) => key) ?? []);
      return undefined;
    };
    await test.say(stopping(test));
    expect(await shows(test)).toBe(false);
    expect(await notes(test)).toHaveLength(1);
    const [note = ''] = await notes(test);
    expect(writes.filter((keys) => keys.includes(KEY))).toEqual([expect.arrayContaining([KEY, note])]);
    expect(await test.records()).toEqual([`/announce/app/c1/${short(1)}`]);
  });

  it('Drain: an agent that is restarted meanwhile does not put the record back', async () => {
    const first = start({ layouts });
    await first.listed(seen(1));
    await first.say(stopping(first));
    await first.end();
    const { clock, stores } = first;
    const second = start({ clock, stores, layouts, instance: 'j', predecessorDead: true });
    const put: boolean[] = [];
    second.loop.onChange(() => {
      put.push(second.loop.targets[0]?.cache.get(KEY)?.record !== undefined);
    });
    await second.listed(seen(1));
    await clock.advance(60_000);
    expect(put).not.toContain(true);
    expect(await shows(second)).toBe(false);
    expect(second.loop.targets[0]?.session.type).toBe('held');
    // Its next start is another life.
    await second.say(seen(1, { startedAt: '2030-01-01T00:00:00Z' }));
    expect(await shows(second)).toBe(true);
    expect(await notes(second)).toEqual([]);
  });

  it('Drain: ends in rotation, when the signal was not meant to end the container', async () => {
    const test = start({ layouts });
    await test.listed(seen(1));
    await test.say(stopping(test));
    await test.clock.advance(400_000);
    expect(await shows(test)).toBe(true);
    expect(await notes(test)).toEqual([]);
  });

  it('Drain: a command is acknowledged when the record is gone, not before', async () => {
    const { clock, store } = flaky();
    const test = start({ clock, layouts, stores: [store] });
    await test.listed(seen(1));
    const missing = () => test.loop.commands.views()[0]?.targets.map(({ acknowledged }) => acknowledged);
    store.failing = (call, txn) =>
      call === 'txn' && txn?.then.some(({ key }) => key === KEY) === true
        ? failure('registry-full')
        : undefined;
    test.loop.commands.give(WHOLE_HOST, true, clock.now());
    await clock.advance(1000);
    expect(await shows(test)).toBe(true);
    expect(missing()).toEqual([false]);
    store.failing = () => undefined;
    test.loop.targets[0]?.relist();
    await clock.advance(120_000);
    expect(await shows(test)).toBe(false);
    expect(missing()).toEqual([true]);
    test.loop.commands.give(WHOLE_HOST, false, clock.now());
    await clock.advance(1000);
    expect(await shows(test)).toBe(true);
  });

  it('Idempotence: writes nothing more while it lasts', async () => {
    const test = start({ layouts });
    await test.listed(seen(1), seen(2));
    await test.say(stopping(test));
    const before = await test.revision();
    test.loop.targets[0]?.relist();
    await test.clock.advance(120_000);
    expect(await test.revision()).toBe(before);
  });
});
