import { CAUSES, type Cause } from './cause.ts';
import { ownership } from './ownership.ts';
import type { DesiredRecord, LedgerEntry, ObservedRecord, RegistryRecord, Revision } from './record.ts';

/**
 * One step towards the desired content of a registry. Every step names the revisions it was planned on; the provider
 * compares them in the transaction, so a step planned on an old view never lands.
 *
 * - `create` puts record and ledger entry where no record is (`entryRevision`: of a left-over entry, if any).
 * - `update` replaces the value in place; `delete` removes record and entry.
 * - `forget` removes only the ledger entry (the record is gone, or is somebody else's); `restore` puts only the entry.
 */
export type Change =
  | {
      readonly action: 'create';
      readonly key: string;
      readonly value: string;
      readonly group: string;
      readonly leased: boolean;
      readonly entryRevision: Revision | undefined;
      readonly cause: Cause;
    }
  | {
      readonly action: 'update';
      readonly key: string;
      readonly value: string;
      readonly before: string;
      readonly group: string;
      readonly leased: boolean;
      readonly expected: Revision;
      readonly cause: Cause;
    }
  | {
      readonly action: 'delete';
      readonly key: string;
      readonly before: string;
      readonly group: string;
      readonly expected: Revision;
      readonly entryRevision: Revision | undefined;
      readonly cause: Cause;
    }
  | {
      readonly action: 'forget';
      readonly key: string;
      readonly group: string;
      readonly expected: Revision | undefined;
      readonly entryRevision: Revision;
      readonly cause: Cause;
    }
  | {
      readonly action: 'restore';
      readonly key: string;
      readonly group: string;
      readonly expected: Revision;
      readonly cause: Cause;
    };

export type ChangeAction = Change['action'];

/** What a key needs. `foreign`: somebody else's record stands there and is left alone. */
export type Verdict =
  | { readonly type: 'settled' }
  | { readonly type: 'change'; readonly change: Change }
  | { readonly type: 'foreign'; readonly record: string };

export interface PlanInput {
  readonly key: string;
  readonly desired: DesiredRecord | undefined;
  readonly observed: ObservedRecord | undefined;
  /** Mod revision at which this process last wrote the key. */
  readonly lastWritten: Revision | undefined;
  /** Somebody altered the record in place three times within a minute. */
  readonly contested: boolean;
  /** This host's lease, decimal; records under any other lease but `0` were taken over by somebody. */
  readonly lease: string | undefined;
  readonly cause: Cause;
}

const SETTLED: Verdict = { type: 'settled' };

/** Plans one key. Pure: same input, same verdict. */
export function planKey(input: PlanInput): Verdict {
  const { observed, desired } = input;
  const verdict = ownership(observed, input.lastWritten);
  if (verdict === 'foreign') return planForeign(input);
  if (desired === undefined) return planUnwanted(input);
  const record = observed?.record;
  if (record === undefined) return planAbsent(input, desired);
  if (verdict === 'entry-lost') {
    const cause: Cause = { ...input.cause, code: 'damage-entry' };
    return {
      type: 'change',
      change: {
        action: 'restore',
        key: input.key,
        group: desired.group,
        expected: record.modRevision,
        cause,
      },
    };
  }
  return planOurs(input, desired);
}

/** Never touches the record; drops our ledger entry, so that nobody takes the record for ours later. */
function planForeign({ key, desired, observed, cause }: PlanInput): Verdict {
  const record = observed?.record;
  if (record === undefined) throw new Error(`a foreign record without a record at ${key}`);
  if (observed?.entry === undefined)
    return desired === undefined ? SETTLED : { type: 'foreign', record: record.value };
  return giveWay(key, desired?.group ?? key, record, observed.entry, cause);
}

function planUnwanted({ key, observed, cause }: PlanInput): Verdict {
  const record = observed?.record;
  const entry = observed?.entry;
  if (record !== undefined) {
    const change: Change = {
      action: 'delete',
      key,
      before: record.value,
      group: key,
      expected: record.modRevision,
      entryRevision: entry?.modRevision,
      cause,
    };
    return { type: 'change', change };
  }
  if (entry === undefined) return SETTLED;
  return {
    type: 'change',
    change: {
      action: 'forget',
      key,
      group: key,
      expected: undefined,
      entryRevision: entry.modRevision,
      cause,
    },
  };
}

function planAbsent({ key, observed, cause }: PlanInput, desired: DesiredRecord): Verdict {
  const entryRevision = observed?.entry?.modRevision;
  const { value, group, leased } = desired;
  const why: Cause = entryRevision === undefined ? cause : { ...cause, code: 'damage-missing' };
  return {
    type: 'change',
    change: { action: 'create', key, value, group, leased, entryRevision, cause: why },
  };
}

function planOurs({ key, observed, cause, contested, lease }: PlanInput, desired: DesiredRecord): Verdict {
  const record = observed?.record;
  const entry = observed?.entry;
  if (record === undefined || entry === undefined) throw new Error(`not our record: ${key}`);
  const { value, group, leased } = desired;
  const strangersLease = record.lease !== '0' && record.lease !== lease;
  if (record.value === value && (!leased || record.lease === lease)) return SETTLED;
  if ((strangersLease && !leased) || contested) return giveWay(key, group, record, entry, cause);
  return {
    type: 'change',
    change: {
      action: 'update',
      key,
      value,
      before: record.value,
      group,
      leased,
      expected: record.modRevision,
      cause,
    },
  };
}

/** Drops the ledger entry and leaves the record to whoever holds it. */
function giveWay(
  key: string,
  group: string,
  record: RegistryRecord,
  entry: LedgerEntry,
  cause: Cause,
): Verdict {
  const { modRevision: expected } = record;
  const yielded: Cause = { ...cause, code: 'yielded' };
  return {
    type: 'change',
    change: { action: 'forget', key, group, expected, entryRevision: entry.modRevision, cause: yielded },
  };
}

/** One sentence that says why a change is made. */
export function explainChange(change: Change): string {
  return CAUSES[change.cause.code];
}
