import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import type { Change } from '../../core/plan.ts';
import type { ChangeResult } from '../../core/ports.ts';
import { compareRevisions, type RegistryRecord } from '../../core/record.ts';
import { recordOf } from './interest.ts';
import type { Names } from './names.ts';
import type { KeyValue, KvReader } from './store.ts';

export interface RehangOptions {
  readonly reader: KvReader;
  readonly names: Names;
  readonly apply: (changes: readonly Change[], lease: string) => Promise<readonly ChangeResult[]>;
}

/** Others may alter a record at the same moment; what has moved then is looked at again. */
const TRIES = 3;

/**
 * Puts every own record that hangs on some lease, as it stands and with its entry, under this one; answers how many. Told
 * by the ledger and not by what containers offer: at a start or an end nobody may know that yet, or any more.
 */
export async function rehang(
  lease: string,
  { reader, names, apply }: RehangOptions,
  signal: AbortSignal,
): Promise<Result<number>> {
  let moved = 0;
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const changes = await pending(lease, reader, names, signal);
    if (!changes.ok) return changes;
    if (changes.value.length === 0) break;
    const results = await apply(changes.value, lease);
    moved += results.filter(({ outcome }) => outcome.type === 'settled').length;
    const obstacle = results.map(obstacleIn).find((found) => found !== undefined);
    if (obstacle !== undefined) return { ok: false, failure: obstacle };
  }
  return ok(moved);
}

/** What another try would not get round: a record that moved is read again, one that is refused stays where it is. */
function obstacleIn({ outcome }: ChangeResult): Failure | undefined {
  if (outcome.type !== 'retry') return undefined;
  const { kind, message } = outcome.failure;
  if (kind === 'conflict' || kind === 'terminal') return undefined;
  return failure(outcome.failure.code, `records could not be moved to another lease: ${message}`);
}

async function pending(
  lease: string,
  reader: KvReader,
  names: Names,
  signal: AbortSignal,
): Promise<Result<readonly Change[]>> {
  const ledger = await reader.list(names.ledger, signal);
  if (!ledger.ok) return ledger;
  const elsewhere = new Map<string, KeyValue>();
  for (const entry of ledger.value.entries) {
    const key = entry.value;
    if (entry.lease === '0' || entry.lease === lease) continue;
    if (names.mayOwn(key) && names.entry(key) === entry.key) elsewhere.set(key, entry);
  }
  if (elsewhere.size === 0) return ok([]);
  const found = await reader.get([...elsewhere.keys()], signal, ledger.value.revision);
  if (!found.ok) return found;
  const changes: Change[] = [];
  for (const [key, entry] of elsewhere) {
    const record = found.value.entries.get(key);
    if (record !== undefined && isOurs(record, entry)) changes.push(moveOf(key, recordOf(record)));
  }
  return ok(changes);
}

/** Somebody else's, or under a lease of somebody else, is left to the plan: it gives way. */
function isOurs(record: KeyValue, entry: KeyValue): boolean {
  if (compareRevisions(record.createRevision, entry.modRevision) > 0) return false;
  return record.lease === '0' || record.lease === entry.lease;
}

function moveOf(key: string, { value, modRevision }: RegistryRecord): Change {
  return {
    action: 'update',
    key,
    value,
    before: value,
    group: key,
    leased: true,
    unhung: false,
    expected: modRevision,
    cause: { code: 'lease-moved', at: 0, explained: true },
  };
}
