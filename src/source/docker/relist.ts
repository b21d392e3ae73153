import { ok, type Result } from '../../core/failure.ts';
import { type Clock, type Log, sleep } from '../../core/ports.ts';
import { type Deadline, isAborted, withDeadline } from './deadline.ts';
import type { Engine } from './engine.ts';
import type { Inspections } from './inspections.ts';
import type { Roster, Track } from './roster.ts';
import { type Row, readRow } from './row.ts';

/** A list may overtake the event of a death; so long a missing container waits for its explanation. */
const EXPLANATION_MS = 200;

/** Stands among the unread for rows that do not even tell an id. */
const NAMELESS = 'a row without an id';

export interface RelistContext {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly deadline: Deadline;
  readonly roster: Roster;
  readonly inspections: Inspections;
  readonly log: Log;
}

export interface RelistReport {
  /** Deaths that no event had told. */
  readonly ended: number;
  /** Running containers of which nothing could be read. */
  readonly unread: readonly string[];
}

/** Reads the whole list, has what is new or changed inspected, and says what is gone. */
export async function relist(context: RelistContext, signal: AbortSignal): Promise<Result<RelistReport>> {
  const { engine, deadline, roster, inspections } = context;
  // Events from here on know more than the list's answer.
  const mark = roster.events;
  const answer = await withDeadline(deadline, signal, 'GET /containers/json', (within) =>
    engine.list(within),
  );
  if (!answer.ok) return answer;
  const { rows, unreadable } = readRows(context, answer.value);
  const alive = [...rows.values()].filter((row) => row.alive);
  for (const row of alive) requestIfNew(context, row, mark);
  await inspections.tried(alive.map(({ id }) => id));
  // What is missing may be what cannot be read.
  const complete = unreadable === 0;
  const suspects = [...roster.all()].filter(
    (track) => isSuspect(track, rows, mark) && (complete || rows.has(track.id)),
  );
  const ended = await endUnexplained(context, suspects, rows, mark, signal);
  for (const row of alive) vouch(roster.get(row.id), row, mark);
  const nameless = complete ? [] : [NAMELESS];
  return ok({ ended, unread: [...unreadOf(alive, roster), ...nameless] });
}

function readRows(
  { log }: RelistContext,
  list: readonly unknown[],
): { readonly rows: Map<string, Row>; readonly unreadable: number } {
  const rows = new Map<string, Row>();
  let unreadable = 0;
  for (const json of list) {
    const row = readRow(json);
    if (row === undefined) unreadable += 1;
    else rows.set(row.id, row);
  }
  if (unreadable > 0) log.warn({ unreadable }, 'rows of the container list cannot be read');
  return { rows, unreadable };
}

function requestIfNew({ roster, inspections, clock }: RelistContext, row: Row, mark: number): void {
  const track = roster.ensure(row.id);
  if (track.touched > mark || inspections.isDueLater(row.id)) return;
  const vouched = row.fingerprint !== undefined && row.fingerprint === track.fingerprint;
  // What could not be read does not become readable by itself.
  if (vouched && (track.said === 'alive' || track.read === 'unreadable')) return;
  track.read = undefined;
  inspections.request(row.id, clock.now(), false);
}

/** Known, but neither list nor inspection found it alive, and no event is newer than the list. */
function isSuspect(track: Track, rows: ReadonlyMap<string, Row>, mark: number): boolean {
  if (track.touched > mark) return false;
  const row = rows.get(track.id);
  if (row === undefined) return true;
  return track.said === 'alive' && (!row.alive || track.read === 'not-alive');
}

async function endUnexplained(
  { clock, roster, inspections }: RelistContext,
  suspects: readonly Track[],
  rows: ReadonlyMap<string, Row>,
  mark: number,
  signal: AbortSignal,
): Promise<number> {
  if (suspects.some(({ said }) => said !== 'nothing')) await sleep(clock, EXPLANATION_MS, signal);
  if (isAborted(signal)) return 0;
  let ended = 0;
  for (const track of suspects) {
    if (roster.get(track.id) !== track || track.touched > mark) continue;
    inspections.drop(track.id);
    const news = rows.has(track.id)
      ? roster.died(track, false, clock.now())
      : roster.removed(track, false, clock.now());
    if (news) ended += 1;
  }
  return ended;
}

/** What was just read belongs to this row: as long as it stays the same it need not be read again. */
function vouch(track: Track | undefined, row: Row, mark: number): void {
  if (track === undefined || track.touched > mark) return;
  if (track.read === 'alive' || track.read === 'unreadable') track.fingerprint = row.fingerprint;
}

function unreadOf(alive: readonly Row[], roster: Roster): string[] {
  return alive
    .map(({ id }) => roster.get(id))
    .filter((track) => track !== undefined)
    .filter(({ read, said }) => said !== 'alive' && (read === 'failed' || read === 'unreadable'))
    .map(({ id }) => id);
}
