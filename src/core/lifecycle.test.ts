import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Phase } from './endpoint.ts';
import { advance, type Fact, firstPhase, STOP_GRACE_MS } from './lifecycle.ts';

const observed = (over: Partial<Fact & { type: 'observed' }> = {}): Fact => ({
  type: 'observed',
  ready: true,
  unhealthy: false,
  startedAt: 'one',
  drainMs: 30_000,
  at: 10,
  ...over,
});
const after = (phase: Phase, ...facts: Fact[]): Phase => facts.reduce(advance, phase);
const registered = advance(firstPhase(1, 'one'), observed());
const stop: Fact = { type: 'stop-signal', stopTimeoutMs: 10_000, at: 20 };

describe('the life of an endpoint', () => {
  it('is announced when seen and registered when ready', () => {
    expect(firstPhase(1, 'one').state).toBe('announced');
    expect(registered).toMatchObject({ state: 'registered', since: 10 });
  });

  it('goes back to announced when it is not ready any more (paused)', () => {
    expect(after(registered, observed({ ready: false, at: 12 }))).toMatchObject({
      state: 'announced',
      since: 12,
    });
  });

  it('returns the same object when a fact changes nothing', () => {
    expect(advance(registered, observed({ at: 99 }))).toBe(registered);
  });

  it('drains at the stop signal and no relist cancels it', () => {
    const draining = after(registered, stop);
    expect(draining).toMatchObject({ state: 'draining', cause: 'stop-signal', since: 20 });
    expect(after(draining, observed({ at: 30 }), observed({ at: 40, ready: false }))).toBe(draining);
  });

  it('remembers whether it was in rotation when it was told to stop', () => {
    expect(after(registered, stop).offered).toBe(true);
    expect(after(firstPhase(1, 'one'), stop)).toMatchObject({ state: 'draining', offered: false });
    expect(after(registered, observed({ ready: false }), stop).offered).toBe(false);
    expect(after(firstPhase(1, 'one'), stop, observed({ ready: true }))).toMatchObject({
      state: 'draining',
      offered: false,
    });
  });

  it('ends a drain with a new start', () => {
    expect(after(registered, stop, observed({ startedAt: 'two', at: 30 }))).toMatchObject({
      state: 'registered',
      cause: undefined,
      startedAt: 'two',
    });
    expect(after(registered, stop, observed({ startedAt: 'two', ready: false })).state).toBe('announced');
  });

  it('takes a container that ignores its stop signal back after the stop timeout and five minutes', () => {
    const draining = after(registered, stop);
    const end = 20 + 10_000 + STOP_GRACE_MS;
    expect(after(draining, { type: 'time', ready: true, at: end - 1 })).toBe(draining);
    expect(after(draining, { type: 'time', ready: true, at: end })).toMatchObject({
      state: 'registered',
      since: end,
    });
    expect(after(draining, { type: 'time', ready: false, at: end }).state).toBe('announced');
  });

  it('drains while unhealthy, comes back when healthy, and is announced after the drain time', () => {
    const sick = after(registered, observed({ ready: false, unhealthy: true, at: 50 }));
    expect(sick).toMatchObject({ state: 'draining', cause: 'unhealthy', since: 50, until: 30_050 });
    expect(after(sick, observed({ ready: false, unhealthy: true, at: 60 }))).toBe(sick);
    expect(after(sick, observed({ at: 70 }))).toMatchObject({ state: 'registered', since: 70 });
    expect(after(sick, { type: 'time', ready: false, at: 30_050 }).state).toBe('announced');
  });

  it('keeps a commanded drain until undrain, whatever is observed', () => {
    const drained = after(registered, { type: 'drain', at: 5 }, observed({ at: 100 }), {
      type: 'time',
      ready: true,
      at: 1e9,
    });
    expect(drained).toMatchObject({ state: 'draining', cause: 'command' });
    expect(after(drained, { type: 'undrain', ready: true, at: 200 }).state).toBe('registered');
    expect(after(drained, { type: 'undrain', ready: false, at: 200 }).state).toBe('announced');
  });

  it('lets a stop signal outrank a command, and undrain cannot cancel a stop', () => {
    const stopping = after(registered, { type: 'drain', at: 5 }, stop);
    expect(stopping).toMatchObject({ cause: 'stop-signal', since: 20 });
    expect(after(stopping, { type: 'drain', at: 25 })).toBe(stopping);
    expect(after(stopping, { type: 'undrain', ready: true, at: 30 })).toBe(stopping);
  });

  it('adopts a drain of the same start and no other', () => {
    const drain = {
      endpoint: 'e',
      cause: 'stop-signal',
      since: 7,
      until: 9_000_000,
      startedAt: 'one',
      offered: true,
    } as const;
    expect(after(registered, { type: 'adopt', drain })).toMatchObject({
      state: 'draining',
      since: 7,
      until: 9_000_000,
    });
    expect(after(registered, { type: 'adopt', drain: { ...drain, startedAt: 'zero' } })).toBe(registered);
  });

  it('expires when gone, from every state', () => {
    for (const phase of [firstPhase(1, 'one'), registered, after(registered, stop)]) {
      expect(after(phase, { type: 'gone', at: 80 })).toMatchObject({
        state: 'expired',
        since: 80,
        cause: undefined,
      });
    }
  });

  it('never throws, and has a cause exactly while it drains, for any sequence of facts', () => {
    const at = fc.nat(1_000_000);
    const fact: fc.Arbitrary<Fact> = fc.oneof(
      fc
        .record({
          ready: fc.boolean(),
          unhealthy: fc.boolean(),
          startedAt: fc.constantFrom('one', 'two', undefined),
          at,
        })
        .map((o) => observed(o)),
      at.map((t): Fact => ({ type: 'stop-signal', stopTimeoutMs: 1, at: t })),
      at.map((t): Fact => ({ type: 'drain', at: t })),
      fc.record({ ready: fc.boolean(), at }).map((o): Fact => ({ type: 'undrain', ...o })),
      fc.record({ ready: fc.boolean(), at }).map((o): Fact => ({ type: 'time', ...o })),
    );
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 30 }), (facts) => {
        let phase = firstPhase(0, 'one');
        for (const each of facts) {
          phase = advance(phase, each);
          expect(phase.cause !== undefined).toBe(phase.state === 'draining');
        }
      }),
    );
  });
});
