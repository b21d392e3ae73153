import { describe, expect, it } from 'vitest';
import { BRAKE_OFF, type BrakeInput, brake } from './brake.ts';

const keys = (n: number, from = 0): string[] => Array.from({ length: n }, (_, i) => `k${String(from + i)}`);
const input = (over: Partial<BrakeInput>): BrakeInput => ({
  removals: [],
  owned: 0,
  now: 0,
  listedAt: 0,
  ...over,
});

describe('the brake', () => {
  it('lets few removals pass, even if they are all there is', () => {
    expect(brake(BRAKE_OFF, input({ removals: keys(9), owned: 9 })).held.size).toBe(0);
  });

  it('lets many removals pass when they are not more than half', () => {
    expect(brake(BRAKE_OFF, input({ removals: keys(20), owned: 40 })).held.size).toBe(0);
  });

  it('holds ten or more that are more than half, and says so once', () => {
    const first = brake(BRAKE_OFF, input({ removals: keys(11), owned: 20 }));
    expect(first.held.size).toBe(11);
    expect(first.engages).toBe(true);
    expect(brake(first.state, input({ removals: keys(11), owned: 20, now: 1000 })).engages).toBe(false);
  });

  it('counts over all batches of the window, not one by one', () => {
    let state = BRAKE_OFF;
    for (let batch = 0; batch < 3; batch += 1) {
      const decision = brake(
        state,
        input({ removals: keys(4, batch * 4), owned: 16 - batch * 4, now: batch * 100 }),
      );
      state = decision.state;
      expect(decision.held.size > 0).toBe(batch === 2);
    }
  });

  it('forgets removals that are older than the window', () => {
    const first = brake(BRAKE_OFF, input({ removals: keys(6), owned: 12 }));
    expect(brake(first.state, input({ removals: keys(6, 6), owned: 6, now: 10_001 })).held.size).toBe(0);
  });

  it('releases once the source has been read again five seconds later, and lets the rest pass', () => {
    const engaged = brake(
      BRAKE_OFF,
      input({ removals: keys(12), owned: 12, now: 1000, listedAt: 1000 }),
    ).state;
    expect(
      brake(engaged, input({ removals: keys(12), owned: 12, now: 5900, listedAt: 4000 })).held.size,
    ).toBe(12);
    const released = brake(engaged, input({ removals: keys(12), owned: 12, now: 6100, listedAt: 6050 }));
    expect(released).toMatchObject({ releases: true });
    expect(released.held.size).toBe(0);
    expect(brake(released.state, input({ removals: keys(12), owned: 12, now: 7000 })).held.size).toBe(0);
  });

  it('releases by itself after fifteen seconds although the source stays silent', () => {
    const engaged = brake(BRAKE_OFF, input({ removals: keys(12), owned: 12, listedAt: undefined })).state;
    expect(
      brake(engaged, input({ removals: keys(12), owned: 12, now: 15_000, listedAt: undefined })).held.size,
    ).toBe(0);
  });
});
