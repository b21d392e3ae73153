import type { Estate } from '../../core/estate.ts';
import { ok, type Result } from '../../core/failure.ts';
import { Names } from './names.ts';
import { readSnapshot } from './snapshot.ts';
import type { KvReader } from './store.ts';

/** What an owner left: its ledger, the records that it names, and notes of drains that no entry explains. */
export async function readEstate(
  store: KvReader,
  owner: string,
  signal: AbortSignal,
): Promise<Result<Estate>> {
  const names = new Names(owner);
  const read = await readSnapshot(store, names, [], signal);
  if (!read.ok) return read;
  const { revision, records, spoilt } = read.value;
  const notes = await store.list(names.drains, signal, revision);
  if (!notes.ok) return notes;
  const loose = notes.value.entries.filter(({ key }) => !records.has(key));
  const scraps = [...spoilt, ...loose].map(({ key, modRevision }) => ({ key, revision: modRevision }));
  return ok({ owner, revision, records: [...records.values()], scraps });
}
