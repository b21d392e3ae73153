import { describe, expect, it } from 'vitest';
import {
  announcement,
  announcementKey,
  announcer,
  announcingLayouts,
  describing,
  PATH,
} from '../../test/kit/announcing.ts';
import { VirtualClock } from '../../test/kit/clock.ts';
import { describeSimply } from '../../test/kit/containers.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import { endedAfterEach, seen, serviceKey, short } from '../../test/kit/loop-script.ts';
import { FakeProber, plan } from '../../test/kit/prober-fake.ts';
import { convergeOnce } from './once.ts';

const start = endedAfterEach();

/** Each container has a probe of its name, with a start period of ten seconds. */
function setUp() {
  const clock = new VirtualClock();
  const prober = new FakeProber(clock);
  const loop = start({
    clock,
    describe: (of) => {
      const described = describeSimply(of);
      const probe = plan(of.name, { startPeriodMs: 10_000 });
      return { ...described, endpoints: described.endpoints.map((one) => ({ ...one, probe })) };
    },
    health: { prober, parallel: 64, damping: undefined, random: () => 0.5, log: recordingLog() },
  });
  const log = recordingLog();
  const stop = new AbortController();
  let result: boolean | undefined;
  void convergeOnce(loop.loop, { clock, log, signal: stop.signal }).then((done) => {
    result = done;
  });
  const said = () => log.lines.map(({ message, fields }) => [message, fields['container'], fields['reason']]);
  return { clock, prober, loop, stop, said, result: () => result };
}

describe('one pass', () => {
  it('waits for what is in its start period, and ends once that is in rotation', async () => {
    const { clock, prober, loop, said, result } = setUp();
    await loop.listed(seen(1));
    await clock.advance(5_000);
    expect([result(), (await loop.content()).has(serviceKey(1))]).toEqual([undefined, false]);
    prober.open('c1');
    await clock.advance(500);
    expect([result(), (await loop.content()).has(serviceKey(1))]).toEqual([true, true]);
    expect(said()).toEqual([]);
  });

  it('ends with the start period of what does not become ready, and names it', async () => {
    const { clock, prober, loop, said, result } = setUp();
    prober.open('c2');
    await loop.listed(seen(1), seen(2));
    await clock.advance(11_000);
    expect(result()).toBe(true);
    const reason = 'its probe did not succeed within the start period of 10s: refused';
    expect(said()).toEqual([['not ready; left out of rotation', 'c1', reason]]);
  });

  it('does not wait for what cannot become ready by its probe alone', async () => {
    const { clock, loop, said, result } = setUp();
    await loop.listed(seen(1, { state: 'paused' }));
    await clock.advance(500);
    expect([result(), said()]).toEqual([true, [['not ready; left out of rotation', 'c1', 'it is paused']]]);
  });

  it('gives up when the registries are not brought up to date', async () => {
    const { clock, result } = setUp();
    await clock.advance(61_000);
    expect(result()).toBe(false);
  });

  it('waits until announcements have been read, and not for one to appear', async () => {
    const clock = new VirtualClock();
    const loop = start({ clock, describe: describing(), layouts: announcingLayouts() });
    await loop.put(announcementKey(1), announcement(1));
    const log = recordingLog();
    let result: boolean | undefined;
    void convergeOnce(loop.loop, { clock, log, signal: new AbortController().signal }).then((done) => {
      result = done;
    });
    await loop.listed(seen(1, announcer()), seen(2, announcer()));
    await clock.advance(100);
    expect(result).toBe(true);
    expect(await loop.records()).toContain(`/services${PATH}/${short(1)}`);
    expect(log.lines.map(({ fields }) => [fields['container'], fields['reason']])).toEqual([
      ['c2', `no announcement at ${announcementKey(2)} yet`],
    ]);
  });

  it('waits no longer when it is told to stop', async () => {
    const { clock, loop, stop, said, result } = setUp();
    await loop.listed(seen(1));
    await clock.advance(1_000);
    stop.abort();
    await clock.advance(100);
    expect(result()).toBe(true);
    expect(said()).toEqual([
      ['not ready; left out of rotation', 'c1', 'its probe does not succeed yet: refused'],
    ]);
  });
});
