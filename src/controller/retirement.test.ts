import { describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import { container } from '../../test/kit/containers.ts';
import { type LoopOptions, TestLoop } from '../../test/kit/loop.ts';
import type { SourceSignal } from '../core/ports.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const TTL = 15_000;
const GRACE = 30_000;
const SOON = 2_000;
const seen = (n: number): SourceSignal => ({ type: 'seen', container: container(n), at: 0 });

/** Two hosts on one registry, `gone` with two containers, and `here`. */
async function world(options: LoopOptions = {}) {
  const clock = new VirtualClock();
  const stores = [new MemoryStore({ clock })];
  const gone = new TestLoop({ clock, stores, owner: 'gone', instance: 'g1' });
  await gone.listed(seen(1), seen(2));
  const here = new TestLoop({ clock, stores, owner: 'here', instance: 'h1', ...options });
  await here.listed(seen(3));
  const left = async () => (await here.entries()).map(({ key }) => key).filter((key) => key.includes('gone'));
  const own = async () => (await here.records()).length;
  return { gone, here, left, own };
}

describe('a host that is to be removed', () => {
  const never = new AbortController().signal;
  const janitorOf = ({ loop }: TestLoop) => {
    const [janitor] = loop.janitors;
    if (janitor === undefined) throw new Error('no janitor');
    return janitor;
  };

  it('goes at once with all it left, although its machine answers', async () => {
    const { gone, here, left, own } = await world({ probe: () => Promise.resolve('answers') });
    await gone.end();
    await here.clock.advance(TTL + GRACE + SOON);
    expect(await left()).toContain('/hosts/gone');
    const retired = janitorOf(here).retire('gone', false, never);
    await settle();
    expect(await retired).toEqual({ type: 'retired', records: 5 });
    expect(await left()).toEqual([]);
    expect(await own()).toBe(3);
    await here.end();
  });

  it('stays while its agent lives, whoever insists; so does the one that is asked', async () => {
    const { gone, here } = await world();
    for (const [owner, why] of [
      ['gone', 'its agent runs'],
      ['here', 'this agent itself'],
    ] as const)
      expect(await janitorOf(here).retire(owner, true, never)).toMatchObject({
        type: 'refused',
        why: expect.stringContaining(why) as string,
      });
    expect(await janitorOf(here).retire('nobody', true, never)).toEqual({ type: 'unknown' });
    await gone.end();
    await here.end();
  });

  it('is taken out of a handover only by force', async () => {
    const { gone, here, left } = await world();
    await gone.leave();
    await here.clock.advance(100);
    expect(await janitorOf(here).retire('gone', false, never)).toMatchObject({
      type: 'refused',
      why: expect.stringContaining('--force') as string,
    });
    const retired = janitorOf(here).retire('gone', true, never);
    await settle();
    expect(await retired).toEqual({ type: 'retired', records: 5 });
    expect(await left()).toEqual([]);
    await here.end();
  });

  it('is removed by no agent that may remove nothing', async () => {
    const { gone, here, left } = await world({ policy: 'upsert-only' });
    await gone.end();
    await here.clock.advance(TTL + SOON);
    expect(await janitorOf(here).retire('gone', false, never)).toMatchObject({ type: 'refused' });
    expect(await left()).toContain('/hosts/gone');
    await here.end();
  });
});
