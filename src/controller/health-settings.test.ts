import { expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { describeSimply } from '../../test/kit/containers.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import { endedAfterEach, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { FakeProber, plan } from '../../test/kit/prober-fake.ts';
import type { DampingTerms } from '../core/damping.ts';

const start = endedAfterEach();
const TERMS: DampingTerms = { after: 2, withinMs: 300_000, firstMs: 30_000, longestMs: 120_000 };

function setUp(terms: { parallel: number; damping: DampingTerms | undefined }) {
  const clock = new VirtualClock();
  const prober = new FakeProber(clock);
  const health = {
    ...{ prober, random: () => 0.5, log: recordingLog() },
    get parallel() {
      return terms.parallel;
    },
    get damping() {
      return terms.damping;
    },
  };
  const loop = start({
    ...{ clock, health },
    describe: (of) => {
      const described = describeSimply(of);
      const probe = plan(of.name, { startPeriodMs: 10_000, rise: 1, fall: 1 });
      return { ...described, endpoints: described.endpoints.map((one) => ({ ...one, probe })) };
    },
  });
  const reload = async (): Promise<void> => {
    loop.loop.settingsChanged({
      ...{ owner: 'o', hostName: 'h', version: '1' },
      addresses: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
    });
    await clock.advance(100);
  };
  const upAndDown = async (): Promise<void> => {
    prober.open('c1');
    await clock.advance(1_500);
    prober.close('c1');
    await clock.advance(1_500);
  };
  const inRotation = async (): Promise<boolean> => {
    const value = (await loop.content()).get(serviceKey(1));
    return value !== undefined && !value.includes('draining');
  };
  return { clock, prober, loop, reload, upAndDown, inRotation };
}

it('damping that is switched off sets free what was kept out, and counts nothing', async () => {
  const terms: Parameters<typeof setUp>[0] = { parallel: 4, damping: TERMS };
  const { clock, prober, loop, reload, upAndDown, inRotation } = setUp(terms);
  await loop.listed(seen(1));
  await upAndDown();
  await upAndDown();
  prober.open('c1');
  await clock.advance(2_000);
  expect(await inRotation()).toBe(false);
  terms.damping = undefined;
  await reload();
  expect(await inRotation()).toBe(true);
  for (let n = 0; n < 4; n += 1) await upAndDown();
  prober.open('c1');
  await clock.advance(1_500);
  expect(await inRotation()).toBe(true);
});

it('damping that is switched on, or has other terms, counts from then on', async () => {
  const terms: Parameters<typeof setUp>[0] = { parallel: 4, damping: undefined };
  const { clock, prober, loop, reload, upAndDown, inRotation } = setUp(terms);
  await loop.listed(seen(1));
  for (let n = 0; n < 3; n += 1) await upAndDown();
  prober.open('c1');
  await clock.advance(1_500);
  terms.damping = { ...TERMS, firstMs: 5_000 };
  await reload();
  expect(await inRotation()).toBe(true);
  await upAndDown();
  await upAndDown();
  prober.open('c1');
  await clock.advance(1_500);
  expect(await inRotation()).toBe(false);
  await clock.advance(5_000);
  expect(await inRotation()).toBe(true);
});

it('more or fewer probes may be under way from then on', async () => {
  const terms: Parameters<typeof setUp>[0] = { parallel: 2, damping: undefined };
  const { clock, prober, loop, reload } = setUp(terms);
  prober.delayMs = () => 400;
  await loop.listed(...Array.from({ length: 20 }, (_, n) => seen(n + 1)));
  await clock.advance(3_000);
  expect(prober.most).toBe(2);
  terms.parallel = 8;
  await reload();
  await clock.advance(3_000);
  expect(prober.most).toBe(8);
  terms.parallel = 1;
  await reload();
  await clock.advance(1_000);
  expect(prober.running).toBe(1);
});
