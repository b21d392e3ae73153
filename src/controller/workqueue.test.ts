import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import type { Cause } from '../core/cause.ts';
import { type TakenWork, Workqueue } from './workqueue.ts';

const cause = (code: Cause['code'] = 'ready', explained = false): Cause => ({ code, at: 0, explained });
function setUp(quietMs = 10, maxWaitMs = 50) {
  const clock = new VirtualClock();
  const queue = new Workqueue({ clock, random: () => 1, debounce: { quietMs, maxWaitMs } });
  const stop = new AbortController();
  const take = () => {
    const taken: { batch?: readonly TakenWork[] } = {};
    void queue.take(100, stop.signal).then((batch) => (taken.batch = batch));
    return taken;
  };
  return { clock, queue, stop, take };
}
const keysOf = (taken: { batch?: readonly TakenWork[] }) => taken.batch?.map(({ key }) => key);

describe('the workqueue', () => {
  it('hands the first change out at once', async () => {
    const { queue, take } = setUp();
    const taken = take();
    queue.add({ key: 'a', cause: cause() });
    await settle();
    expect(keysOf(taken)).toEqual(['a']);
  });

  it('gathers what follows closely until it is quiet, but never beyond the maximum wait', async () => {
    const { clock, queue, take } = setUp();
    queue.add({ key: 'first', cause: cause() });
    take();
    await settle();
    const taken = take();
    for (let i = 0; i < 20; i += 1) {
      queue.add({ key: `k${String(i)}`, cause: cause() });
      await clock.advance(5);
      if (taken.batch !== undefined) break;
    }
    expect(keysOf(taken)?.length).toBe(10);
  });

  it('hands a key out once, and again after it is finished if it became dirty meanwhile', async () => {
    const { clock, queue, take } = setUp(0, 0);
    queue.add({ key: 'a', cause: cause() });
    queue.add({ key: 'a', cause: cause() });
    const first = take();
    await settle();
    expect(keysOf(first)).toEqual(['a']);
    queue.add({ key: 'a', cause: cause('died') });
    const second = take();
    await clock.advance(1000);
    expect(second.batch).toBeUndefined();
    queue.finish('a');
    await settle();
    expect(second.batch?.[0]?.cause.code).toBe('died');
  });

  it('lets the keys of an endpoint wait for the one that is under way, and hands them out together at once', async () => {
    const { clock, queue, take } = setUp();
    queue.add({ key: 'mark', cause: cause(), group: 'e' });
    take();
    await settle();
    queue.add({ key: 'copy', cause: cause('died'), group: 'e' });
    queue.add({ key: 'mark', cause: cause('died'), group: 'e' });
    queue.add({ key: 'other', cause: cause(), group: 'f' });
    expect(queue.size).toBe(3);
    const other = take();
    await clock.advance(50);
    expect(keysOf(other)).toEqual(['other']);
    const rest = take();
    await clock.advance(50);
    expect(rest.batch).toBeUndefined();
    queue.finish('mark');
    await settle();
    expect(keysOf(rest)).toEqual(['mark', 'copy']);
    for (const key of ['mark', 'copy', 'other']) queue.finish(key);
    expect(queue.idle).toBe(true);
  });

  it('does not let a key that waits for its backoff hold the others of its endpoint', async () => {
    const { queue, take } = setUp(0, 0);
    queue.add({ key: 'bad', cause: cause(), group: 'e' });
    const taken = take();
    await settle();
    queue.add({ key: 'good', cause: cause(), group: 'e' });
    queue.retry(taken.batch![0]!);
    const next = take();
    await settle();
    expect(keysOf(next)).toEqual(['good']);
  });

  it('waits longer after each failure of a key, and not at all when something about it changed', async () => {
    const { clock, queue, take } = setUp(0, 0);
    queue.add({ key: 'a', cause: cause() });
    let taken = take();
    await settle();
    const delays: number[] = [];
    for (let i = 0; i < 4; i += 1) {
      delays.push(queue.retry(taken.batch![0]!));
      taken = take();
      await clock.advance(delays.at(-1)!);
    }
    expect(delays).toEqual([100, 200, 400, 800]);
    queue.retry(taken.batch![0]!);
    const soon = take();
    queue.add({ key: 'a', cause: cause() });
    await settle();
    expect(keysOf(soon)).toEqual(['a']);
  });

  it('tries everything at once when the target is back', async () => {
    const { queue, take } = setUp(0, 0);
    queue.add({ key: 'a', cause: cause() });
    const taken = take();
    await settle();
    queue.retry(taken.batch![0]!);
    const again = take();
    queue.forgive();
    await settle();
    expect(keysOf(again)).toEqual(['a']);
  });

  it('plans again at once when the world moved, but backs off when it keeps moving', async () => {
    const { clock, queue, take } = setUp(0, 0);
    queue.add({ key: 'a', cause: cause() });
    let taken = take();
    await settle();
    for (let i = 0; i < 3; i += 1) {
      queue.replan(taken.batch![0]!);
      taken = take();
      await clock.advance(1);
      expect(keysOf(taken)).toEqual(['a']);
    }
    queue.replan(taken.batch![0]!);
    taken = take();
    await clock.advance(50);
    expect(taken.batch).toBeUndefined();
    await clock.advance(1000);
    expect(keysOf(taken)).toEqual(['a']);
  });

  it('does not let a later list turn a seen death into a riddle', async () => {
    const { queue, take } = setUp();
    queue.add({ key: 'a', cause: cause('died', true) });
    queue.add({ key: 'a', cause: cause('relisted') });
    const taken = take();
    await settle();
    expect(taken.batch?.[0]?.cause).toMatchObject({ code: 'died', explained: true });
  });

  it('lets go of a waiting worker when the agent stops', async () => {
    const { stop, take } = setUp();
    const taken = take();
    stop.abort();
    await settle();
    expect(taken.batch).toEqual([]);
  });
});
