import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { containerId, describeSimply } from '../../test/kit/containers.ts';
import { recordingLog, type TestLoop } from '../../test/kit/loop.ts';
import { ended, endedAfterEach, keysOf, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { FakeProber, plan } from '../../test/kit/prober-fake.ts';
import { MemoryStore } from '../provider/memory/store.ts';
import { serviceViews } from './views.ts';

const start = endedAfterEach();
const DAMPING = { after: 3, withinMs: 300_000, firstMs: 30_000, longestMs: 120_000 };

interface Options {
  readonly damping?: typeof DAMPING;
  readonly probed?: boolean;
  readonly clock?: VirtualClock;
  readonly stores?: readonly MemoryStore[];
  readonly prober?: FakeProber;
  readonly instance?: string;
}

function setUp({ clock = new VirtualClock(), damping, probed = true, ...rest }: Options = {}) {
  const prober = rest.prober ?? new FakeProber(clock);
  const log = recordingLog();
  const loop = start({
    ...rest,
    clock,
    predecessorDead: true,
    describe: (of) => {
      const described = describeSimply(of);
      const probe = plan(of.name, { startPeriodMs: 10_000 });
      if (!probed || of.labels.has('none')) return described;
      return { ...described, endpoints: described.endpoints.map((one) => ({ ...one, probe })) };
    },
    health: { prober, parallel: 64, damping, random: () => 0.5, log },
  });
  return { loop, clock, prober, log };
}
/** `registered`, `draining` with its cause, or undefined when nothing stands in /services. */
const stateOf = async (loop: TestLoop, n: number): Promise<string | undefined> => {
  if (!(await loop.content()).has(serviceKey(n))) return undefined;
  const [view] = serviceViews(loop.loop.endpoints);
  return view?.cause === undefined ? view?.state : `${view.state} ${view.cause}`;
};
const why = (loop: TestLoop): string | undefined => serviceViews(loop.loop.endpoints)[0]?.why;

describe('a container with a probe', () => {
  it('is announced until its port opens, and registered at once then', async () => {
    const { loop, clock, prober } = setUp();
    await loop.listed(seen(1));
    await clock.advance(5_000);
    expect(await loop.records()).toEqual([keysOf(1)[0], '/hosts/o']);
    expect(why(loop)).toBe('its probe does not succeed yet: refused');
    prober.open('c1');
    await clock.advance(150);
    expect(await stateOf(loop, 1)).toBe('registered');
    expect(why(loop)).toBeUndefined();
  });

  it('that has none is never probed', async () => {
    const { loop, clock, prober } = setUp();
    await loop.listed(seen(1, { labels: new Map([['none', '']]) }));
    await clock.advance(5_000);
    expect([prober.asked.size, await stateOf(loop, 1)]).toEqual([0, 'registered']);
  });

  it('that is not ready within its start period is reported once, and registered when it is after all', async () => {
    const { loop, clock, prober, log } = setUp();
    await loop.listed(seen(1));
    await clock.advance(60_000);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'probe has not succeeded within the start period'],
    ]);
    expect(why(loop)).toBe('its probe did not succeed within the start period of 10s: refused');
    prober.open('c1');
    await clock.advance(1_100);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('drains as unhealthy when its port closes, is announced when that is over, and comes back', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    prober.close('c1');
    await clock.advance(2_000);
    expect(await stateOf(loop, 1)).toBe('registered');
    await clock.advance(2_000);
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
    await clock.advance(32_000);
    expect(await stateOf(loop, 1)).toBeUndefined();
    prober.open('c1');
    await clock.advance(1_100);
    expect(await stateOf(loop, 1)).toBeUndefined();
    await clock.advance(1_100);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('and a health check needs both to be fine', async () => {
    const { loop, clock, prober } = setUp();
    await loop.listed(seen(1, { health: 'starting' }));
    prober.open('c1');
    await clock.advance(1_000);
    expect([await stateOf(loop, 1), why(loop)]).toEqual([
      undefined,
      'its health check has not succeeded yet',
    ]);
    await loop.say(seen(1, { health: 'healthy' }));
    expect(await stateOf(loop, 1)).toBe('registered');
    await loop.say(seen(1, { health: 'unhealthy' }));
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
    prober.close('c1');
    await clock.advance(4_000);
    await loop.say(seen(1, { health: 'healthy' }));
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
    prober.open('c1');
    await clock.advance(3_000);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('is probed no more once it is told to stop, and anew after a new start', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    await loop.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    const asked = prober.count('c1');
    prober.close('c1');
    await clock.advance(60_000);
    expect([prober.count('c1'), await stateOf(loop, 1)]).toEqual([asked, 'draining stop-signal']);
    await loop.say(ended(1));
    await loop.say(seen(1, { startedAt: '2026-01-02T00:00:00Z' }));
    expect(await stateOf(loop, 1)).toBeUndefined();
    prober.open('c1');
    await clock.advance(150);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('begins anew when it was started again without a word about its death', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    prober.close('c1');
    await loop.say(seen(1, { startedAt: '2026-01-02T00:00:00Z' }));
    expect(await stateOf(loop, 1)).toBeUndefined();
    prober.open('c1');
    await clock.advance(150);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('is probed again when it outlives its stop signal', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    await loop.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    await clock.advance(10_000 + 5 * 60_000 + 1_000);
    expect(await stateOf(loop, 1)).toBe('registered');
    prober.close('c1');
    await clock.advance(4_000);
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
  });

  it('is not probed while it is paused, and is back as soon as it answers again', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    await loop.say(seen(1, { state: 'paused' }));
    const asked = prober.count('c1');
    await clock.advance(60_000);
    expect([prober.count('c1'), await stateOf(loop, 1)]).toEqual([asked, undefined]);
    await loop.say(seen(1));
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('has to show anew that it is ready after a pause, before it is back in rotation', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    await loop.say(seen(1, { state: 'paused' }));
    prober.close('c1');
    await clock.advance(60_000);
    await loop.say(seen(1));
    expect(await stateOf(loop, 1)).toBeUndefined();
    await clock.advance(4_000);
    expect(await stateOf(loop, 1)).toBeUndefined();
    prober.open('c1');
    await clock.advance(200);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('that a wrong list forgets for a while comes back as it was', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    await loop.say(ended(1, false));
    const asked = prober.count('c1');
    await clock.advance(5_000);
    expect(prober.count('c1')).toBe(asked);
    prober.close('c1');
    await loop.listed(seen(1));
    expect(await stateOf(loop, 1)).toBe('registered');
    await clock.advance(4_000);
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
  });

  it('that is gone is not probed, and leaves nothing', async () => {
    const { loop, clock, prober } = setUp();
    prober.open('c1');
    await loop.listed(seen(1));
    await loop.say(ended(1));
    const asked = prober.count('c1');
    await clock.advance(10_000);
    expect([prober.count('c1'), await loop.records()]).toEqual([asked, ['/hosts/o']]);
  });
});

describe('Unknown is not empty: after a restart of the agent', () => {
  async function restarted(
    prepare: (prober: FakeProber) => void,
    before: (prober: FakeProber, clock: VirtualClock) => Promise<void> = () => Promise.resolve(),
  ) {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const prober = new FakeProber(clock);
    prober.open('c1');
    const first = setUp({ clock, stores, prober });
    await first.loop.listed(seen(1));
    await before(prober, clock);
    await first.loop.end();
    prepare(prober);
    const second = setUp({ clock, stores, prober, instance: 'j' });
    return second;
  }

  for (const order of ['containers first', 'registry first'])
    it(`what is registered stays while the first probe is under way (${order})`, async () => {
      const { loop, clock, prober } = await restarted((slow) => {
        slow.delayMs = () => 400;
      });
      if (order === 'registry first') await clock.advance(5_000);
      await loop.listed(seen(1));
      for (let n = 0; n < 10; n += 1) {
        expect(await stateOf(loop, 1)).toBe('registered');
        await clock.advance(50);
      }
      expect(prober.count('c1')).toBeGreaterThan(0);
    });

  it('what fails now drains after as many failures as ever', async () => {
    const { loop, clock } = await restarted((prober) => {
      prober.close('c1');
    });
    await loop.listed(seen(1));
    await clock.advance(1_000);
    expect(await stateOf(loop, 1)).toBe('registered');
    await clock.advance(3_000);
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
  });

  it('what drained as unhealthy is not back before its probe has risen', async () => {
    const { loop, clock } = await restarted(
      (prober) => {
        prober.open('c1');
      },
      async (prober, clock) => {
        prober.close('c1');
        await clock.advance(4_500);
      },
    );
    await loop.listed(seen(1));
    await clock.advance(300);
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
    await clock.advance(3_000);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('what was started meanwhile begins anew', async () => {
    const { loop } = await restarted((prober) => {
      prober.close('c1');
    });
    await loop.listed();
    await loop.say(seen(1, { startedAt: '2026-01-02T00:00:00Z' }));
    expect(await stateOf(loop, 1)).toBeUndefined();
  });
});

describe('what goes up and down too often', () => {
  const healthy = seen(1, { health: 'healthy' });
  const sick = seen(1, { health: 'unhealthy' });

  async function flap(loop: TestLoop, times: number): Promise<void> {
    for (let n = 0; n < times; n += 1) {
      await loop.say(sick);
      await loop.say(healthy);
    }
  }

  it('stays out for a growing time, says so once, and comes back', async () => {
    const { loop, clock, log } = setUp({ probed: false, damping: DAMPING });
    await loop.listed(healthy);
    await flap(loop, 2);
    expect(await stateOf(loop, 1)).toBe('registered');
    await flap(loop, 1);
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
    expect(log.lines).toMatchObject([
      { level: 'warn', message: 'goes up and down too often; stays out of rotation for a while' },
    ]);
    const [view] = serviceViews(loop.loop.endpoints);
    expect(view?.why).toContain('too often');
    expect((view?.outUntil ?? 0) - clock.now()).toBeGreaterThan(29_000);
    await clock.advance(28_000);
    expect(await stateOf(loop, 1)).not.toBe('registered');
    await clock.advance(2_000);
    expect(await stateOf(loop, 1)).toBe('registered');
    await flap(loop, 1);
    await clock.advance(58_000);
    expect(await stateOf(loop, 1)).toBeUndefined();
    await clock.advance(2_000);
    expect(await stateOf(loop, 1)).toBe('registered');
    expect(log.lines).toHaveLength(2);
  });

  it('is let in again at once when damping is off', async () => {
    const { loop } = setUp({ probed: false });
    await loop.listed(healthy);
    await flap(loop, 10);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('is forgotten with a new start', async () => {
    const { loop } = setUp({ probed: false, damping: DAMPING });
    await loop.listed(healthy);
    await flap(loop, 3);
    await loop.say(ended(1));
    await loop.say(seen(1, { health: 'healthy', startedAt: '2026-01-02T00:00:00Z' }));
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('does not include what is paused by hand', async () => {
    const { loop } = setUp({ probed: false, damping: DAMPING });
    await loop.listed(healthy);
    for (let n = 0; n < 10; n += 1) {
      await loop.say(seen(1, { health: 'healthy', state: 'paused' }));
      await loop.say(healthy);
    }
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('includes what its probe finds', async () => {
    const { loop, clock, prober } = setUp({ damping: DAMPING });
    prober.open('c1');
    await loop.listed(seen(1));
    for (let n = 0; n < 3; n += 1) {
      prober.close('c1');
      await clock.advance(4_000);
      prober.open('c1');
      await clock.advance(3_000);
    }
    expect(await stateOf(loop, 1)).toBe('draining unhealthy');
    await clock.advance(30_000);
    expect(await stateOf(loop, 1)).toBe('registered');
  });

  it('is counted by a clock that nobody sets', async () => {
    const { loop, clock } = setUp({ probed: false, damping: DAMPING });
    await loop.listed(healthy);
    await flap(loop, 3);
    clock.step(-3_600_000);
    await clock.advance(30_500);
    expect(await stateOf(loop, 1)).toBe('registered');
  });
});
