import fc from 'fast-check';
import { ACTIONS } from './actions.ts';
import { MACHINE_FAULTS } from './faults.ts';
import { LEASE_FAULTS } from './lease-faults.ts';
import { ORDERS } from './orders.ts';
import type { Deed, Step } from './step.ts';
import { STRANGERS } from './strangers.ts';
import type { Terms } from './world.ts';

/** What happens, in order. At least 30 steps, of which at least three kinds of fault. */
export interface Schedule {
  readonly terms: Terms;
  readonly steps: readonly Step[];
  /** Wait until containers that were told to stop count as survivors, instead of ending them. */
  readonly waitForDrains: boolean;
}

export const FAULTS: Readonly<Record<string, Deed>> = { ...MACHINE_FAULTS, ...LEASE_FAULTS, ...STRANGERS };
export const DEEDS: Readonly<Record<string, Deed>> = { ...ACTIONS, ...ORDERS, ...FAULTS };
/** A storm costs as much as all else together, so it comes half as often. */
const USUAL = [...Object.keys(ACTIONS).filter((kind) => kind !== 'storm'), ...Object.keys(ORDERS)];

const stepOf = (kinds: readonly string[], waits: readonly number[]): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    host: fc.nat(2),
    registry: fc.nat(1),
    pick: fc.nat(999),
    ms: fc.constantFrom(50, 700, 3_000, 9_000, 20_000, 40_000),
    wait: fc.constantFrom(...waits),
  });

const actions = fc.array(
  stepOf([...USUAL, ...USUAL, 'storm'], [0, 1, 3, 20, 150, 1_000, 2_000, 4_000, 11_000]),
  {
    minLength: 27,
    maxLength: 45,
  },
);

const faults = fc.uniqueArray(
  fc.record({ step: stepOf(Object.keys(FAULTS), [0, 1, 3, 20, 500, 2_000, 12_000]), at: fc.nat(60) }),
  { minLength: 3, maxLength: 9, selector: ({ step }) => step.kind },
);

const terms = fc.record({
  seed: fc.nat(),
  batchKeys: fc.constantFrom(512, 64, 4),
  maxOperations: fc.constantFrom(128, 128, 9),
  latencyMs: fc.constantFrom(0, 2, 2, 60),
  containers: fc.integer({ min: 3, max: 9 }),
  expiry: fc.array(fc.constantFrom('prune' as const, 'prune' as const, 'ttl' as const, 'mixed' as const), {
    minLength: 3,
    maxLength: 3,
  }),
  onlooker: fc.constantFrom(false, false, false, true),
});

export const schedules: fc.Arbitrary<Schedule> = fc
  .record({ terms, actions, faults, waitForDrains: fc.boolean() })
  .map(({ terms: chosen, actions: deeds, faults: troubles, waitForDrains }) => {
    const steps = [...deeds];
    for (const { step, at } of troubles) steps.splice(at % (steps.length + 1), 0, step);
    return { terms: chosen, steps, waitForDrains };
  });
