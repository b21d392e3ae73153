import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cause } from './cause.ts';
import { type PlanInput, planKey } from './plan.ts';
import type { DesiredRecord, ObservedRecord } from './record.ts';

const cause: Cause = { code: 'relisted', at: 1, explained: false };
const key = '/services/app/web/0123456789ab';
const want = (value = 'v'): DesiredRecord => ({ key, value, group: 'g', leased: false });
const held = (
  over: { value?: string; create?: string; mod?: string; lease?: string; entry?: string | undefined } = {},
): ObservedRecord => {
  const entry = 'entry' in over ? over.entry : '5';
  return {
    key,
    record: {
      value: over.value ?? 'v',
      createRevision: over.create ?? '5',
      modRevision: over.mod ?? '5',
      lease: over.lease ?? '0',
    },
    entry: entry === undefined ? undefined : { modRevision: entry },
  };
};
const plan = (over: Partial<PlanInput>) =>
  planKey({
    key,
    desired: undefined,
    observed: undefined,
    lastWritten: undefined,
    contested: false,
    lease: '77',
    cause,
    ...over,
  });
const action = (over: Partial<PlanInput>): string => {
  const verdict = plan(over);
  return verdict.type === 'change' ? verdict.change.action : verdict.type;
};

describe('planning one key', () => {
  it.each<[string, Partial<PlanInput>, string]>([
    ['nothing wanted, nothing there', {}, 'settled'],
    ['wanted and absent', { desired: want() }, 'create'],
    ['wanted and equal', { desired: want(), observed: held() }, 'settled'],
    ['wanted and different', { desired: want('new'), observed: held() }, 'update'],
    ['ours and not wanted', { observed: held() }, 'delete'],
    [
      'wanted, our record deleted by somebody',
      { desired: want(), observed: { key, record: undefined, entry: { modRevision: '5' } } },
      'create',
    ],
    [
      'not wanted, only our entry left',
      { observed: { key, record: undefined, entry: { modRevision: '5' } } },
      'forget',
    ],
    [
      'a record without an entry is somebody else’s',
      { desired: want(), observed: held({ entry: undefined }) },
      'foreign',
    ],
    ['a stranger’s record that nobody wants', { observed: held({ entry: undefined }) }, 'settled'],
    [
      'a record created after our entry is somebody else’s',
      { desired: want(), observed: held({ create: '9', mod: '9' }) },
      'forget',
    ],
    [
      'our entry deleted, the record as we wrote it',
      { desired: want(), observed: held({ entry: undefined }), lastWritten: '5' },
      'restore',
    ],
    [
      'our entry deleted, the record changed since',
      { desired: want(), observed: held({ entry: undefined, mod: '8' }), lastWritten: '5' },
      'foreign',
    ],
    [
      'changed in place under a stranger’s lease',
      { desired: want('x'), observed: held({ lease: '42' }) },
      'forget',
    ],
    [
      'changed in place under our own lease',
      { desired: want('x'), observed: held({ lease: '77' }) },
      'update',
    ],
    ['contested', { desired: want('x'), observed: held(), contested: true }, 'forget'],
    ['contested but equal', { desired: want(), observed: held(), contested: true }, 'settled'],
    [
      'leased and equal but without our lease',
      { desired: { ...want(), leased: true }, observed: held() },
      'update',
    ],
  ])('%s', (_name, input, expected) => {
    expect(action(input)).toBe(expected);
  });

  it('names the revisions on which it planned, so that an old plan never lands', () => {
    expect(plan({ observed: held({ mod: '8' }) })).toMatchObject({
      change: { expected: '8', entryRevision: '5' },
    });
    expect(plan({ desired: want('x'), observed: held({ mod: '8' }) })).toMatchObject({
      change: { expected: '8' },
    });
  });

  const observedArb = fc.record({
    record: fc.option(
      fc.record({
        value: fc.constantFrom('v', 'w'),
        create: fc.integer({ min: 1, max: 9 }),
        later: fc.nat(3),
        lease: fc.constantFrom('0', '77', '42'),
      }),
      { nil: undefined },
    ),
    entry: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  });
  const inputArb = fc.record({
    wanted: fc.boolean(),
    observed: observedArb,
    lastWritten: fc.option(fc.integer({ min: 1, max: 12 }).map(String), { nil: undefined }),
    contested: fc.boolean(),
  });
  const build = ({
    wanted,
    observed,
    lastWritten,
    contested,
  }: typeof inputArb extends fc.Arbitrary<infer T> ? T : never): Partial<PlanInput> => ({
    desired: wanted ? want() : undefined,
    lastWritten,
    contested,
    observed: {
      key,
      record: observed.record && {
        value: observed.record.value,
        createRevision: String(observed.record.create),
        modRevision: String(observed.record.create + observed.record.later),
        lease: observed.record.lease,
      },
      entry: observed.entry === undefined ? undefined : { modRevision: String(observed.entry) },
    },
  });

  it('Ownership: never updates or deletes a record without our proof of having created it', () => {
    fc.assert(
      fc.property(inputArb, (raw) => {
        const input = build(raw);
        const verdict = plan(input);
        if (verdict.type !== 'change' || !['update', 'delete'].includes(verdict.change.action)) return;
        const record = input.observed?.record;
        const entry = input.observed?.entry;
        const proven = entry !== undefined && Number(record?.createRevision) <= Number(entry.modRevision);
        expect(proven || record?.modRevision === input.lastWritten).toBe(true);
      }),
    );
  });

  it('Convergence and idempotence: applying the plan again and again ends, settled or given up to a stranger', () => {
    fc.assert(
      fc.property(inputArb, (raw) => {
        let input = build(raw);
        for (let step = 0, revision = 100; step < 5; step += 1, revision += 1) {
          const verdict = plan(input);
          if (verdict.type !== 'change') return;
          input = { ...input, ...applied(input, verdict.change.action, String(revision)) };
        }
        throw new Error('the plan never came to an end');
      }),
    );
  });
});

/** What a registry holds after a change, by the rules of the provider. */
function applied(input: Partial<PlanInput>, done: string, revision: string): Partial<PlanInput> {
  const record = input.observed?.record;
  const entry = input.observed?.entry;
  switch (done) {
    case 'create':
      return {
        lastWritten: revision,
        observed: {
          key,
          record: { value: 'v', createRevision: revision, modRevision: revision, lease: '0' },
          entry: { modRevision: revision },
        },
      };
    case 'update':
      return {
        lastWritten: revision,
        observed: { key, record: { ...record!, value: 'v', modRevision: revision, lease: '0' }, entry },
      };
    case 'delete':
      return { lastWritten: undefined, observed: { key, record: undefined, entry: undefined } };
    case 'forget':
      return { lastWritten: undefined, observed: { key, record, entry: undefined } };
    default:
      return { observed: { key, record, entry: { modRevision: revision } } };
  }
}
