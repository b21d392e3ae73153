import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { FakeProber, plan } from '../../test/kit/prober-fake.ts';
import { firstProbeState, inheritedProbeState, type ProbeState } from '../core/probe.ts';
import { Probes } from './probes.ts';

function setUp(parallel = 64) {
  const clock = new VirtualClock();
  const prober = new FakeProber(clock);
  const turns: string[] = [];
  const probes = new Probes({
    ...{ prober, parallel, clock, random: () => 0.5 },
    onTurn: (key, { verdict: before }, { verdict }) => turns.push(`${key} ${before} ${verdict}`),
  });
  const begin = (key: string, over: Parameters<typeof plan>[1] = {}, state?: ProbeState): void => {
    probes.follow(key, plan(key, over), state ?? firstProbeState(clock.monotonic()));
    probes.wake(key);
  };
  return { clock, prober, probes, turns, begin };
}
const UP = inheritedProbeState('up', 0);

describe('the probes', () => {
  it('run at once, every 100 ms until the first success, and then at their interval', async () => {
    const { clock, prober, turns, begin } = setUp();
    begin('a');
    await clock.advance(1_050);
    expect(prober.count('a')).toBe(11);
    prober.open('a');
    await clock.advance(100);
    expect(turns).toEqual(['a starting up']);
    await clock.advance(10_000);
    expect(prober.count('a')).toBe(12 + 10);
  });

  it('report a failed start once, and go on at the interval', async () => {
    const { clock, prober, turns, begin } = setUp();
    begin('a', { startPeriodMs: 5_000, intervalMs: 10_000 });
    await clock.advance(5_500);
    expect(turns).toEqual(['a starting failed']);
    const before = prober.count('a');
    await clock.advance(100_000);
    expect(prober.count('a') - before).toBe(10);
    expect(turns).toHaveLength(1);
  });

  it('never run twice at once for one key, and never more than are allowed', async () => {
    const { clock, prober, begin } = setUp(4);
    prober.delayMs = () => 300;
    for (let n = 0; n < 20; n += 1) begin(`k${String(n)}`);
    await clock.advance(20_000);
    expect(prober.most).toBe(4);
    for (const times of prober.asked.values())
      for (const [n, at] of times.entries())
        if (n > 0) expect(at - (times[n - 1] ?? 0)).toBeGreaterThanOrEqual(300);
  });

  it('are fair: when there are too many, all get as many', async () => {
    const { clock, prober, begin } = setUp(4);
    prober.delayMs = () => 100;
    for (let n = 0; n < 100; n += 1) begin(`k${String(n)}`, {}, UP);
    await clock.advance(60_000);
    const counts = [...prober.asked.keys()].map((key) => prober.count(key));
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(2);
    // Nothing is idle meanwhile: four places, a tenth of a second each.
    expect(counts.reduce((a, b) => a + b)).toBeGreaterThan(2_300);
  });

  it('to dead addresses do not hold up those that answer', async () => {
    const { clock, prober, begin } = setUp(8);
    prober.delayMs = (address) => (address.startsWith('dead') ? 1_000_000 : 1);
    for (let n = 0; n < 100; n += 1) begin(`dead${String(n)}`, { timeoutMs: 1_000 }, UP);
    for (let n = 0; n < 20; n += 1) {
      begin(`fine${String(n)}`, {}, UP);
      prober.open(`fine${String(n)}`);
    }
    await clock.advance(60_000);
    for (let n = 0; n < 20; n += 1) expect(prober.count(`fine${String(n)}`)).toBeGreaterThan(40);
  });

  it('of a thousand endpoints begin in time', async () => {
    const { clock, prober, begin } = setUp();
    prober.delayMs = () => 2;
    for (let n = 0; n < 1_000; n += 1) {
      prober.open(`k${String(n)}`);
      begin(`k${String(n)}`, {}, UP);
    }
    await clock.advance(10_000);
    let latest = 0;
    for (const times of prober.asked.values())
      for (const [n, at] of times.entries()) if (n > 1) latest = Math.max(latest, at - (times[n - 1] ?? 0));
    expect(prober.most).toBeLessThanOrEqual(64);
    expect(latest).toBeLessThan(1_100);
  });

  it('of a great many that start together stay below a thousand a second', async () => {
    const { clock, prober, begin } = setUp();
    for (let n = 0; n < 400; n += 1) begin(`k${String(n)}`);
    await clock.advance(2_000);
    const all = [...prober.asked.values()].reduce((sum, times) => sum + times.length, 0);
    expect(all).toBeGreaterThan(1_600);
    expect(all).toBeLessThan(2_500);
  });

  it('rest without forgetting, and take up again at once', async () => {
    const { clock, prober, probes, begin } = setUp();
    prober.open('a');
    begin('a');
    await clock.advance(10);
    probes.rest('a');
    await clock.advance(60_000);
    expect([prober.count('a'), probes.state('a')?.verdict]).toEqual([1, 'up']);
    probes.wake('a');
    await clock.advance(1);
    expect(prober.count('a')).toBe(2);
  });

  it('that are given up while they run say nothing, and leave no timer', async () => {
    const { clock, prober, probes, turns, begin } = setUp();
    prober.delayMs = () => 100;
    prober.open('a');
    begin('a');
    await clock.advance(50);
    probes.drop('a');
    await clock.advance(1_000);
    expect([turns, probes.state('a'), prober.running, clock.pendingTimers]).toEqual([[], undefined, 0, 0]);
  });
});
