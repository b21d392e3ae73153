import type { Cause } from './cause.ts';
import { ownership } from './ownership.ts';
import type { Change } from './plan.ts';
import type { ObservedRecord, Revision } from './record.ts';

/** What an owner left in a registry, at one revision. */
export interface Estate {
  readonly owner: string;
  readonly revision: Revision;
  /** What its ledger speaks for. */
  readonly records: readonly ObservedRecord[];
  /** Bookkeeping that no ledger entry explains: spoilt entries, notes of drains. */
  readonly scraps: readonly Scrap[];
}

interface Scrap {
  readonly key: string;
  readonly revision: Revision;
}

/** One line of what becomes of an estate. `leave`: a record that stays, because somebody else created or took it. */
export interface Bequest {
  readonly key: string;
  readonly action: 'delete' | 'leave' | 'forget';
  readonly why: string;
  /** The key is the bookkeeping itself, not a record that some entry speaks for. */
  readonly scrap: boolean;
  readonly change: Change;
}

const WHY = {
  ours: 'the lost host created it',
  foreign: 'somebody else created it after the lost host had; only the ledger entry goes',
  leased: 'somebody put it under another lease; only the ledger entry goes',
  absent: 'the record is gone already; its ledger entry goes',
  scrap: 'bookkeeping that speaks for no record',
} as const;

/**
 * What a janitor does with each part of an estate: by the rules for own records. A record under a lease that its
 * entry does not share was taken over by somebody.
 */
export function planEstate({ records, scraps }: Estate, cause: Cause): readonly Bequest[] {
  return [
    ...records.flatMap((observed) => bequestOf(observed, cause)),
    ...scraps.map((scrap) => swept(scrap, cause)),
  ];
}

function bequestOf(observed: ObservedRecord, cause: Cause): readonly Bequest[] {
  const { key, record, entry } = observed;
  // Without an entry nothing proves whose it is.
  if (entry === undefined) return [];
  const entryRevision = entry.modRevision;
  const forget: Change = {
    action: 'forget',
    key,
    group: key,
    expected: record?.modRevision,
    entryRevision,
    cause,
  };
  if (record === undefined) return [{ key, action: 'forget', why: WHY.absent, scrap: false, change: forget }];
  const foreign = ownership(observed, undefined) === 'foreign';
  if (foreign || (record.lease !== '0' && record.lease !== entry.lease))
    return [{ key, action: 'leave', why: foreign ? WHY.foreign : WHY.leased, scrap: false, change: forget }];
  const expected = record.modRevision;
  const change: Change = {
    action: 'delete',
    key,
    before: record.value,
    group: key,
    expected,
    entryRevision,
    cause,
  };
  return [{ key, action: 'delete', why: WHY.ours, scrap: false, change }];
}

function swept({ key, revision }: Scrap, cause: Cause): Bequest {
  const change: Change = {
    action: 'forget',
    key,
    group: key,
    expected: revision,
    entryRevision: revision,
    cause,
  };
  return { key, action: 'forget', why: WHY.scrap, scrap: true, change };
}
