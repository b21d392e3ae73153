import { CAUSES, type Cause } from './cause.ts';
import { ownership } from './ownership.ts';
import {
  compareRevisions,
  type DesiredRecord,
  type LedgerEntry,
  type ObservedRecord,
  type RegistryRecord,
  type Revision,
} from './record.ts';

/**
 * One step towards the desired content of a registry. Every step names the revisions it was planned on; the provider
 * compares them in the transaction, so a step planned on an old view never lands.
 *
 * - `create` puts record and ledger entry where no record is (`entryRevision`: of a left-over entry, if any).
 * - `update` replaces the value in place, or only its lease; `delete` removes record and entry.
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
      /** It leaves a lease: the ledger entry has to come along, or it would go with that. */
      readonly unhung: boolean;
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
      readonly leased: boolean;
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
  /** This host's lease, decimal; undefined while there is none, or nobody to write. */
  readonly lease: string | undefined;
  /** The lease under which the record was when it was last seen, if it is gone since. */
  readonly lostLease: string | undefined;
  /** Of the endpoint whose key it is or was, if that is known: what it no longer wants goes with what it wants. */
  readonly group?: string | undefined;
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
        leased: desired.leased,
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

function planUnwanted({ key, observed, cause, lease, group = key }: PlanInput): Verdict {
  const record = observed?.record;
  const entry = observed?.entry;
  // Somebody made our record his own: a container that announces itself, where we did it before.
  if (record !== undefined && entry !== undefined && underStrangersLease(record, entry, lease))
    return giveWay(key, key, record, entry, cause);
  if (record !== undefined) {
    const change: Change = {
      action: 'delete',
      key,
      before: record.value,
      group,
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
      group,
      expected: undefined,
      entryRevision: entry.modRevision,
      cause,
    },
  };
}

function planAbsent(input: PlanInput, desired: DesiredRecord): Verdict {
  const { key, observed, lease, lostLease } = input;
  const entryRevision = observed?.entry?.modRevision;
  const { value, group, leased } = desired;
  const code: Cause['code'] =
    lostLease !== undefined && lease !== undefined && lostLease !== lease
      ? 'lease-lost'
      : entryRevision === undefined
        ? input.cause.code
        : 'damage-missing';
  const cause: Cause = { ...input.cause, code };
  return { type: 'change', change: { action: 'create', key, value, group, leased, entryRevision, cause } };
}

function planOurs(input: PlanInput, desired: DesiredRecord): Verdict {
  const { key, observed, cause, contested, lease, lastWritten } = input;
  const record = observed?.record;
  const entry = observed?.entry;
  if (record === undefined || entry === undefined) throw new Error(`not our record: ${key}`);
  const { value, group, leased } = desired;
  const same = record.value === value;
  const strangers = underStrangersLease(record, entry, lease);
  const hangsRight = [record, entry].every((each) => isHome(each.lease, leased, lease));
  // In its place a stranger may have put just what we would write; it is repaired when it goes.
  if (same && (hangsRight || (strangers && !leased))) return SETTLED;
  const untouched = same && record.modRevision === lastWritten;
  if (strangers || (contested && !untouched)) return giveWay(key, group, record, entry, cause);
  return {
    type: 'change',
    change: {
      action: 'update',
      key,
      value,
      before: record.value,
      group,
      leased,
      unhung: !leased && !hangsRight,
      expected: record.modRevision,
      cause: untouched ? { ...cause, code: 'lease-moved' } : cause,
    },
  };
}

/** Whether this is the lease to hang on; which of this host's it is counts only when we know ours. */
function isHome(found: string, leased: boolean, lease: string | undefined): boolean {
  if (!leased) return found === '0';
  return lease === undefined ? found !== '0' : found === lease;
}

/**
 * Altered in place under a lease that is none of this host's. A record as old as its entry is not: we put it there with
 * an earlier lease, which an agent before us may have left in a handover.
 */
function underStrangersLease(record: RegistryRecord, entry: LedgerEntry, lease: string | undefined): boolean {
  if (record.lease === '0' || record.lease === lease) return false;
  return compareRevisions(record.modRevision, entry.modRevision) > 0;
}

/** Somebody has put his own in the place of our record, and keeps it. `lease`: this host's. */
export function isMadeTheirs(observed: ObservedRecord | undefined, lease: string | undefined): boolean {
  const { record, entry } = observed ?? {};
  return record !== undefined && entry !== undefined && underStrangersLease(record, entry, lease);
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
