import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cause } from './cause.ts';
import { planEstate } from './estate.ts';
import type { ObservedRecord } from './record.ts';

const cause: Cause = { code: 'host-lost', at: 0, explained: true };
const observed = (created: string, entry: string, lease = '0', entryLease = '0'): ObservedRecord => ({
  key: '/services/a',
  record: { value: 'v', createRevision: created, modRevision: '50', lease },
  entry: { modRevision: entry, lease: entryLease },
});
const actions = (...records: ObservedRecord[]) =>
  planEstate({ owner: 'o', revision: '99', records, scraps: [] }, cause).map(({ action }) => action);

describe('the estate of a lost host', () => {
  it('is removed where the ledger proves who created it', () => {
    expect(actions(observed('5', '5'), observed('4', '6'))).toEqual(['delete', 'delete']);
  });

  it('is left to whoever created a record later, or took it under another lease', () => {
    expect(actions(observed('7', '6'), observed('5', '5', '8'))).toEqual(['leave', 'leave']);
  });

  it('goes with its own lease too, before that ends by itself', () => {
    expect(actions(observed('5', '5', '8', '8'))).toEqual(['delete']);
  });

  it('loses entries without a record, and bookkeeping that speaks for none', () => {
    const entry = { modRevision: '5', lease: '0' };
    const records = [{ key: '/services/a', record: undefined, entry }];
    const scraps = [{ key: '/portolan/owners/o/x', revision: '9' }];
    const plan = planEstate({ owner: 'o', revision: '99', records, scraps }, cause);
    expect(plan.map(({ action, scrap }) => [action, scrap])).toEqual([
      ['forget', false],
      ['forget', true],
    ]);
  });

  it('never touches what no entry speaks for, and compares every revision that it was planned on', () => {
    const revision = fc.nat({ max: 1_000 }).map(String);
    const record = fc.record({
      value: fc.string(),
      createRevision: revision,
      modRevision: revision,
      lease: fc.constantFrom('0', '7'),
    });
    const entry = fc.option(fc.record({ modRevision: revision, lease: fc.constantFrom('0', '7') }), {
      nil: undefined,
    });
    fc.assert(
      fc.property(fc.option(record, { nil: undefined }), entry, (stands, proof) => {
        const records = [{ key: '/k', record: stands, entry: proof }];
        const plan = planEstate({ owner: 'o', revision: '0', records, scraps: [] }, cause);
        if (proof === undefined) expect(plan).toEqual([]);
        for (const { change } of plan)
          expect(change).toMatchObject({ expected: stands?.modRevision, entryRevision: proof?.modRevision });
        if (
          stands !== undefined &&
          proof !== undefined &&
          Number(stands.createRevision) > Number(proof.modRevision)
        )
          expect(plan[0]?.action).toBe('leave');
      }),
    );
  });
});
