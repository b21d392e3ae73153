import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALM, type Damping, type DampingTerms, isOut, wentDown } from './damping.ts';

const TERMS: DampingTerms = { after: 3, withinMs: 300_000, firstMs: 30_000, longestMs: 300_000 };
const after = (...times: readonly number[]): Damping =>
  times.reduce((damping, at) => wentDown(damping, at, TERMS), CALM);

describe('what goes up and down', () => {
  it('is let in again at once when that is rare', () => {
    expect(isOut(after(0, 10_000), 10_000)).toBe(false);
    expect(isOut(after(0, 200_000, 400_000, 600_000), 600_000)).toBe(false);
  });

  it('stays out for a while at the third time', () => {
    const damping = after(0, 10_000, 20_000);
    expect([isOut(damping, 20_000), isOut(damping, 49_999), isOut(damping, 50_000)]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('stays out twice as long each time it does so again, up to a limit', () => {
    const lengths: number[] = [];
    let damping = after(0, 1_000, 2_000);
    for (let n = 0; n < 6; n += 1) {
      lengths.push(damping.outMs / 1_000);
      damping = wentDown(damping, damping.until + 5_000, TERMS);
    }
    expect(lengths).toEqual([30, 60, 120, 240, 300, 300]);
  });

  it('has nothing added while it stays out', () => {
    const damping = after(0, 1_000, 2_000);
    expect(wentDown(damping, 20_000, TERMS).until).toBe(damping.until);
  });

  it('is forgotten after a calm time', () => {
    const damping = after(0, 1_000, 2_000);
    const later = wentDown(damping, damping.until + 300_001, TERMS);
    expect(later).toMatchObject({ outs: 0, downs: [damping.until + 300_001] });
  });

  it('never stays out longer than the limit and always comes back when it is stable, whatever happened before', () => {
    const terms = fc.record({
      after: fc.integer({ min: 2, max: 6 }),
      withinMs: fc.integer({ min: 1_000, max: 600_000 }),
      firstMs: fc.integer({ min: 1_000, max: 100_000 }),
      longestMs: fc.integer({ min: 100_000, max: 600_000 }),
    });
    const waits = fc.array(fc.oneof(fc.nat(10_000), fc.nat(1_000_000)), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(terms, waits, (of, gaps) => {
        let at = 0;
        let damping = CALM;
        let before = 0;
        for (const gap of gaps) {
          at += gap;
          const wasOut = isOut(damping, at);
          const { until } = damping;
          damping = wentDown(damping, at, of);
          expect(damping.until - at).toBeLessThanOrEqual(of.longestMs);
          expect(damping.downs.length).toBeLessThanOrEqual(of.after);
          if (wasOut) expect(damping.until).toBe(until);
          if (damping.outs > 1 && damping.until !== until)
            expect(damping.outMs).toBeGreaterThanOrEqual(before);
          before = damping.outs === 0 ? 0 : damping.outMs;
        }
        expect(isOut(damping, at + of.longestMs)).toBe(false);
      }),
    );
  });
});
