import { compareRevisions, type ObservedRecord, type Revision } from './record.ts';

/**
 * Who a record belongs to, told from the record and its ledger entry alone (design section 6).
 *
 * | record | entry | | verdict |
 * |---|---|---|---|
 * | absent | absent | | `absent` |
 * | absent | present | | `missing`: ours, deleted by somebody else |
 * | present | present, record created no later than the entry | | `ours` |
 * | present | present, record created later than the entry | | `foreign`: ours was deleted and somebody put theirs |
 * | present | absent | the record is as this process wrote it | `entry-lost` |
 * | present | absent | otherwise | `foreign` |
 */
export type Ownership = 'absent' | 'missing' | 'ours' | 'entry-lost' | 'foreign';

/** `lastWritten`: the mod revision at which this process last wrote the key, if it did. */
export function ownership(
  observed: ObservedRecord | undefined,
  lastWritten: Revision | undefined,
): Ownership {
  const record = observed?.record;
  const entry = observed?.entry;
  if (record === undefined) return entry === undefined ? 'absent' : 'missing';
  if (entry === undefined) return record.modRevision === lastWritten ? 'entry-lost' : 'foreign';
  return compareRevisions(record.createRevision, entry.modRevision) > 0 ? 'foreign' : 'ours';
}
