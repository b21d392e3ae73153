import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cause } from './cause.ts';
import { type Change, type PlanInput, planKey } from './plan.ts';
import type { DesiredRecord, ObservedRecord } from './record.ts';

const cause: Cause = { code: 'relisted', at: 1, explained: false };
const key = '/services/app/web/0123456789ab';
const want = (value = 'v', leased = false): DesiredRecord => ({ key, value, group: 'g', leased });
const held = (
  over: {
    value?: string;
    create?: string;
    mod?: string;
    lease?: string;
    entry?: string | undefined;
    entryLease?: string;
  } = {},
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
    entry:
      entry === undefined ? undefined : { modRevision: entry, lease: over.entryLease ?? over.lease ?? '0' },
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
    lostLease: undefined,
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
      { desired: want(), observed: { key, record: undefined, entry: { modRevision: '5', lease: '0' } } },
      'create',
    ],
    [
      'not wanted, only our entry left',
      { observed: { key, record: undefined, entry: { modRevision: '5', lease: '0' } } },
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
      { desired: want('x'), observed: held({ lease: '42', mod: '8', entryLease: '0' }) },
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
      'ttl: equal and under our lease',
      { desired: want('v', true), observed: held({ lease: '77' }) },
      'settled',
    ],
    ['ttl: equal but under no lease', { desired: want('v', true), observed: held() }, 'update'],
    [
      'ttl: equal, under the lease of an agent before us',
      { desired: want('v', true), observed: held({ lease: '42' }) },
      'update',
    ],
    [
      'ttl: equal, but the entry hangs on an earlier lease',
      { desired: want('v', true), observed: held({ lease: '77', entryLease: '42' }) },
      'update',
    ],
    [
      'ttl: put again in place under a stranger’s lease',
      { desired: want('v', true), observed: held({ lease: '42', mod: '8', entryLease: '77' }) },
      'forget',
    ],
    [
      'ttl: under some lease of ours, and nobody to write who would know which',
      { desired: want('v', true), observed: held({ lease: '42' }), lease: undefined },
      'settled',
    ],
    [
      'prune: equal, but still under our lease',
      { desired: want(), observed: held({ lease: '77' }) },
      'update',
    ],
    [
      'prune: equal, but still under the lease of an agent before us',
      { desired: want(), observed: held({ lease: '42' }) },
      'update',
    ],
    [
      'prune: equal, put there by a stranger under his lease',
      { desired: want(), observed: held({ lease: '42', mod: '8', entryLease: '0' }) },
      'settled',
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

  it('calls nobody guilty when a record went with the lease of its host', () => {
    const gone = { desired: want('v', true), observed: undefined };
    expect(plan({ ...gone, lostLease: '42' })).toMatchObject({ change: { cause: { code: 'lease-lost' } } });
    expect(plan({ ...gone, lostLease: '77' })).toMatchObject({ change: { cause: { code: 'relisted' } } });
    const entryLeft = { key, record: undefined, entry: { modRevision: '5', lease: '77' } };
    expect(plan({ ...gone, observed: entryLeft, lostLease: '77' })).toMatchObject({
      change: { cause: { code: 'damage-missing' } },
    });
  });

  it('moves a record that nobody has touched to another lease, also while its key is contested', () => {
    const moved = { desired: want('v', true), observed: held({ lease: '42' }), lastWritten: '5' };
    const verdict = { change: { action: 'update', unhung: false, cause: { code: 'lease-moved' } } };
    expect(plan({ ...moved, contested: true })).toMatchObject(verdict);
    expect(plan({ ...moved, desired: want() })).toMatchObject({ change: { leased: false, unhung: true } });
    expect(plan({ ...moved, lastWritten: '4', contested: true })).toMatchObject({
      change: { action: 'forget' },
    });
  });

  const leaseArb = fc.constantFrom('0', '77', '42');
  const observedArb = fc.record({
    record: fc.option(
      fc.record({
        value: fc.constantFrom('v', 'w'),
        create: fc.integer({ min: 1, max: 9 }),
        later: fc.nat(3),
        lease: leaseArb,
      }),
      { nil: undefined },
    ),
    entry: fc.option(fc.record({ at: fc.integer({ min: 1, max: 9 }), lease: leaseArb }), { nil: undefined }),
  });
  const inputArb = fc.record({
    wanted: fc.constantFrom('no', 'prune', 'ttl'),
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
    desired: wanted === 'no' ? undefined : want('v', wanted === 'ttl'),
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
      entry: observed.entry && { modRevision: String(observed.entry.at), lease: observed.entry.lease },
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
          input = { ...input, ...applied(input, verdict.change, String(revision)) };
        }
        throw new Error('the plan never came to an end');
      }),
    );
  });

  it('Expiry: what is settled and ours hangs where it should, the entry with its record', () => {
    fc.assert(
      fc.property(inputArb, (raw) => {
        let input = build(raw);
        for (let step = 0, revision = 100; step < 5; step += 1, revision += 1) {
          const verdict = plan(input);
          if (verdict.type !== 'change') break;
          input = { ...input, ...applied(input, verdict.change, String(revision)) };
        }
        const { record, entry } = input.observed ?? {};
        if (record === undefined || entry === undefined || raw.wanted === 'no') return;
        const strangers = record.lease === '42' && Number(record.modRevision) > Number(entry.modRevision);
        const home = raw.wanted === 'ttl' ? '77' : '0';
        if (raw.wanted === 'ttl' || !strangers) expect([record.lease, entry.lease]).toEqual([home, home]);
      }),
    );
  });
});

/** What a registry holds after a change, by the rules of the provider. */
function applied(input: Partial<PlanInput>, change: Change, revision: string): Partial<PlanInput> {
  const { record, entry } = input.observed ?? {};
  const lease = 'leased' in change && change.leased ? '77' : '0';
  const fresh = { modRevision: revision, lease };
  switch (change.action) {
    case 'create': {
      const made = { value: 'v', createRevision: revision, modRevision: revision, lease };
      return { lastWritten: revision, observed: { key, record: made, entry: fresh } };
    }
    case 'update': {
      const updated = { ...record!, value: 'v', modRevision: revision, lease };
      const kept = change.leased || change.unhung ? fresh : entry;
      return { lastWritten: revision, observed: { key, record: updated, entry: kept } };
    }
    case 'delete':
      return { lastWritten: undefined, observed: { key, record: undefined, entry: undefined } };
    case 'forget':
      return { lastWritten: undefined, observed: { key, record, entry: undefined } };
    case 'restore':
      return { observed: { key, record, entry: fresh } };
  }
}
