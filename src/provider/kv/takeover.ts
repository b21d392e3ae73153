import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import type { HostEntry } from '../../core/ports.ts';
import type { Revision } from '../../core/record.ts';
import { decodeHeartbeat, encodeCard, encodeHeartbeat, type Identity } from './heartbeat.ts';
import type { KeyValue, KvReader, KvWriter } from './store.ts';

/** The right to write: the heartbeat is ours at this revision. */
export interface Held {
  readonly lease: string;
  readonly revision: Revision;
  /** Of the store when the heartbeat was seen to be so, to watch from: its own revision may be compacted by then. */
  readonly seen: Revision;
  /** The lease was found and kept, not granted. */
  readonly takenUp: boolean;
  /** What the heartbeat says. */
  readonly value: string;
}

export type Acquired =
  | { readonly type: 'held'; readonly held: Held }
  /** `revision`: of the store when this was found, to watch from. */
  | { readonly type: 'standby'; readonly holder: string; readonly why: string; readonly revision: Revision }
  | { readonly type: 'failed'; readonly failure: Failure };

export interface TakeoverOptions {
  readonly reader: KvReader;
  readonly writer: KvWriter;
  /** Key of the heartbeat. */
  readonly key: string;
  /** Key of the card, which is put anew with each heartbeat and stays when that is gone. */
  readonly card: string;
  readonly identity: Identity;
  readonly ttlSeconds: number;
  /** Tells that the process behind a heartbeat is gone for certain, such as by its control socket that refuses. */
  readonly predecessorDead: (entry: HostEntry) => Promise<boolean>;
}

type Verdict =
  | { readonly alive: false }
  | { readonly alive: true; readonly holder: string; readonly why: string };

const DEAD: Verdict = { alive: false };
/** Another instance may be doing the same at the same moment; one of the two gets through each time. */
const TRIES = 3;

/** Makes the heartbeat ours, unless another living instance of the same owner has it. */
export async function acquire(options: TakeoverOptions, signal: AbortSignal): Promise<Acquired> {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const read = await options.reader.get([options.key], signal);
    if (!read.ok) return { type: 'failed', failure: read.failure };
    const found = read.value.entries.get(options.key);
    const verdict = found === undefined ? ok(DEAD) : await judge(options, found, signal);
    if (!verdict.ok) return { type: 'failed', failure: verdict.failure };
    if (verdict.value.alive) {
      const { holder, why } = verdict.value;
      return { type: 'standby', holder, why, revision: read.value.revision };
    }
    const taken = await take(options, found, read.value.revision, signal);
    if (!taken.ok) return { type: 'failed', failure: taken.failure };
    if (taken.value !== undefined) return { type: 'held', held: taken.value };
  }
  return { type: 'failed', failure: failure('record-moved', 'the heartbeat changed at each try') };
}

async function judge(
  options: TakeoverOptions,
  found: KeyValue,
  signal: AbortSignal,
): Promise<Result<Verdict>> {
  const { identity, writer, predecessorDead } = options;
  const entry = decodeHeartbeat(found);
  // A heartbeat that hangs on no lease, or that nobody can read, is no agent's.
  if (entry === undefined || found.lease === '0') return ok(DEAD);
  if (entry.instance === identity.instance || entry.handover) return ok(DEAD);
  if (await predecessorDead(entry)) return ok(DEAD);
  const time = await writer.leaseTimeToLive(found.lease, signal);
  if (!time.ok) return time;
  const { remaining, granted } = time.value;
  // Kept alive every third of its time, a living one never shows less than two thirds.
  if (remaining < (granted * 2) / 3 - 1) return ok(DEAD);
  const why = `its lease was kept alive lately: ${remaining} of ${granted} s are left`;
  return ok({ alive: true, holder: entry.instance, why });
}

/** undefined: somebody else was faster, look again. */
async function take(
  options: TakeoverOptions,
  found: KeyValue | undefined,
  seen: Revision,
  signal: AbortSignal,
): Promise<Result<Held | undefined>> {
  const kept = found === undefined ? ok(undefined) : await keep(options, found, signal);
  if (!kept.ok) return kept;
  if (found !== undefined && kept.value !== undefined && isOurs(options, found)) {
    const value = heartbeatUnder(options, kept.value);
    if (found.value === value)
      return ok({ lease: kept.value, revision: found.modRevision, seen, takenUp: true, value });
  }
  const granted = kept.value === undefined ? await grant(options, signal) : ok(kept.value);
  if (!granted.ok) return granted;
  const lease = granted.value;
  const value = heartbeatUnder(options, lease);
  const revision = await writeHeartbeat({ ...options, lease, handover: false }, found?.modRevision, signal);
  if (!revision.ok) return revision;
  if (revision.value !== undefined)
    return ok({
      lease,
      revision: revision.value,
      seen: revision.value,
      takenUp: kept.value !== undefined,
      value,
    });
  if (kept.value === undefined) await options.writer.leaseRevoke(lease, signal);
  return ok(undefined);
}

/** What the heartbeat has to say now; it differs from what it says when the host's addresses have changed. */
export function heartbeatUnder(
  { identity, ttlSeconds }: Pick<TakeoverOptions, 'identity' | 'ttlSeconds'>,
  lease: string,
): string {
  return encodeHeartbeat(identity, { lease, ttlSeconds, handover: false });
}

function isOurs({ identity }: TakeoverOptions, found: KeyValue): boolean {
  const entry = decodeHeartbeat(found);
  return entry?.instance === identity.instance && !entry.handover;
}

async function grant({ writer, ttlSeconds }: TakeoverOptions, signal: AbortSignal): Promise<Result<string>> {
  const granted = await writer.leaseGrant(ttlSeconds, signal);
  return granted.ok ? ok(granted.value.id) : granted;
}

/** The lease of the heartbeat that was found, kept alive; undefined when it is gone or of other terms (a handover). */
async function keep(
  options: TakeoverOptions,
  found: KeyValue,
  signal: AbortSignal,
): Promise<Result<string | undefined>> {
  const { writer, ttlSeconds } = options;
  if (found.lease === '0') return ok(undefined);
  const time = await writer.leaseTimeToLive(found.lease, signal);
  if (!time.ok) return time;
  const usable = time.value.granted === ttlSeconds || isOurs(options, found);
  // Also one of other terms: what hangs on it gets its whole time once more, to move to ours.
  const left = await writer.leaseKeepAlive(found.lease, signal);
  if (!left.ok) return left;
  return ok(usable && left.value > 0 ? found.lease : undefined);
}

/** Writes the heartbeat by compare; answers its revision, undefined when it had moved. */
export async function writeHeartbeat(
  options: Pick<TakeoverOptions, 'writer' | 'key' | 'card' | 'identity' | 'ttlSeconds'> & {
    readonly lease: string;
    readonly handover: boolean;
  },
  expected: Revision | undefined,
  signal: AbortSignal,
): Promise<Result<Revision | undefined>> {
  const { writer, key, card, identity, lease } = options;
  const value = encodeHeartbeat(identity, options);
  const written = await writer.txn(
    {
      compares: [{ key, target: 'mod', revision: expected ?? '0' }],
      then: [
        { type: 'put', key, value, lease },
        { type: 'put', key: card, value: encodeCard(identity), lease: '0' },
      ],
      otherwise: [],
    },
    signal,
  );
  if (!written.ok) return written;
  return ok(written.value.succeeded ? written.value.revision : undefined);
}
