import { describe, expect, it } from 'vitest';
import { SPEC } from '../../test/kit/prober-fake.ts';
import { afterProbe, firstProbeState, inheritedProbeState, type ProbeState, probeInterval } from './probe.ts';

/** `+` is a success and `-` a failure, one a second from second 1. */
function after(from: ProbeState, results: string, over: Partial<typeof SPEC> = {}): ProbeState {
  const spec = { ...SPEC, ...over };
  return Array.from(results).reduce(
    (state, result, n) =>
      afterProbe(
        state,
        result === '+' ? { ok: true } : { ok: false, why: 'refused', late: false },
        from.since + (n + 1) * 1_000,
        spec,
      ),
    from,
  );
}
const first = firstProbeState(5_000);

describe('what probes say', () => {
  it('is ready at the very first success', () => {
    expect(after(first, '-----+')).toMatchObject({ verdict: 'up', since: 11_000, why: undefined });
  });

  it('is quick at first, and takes its time once it knows', () => {
    expect(probeInterval(first, SPEC)).toBe(100);
    expect(probeInterval(after(first, '+'), SPEC)).toBe(1_000);
    expect(probeInterval(after(first, '-'), SPEC)).toBe(100);
  });

  it('fails when the start period passes without a success, and goes on to be tried', () => {
    const waiting = after(first, '-'.repeat(59));
    expect(waiting.verdict).toBe('starting');
    const failed = after(first, '-'.repeat(60));
    expect(failed).toMatchObject({ verdict: 'failed', since: 65_000, why: 'refused' });
    expect(probeInterval(failed, SPEC)).toBe(1_000);
    expect(after(failed, '--+').verdict).toBe('up');
  });

  it('goes down after so many failures in a row and no fewer', () => {
    expect(after(first, '+--+--+--').verdict).toBe('up');
    expect(after(first, '+--+---')).toMatchObject({ verdict: 'down', why: 'refused' });
  });

  it('comes back after so many successes in a row and no fewer', () => {
    expect(after(first, '+---+-+-+').verdict).toBe('down');
    expect(after(first, '+---+').why).toBe('refused');
    expect(after(first, '+---++')).toMatchObject({ verdict: 'up', why: undefined });
  });

  it('believes an earlier process until enough results speak against it', () => {
    const up = inheritedProbeState('up', 0);
    expect([after(up, '--').verdict, after(up, '---').verdict]).toEqual(['up', 'down']);
    const down = inheritedProbeState('down', 0);
    expect([after(down, '+').verdict, after(down, '++').verdict]).toEqual(['down', 'up']);
  });
});
