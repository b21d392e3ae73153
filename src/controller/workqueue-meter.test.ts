import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import type { Cause } from '../core/cause.ts';
import type { QueueMeter } from '../core/meter.ts';
import { type TakenWork, Workqueue } from './workqueue.ts';

const cause: Cause = { code: 'started', at: 0, explained: true };

/** A queue that hands out at once, and what its meter heard. */
function metered() {
  const clock = new VirtualClock();
  const heard: string[] = [];
  const meter: QueueMeter = {
    added: () => heard.push('added'),
    retried: () => heard.push('retried'),
    taken: (ms) => heard.push(`taken after ${String(ms)}`),
    done: (result, ms) => heard.push(`${result} in ${String(ms)}`),
  };
  const queue = new Workqueue({ clock, random: () => 1, debounce: { quietMs: 0, maxWaitMs: 0 }, meter });
  const signal = new AbortController().signal;
  const take = async (): Promise<TakenWork> => {
    const [work] = await queue.take(1, signal);
    if (work === undefined) throw new Error('nothing is there');
    return work;
  };
  const said = (): string[] => heard.splice(0);
  return { clock, queue, take, said };
}

describe('a metered workqueue', () => {
  it('counts a key once however often it is asked for, and times waiting and work', async () => {
    const { clock, queue, take, said } = metered();
    queue.add({ key: 'a', cause });
    queue.add({ key: 'a', cause });
    expect(queue.load()).toEqual({ depth: 1, active: 0, unfinishedMs: 0, longestMs: 0 });
    await clock.advance(30);
    await take();
    expect(queue.load()).toEqual({ depth: 0, active: 1, unfinishedMs: 0, longestMs: 0 });
    await clock.advance(5);
    queue.finish('a');
    expect(said()).toEqual(['added', 'taken after 30', 'success in 5']);
    expect(queue.load()).toEqual({ depth: 0, active: 0, unfinishedMs: 0, longestMs: 0 });
  });

  it('counts what becomes dirty while it is worked on as waiting', async () => {
    const { queue, take, said } = metered();
    queue.add({ key: 'a', cause });
    await take();
    queue.add({ key: 'a', cause });
    queue.add({ key: 'a', cause });
    expect(queue.load()).toMatchObject({ depth: 1, active: 1 });
    expect(said().filter((word) => word === 'added')).toHaveLength(2);
  });

  it('tells a failure from what is only looked at later, and counts both as put off', async () => {
    const { clock, queue, take, said } = metered();
    queue.add({ key: 'a', cause });
    queue.retry(await take());
    expect(said()).toEqual(['added', 'taken after 0', 'retried', 'error in 0']);
    // It waits for its time, not for somebody to work on it.
    expect(queue.load()).toMatchObject({ depth: 0, active: 0 });
    await clock.advance(1_000);
    queue.recheck(await take(), 10);
    await clock.advance(100);
    queue.replan(await take());
    expect(said().filter((word) => !word.startsWith('taken'))).toEqual([
      'retried',
      'requeue_after in 0',
      'retried',
      'requeue in 0',
    ]);
  });

  it('shows what hangs', async () => {
    const { clock, queue, take } = metered();
    queue.add({ key: 'a', cause });
    await take();
    await clock.advance(1_000);
    queue.add({ key: 'b', cause });
    await take();
    await clock.advance(500);
    expect(queue.load()).toEqual({ depth: 0, active: 2, unfinishedMs: 2_000, longestMs: 1_500 });
  });

  it('remembers the event that a key has been waiting for, whatever a list says of it meanwhile', async () => {
    const { clock, queue, take } = metered();
    queue.add({ key: 'a', cause: { ...cause, eventAt: 7 } });
    queue.add({ key: 'a', cause: { ...cause, at: 50 } });
    const work = await take();
    expect(work.cause).toEqual({ ...cause, at: 50, eventAt: 7 });
    queue.retry(work);
    await clock.advance(1_000);
    expect((await take()).cause.eventAt).toBe(7);
    queue.finish('a');
    // A drain by command is no part of the start.
    queue.add({ key: 'a', cause: { ...cause, eventAt: 9 } });
    queue.add({ key: 'a', cause: { code: 'drain-command', at: 60, explained: true } });
    await settle();
    expect((await take()).cause.eventAt).toBeUndefined();
  });
});
