import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { containerId } from '../../test/kit/containers.ts';
import { ended, endedAfterEach, many, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const HOUR_MS = 3_600_000;
const start = endedAfterEach();

describe.each([
  { way: 'forward', by: HOUR_MS },
  { way: 'back', by: -HOUR_MS },
])('a clock that is set $way by an hour', ({ by }) => {
  it('Brake: does not let go at once, and lets go in time', async () => {
    const test = start();
    const { clock } = test;
    await test.listed(...many(12));
    await test.say(...Array.from({ length: 12 }, (_, n) => ended(n + 1, false)));
    expect(test.loop.targets[0]?.brakeEngaged).toBe(true);
    clock.step(by);
    await test.listed();
    await clock.advance(4_000);
    expect((await test.records()).length).toBe(25);
    await clock.advance(11_500);
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Brake: a list read five seconds after confirms the removals', async () => {
    const test = start();
    const { clock } = test;
    await test.listed(...many(12));
    await test.say(...Array.from({ length: 12 }, (_, n) => ended(n + 1, false)));
    clock.step(by);
    await clock.advance(5_000);
    await test.listed();
    await clock.advance(1_000);
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Drain: one of ill health ends after its time, neither before nor long after', async () => {
    const test = start();
    const { clock } = test;
    const health = (word: 'healthy' | 'unhealthy') => ({ ...seen(1, { health: word }), at: clock.now() });
    await test.listed(health('healthy'));
    await test.say(health('unhealthy'));
    clock.step(by);
    // Any news makes the loop look at its deadlines again.
    await test.listed();
    await clock.advance(25_000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
    await clock.advance(5_000);
    expect((await test.content()).get(serviceKey(1))).toBeUndefined();
  });

  it('Drain: a container that was told to stop does not come back into rotation, until its time is over', async () => {
    const test = start();
    const { clock } = test;
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    clock.step(by);
    await test.listed();
    await clock.advance(300_000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
    await clock.advance(15_000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('Drain: a signal whose time was told by a clock set otherwise lasts as long as any', async () => {
    const test = start();
    const { clock } = test;
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() + by });
    await clock.advance(300_000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
    await clock.advance(15_000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('Drain: one that a predecessor began is adopted, and ends in time', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores });
    await first.listed(seen(1));
    await first.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    await first.end();
    const second = start({ clock, stores, instance: 'j', predecessorDead: true });
    await second.listed(seen(1));
    expect((await second.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
    clock.step(by);
    await second.listed();
    await clock.advance(250_000);
    expect((await second.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
    await clock.advance(65_000);
    expect((await second.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });

  it('a key altered three times is given up if it was within a minute, and only then', async () => {
    const test = start();
    const { clock } = test;
    await test.listed(seen(1));
    const alter = async (value: string): Promise<void> => {
      await test.put(serviceKey(1), value);
      await clock.advance(1_000);
    };
    await alter('one');
    await alter('two');
    await clock.advance(61_000);
    clock.step(by);
    await alter('three');
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
    clock.step(by);
    await alter('four');
    await alter('five');
    expect((await test.content()).get(serviceKey(1))).toBe('five');
  });
});
