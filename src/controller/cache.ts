import { ownership } from '../core/ownership.ts';
import type { ChangeResult, PartialObservation } from '../core/ports.ts';
import { compareRevisions, type ObservedRecord, type Revision } from '../core/record.ts';

interface Cached extends ObservedRecord {
  recordSeen: Revision;
  entrySeen: Revision;
}

/** In-place changes by others within this time (monotonic) are counted; three of them make the key contested. */
const CONTEST_WINDOW_MS = 60_000;
const CONTEST_LIMIT = 3;

/**
 * What one registry holds at the keys that matter: the last complete read, kept current by watch events and by the
 * answers to our own writes. Updated in place; `known` is false until the first list and after every loss of sight,
 * but the content stays: unknown is not empty.
 */
export class ObservedCache {
  readonly #records = new Map<string, Cached>();
  readonly #lastWritten = new Map<string, Revision>();
  readonly #alterations = new Map<string, readonly number[]>();
  /** Values that were sent and whose fate is not known: they may turn up at any time, and are nobody's alteration. */
  readonly #unanswered = new Map<string, string>();
  /** The lease under which a record was last seen that is gone since. */
  readonly #lostLeases = new Map<string, string>();
  #owned = 0;
  known = false;
  everKnown = false;

  get owned(): number {
    return this.#owned;
  }

  get(key: string): ObservedRecord | undefined {
    return this.#records.get(key);
  }

  keys(): Iterable<string> {
    return this.#records.keys();
  }

  lastWritten(key: string): Revision | undefined {
    return this.#lastWritten.get(key);
  }

  lostLease(key: string): string | undefined {
    return this.#lostLeases.get(key);
  }

  /** The record is as this owner wrote it: a change of it was nobody else's. */
  isAsWritten(key: string): boolean {
    const written = this.#lastWritten.get(key);
    return written !== undefined && this.#records.get(key)?.record?.modRevision === written;
  }

  contested(key: string, now: number): boolean {
    return recent(this.#alterations.get(key), now).length >= CONTEST_LIMIT;
  }

  isOwned(key: string): boolean {
    const verdict = ownership(this.#records.get(key), this.#lastWritten.get(key));
    return verdict === 'ours' || verdict === 'missing' || verdict === 'entry-lost';
  }

  /** Takes a complete read over; returns the keys that differ from what was believed. */
  replace(records: ReadonlyMap<string, ObservedRecord>, revision: Revision, now: number): readonly string[] {
    const differing: string[] = [];
    this.#lostLeases.clear();
    for (const [key, cached] of this.#records) {
      if (records.has(key) || isNewer(cached, revision)) continue;
      if (cached.record !== undefined || cached.entry !== undefined) differing.push(key);
      this.#delete(key);
    }
    for (const [key, observed] of records) {
      const cached = this.#records.get(key);
      if (cached !== undefined && isNewer(cached, revision)) continue;
      if (cached !== undefined && same(cached, observed)) {
        // What has not changed keeps its texts: a list brings the same ones once more.
        cached.recordSeen = revision;
        cached.entrySeen = revision;
      } else {
        differing.push(key);
        this.#rememberWritten(observed);
        this.#noteAlteration(cached, observed, now);
        const { record, entry } = observed;
        this.#set({ key, record, entry, recordSeen: revision, entrySeen: revision });
      }
      this.#rememberOurs(observed);
    }
    this.known = true;
    this.everKnown = true;
    return differing;
  }

  /** What was read under our ledger entry counts like what we wrote: while its revision stays, nobody has touched it. */
  #rememberOurs(observed: ObservedRecord): void {
    const { key, record } = observed;
    if (record === undefined || this.#lastWritten.has(key)) return;
    if (ownership(observed, undefined) === 'ours') this.#lastWritten.set(key, record.modRevision);
  }

  /** Record and entry of one transaction: an earlier instance, or this one's session, moved them to another lease. */
  #rememberWritten({ key, record, entry }: ObservedRecord): void {
    if (record !== undefined && record.modRevision === entry?.modRevision)
      this.#lastWritten.set(key, record.modRevision);
  }

  /** Forgets everything: the registry is another one, so nothing that was believed means anything. */
  forget(): void {
    this.#records.clear();
    this.#lastWritten.clear();
    this.#alterations.clear();
    this.#unanswered.clear();
    this.#lostLeases.clear();
    this.#owned = 0;
  }

  /**
   * Merges what was seen at some keys; returns those that changed. Older views than the one at hand are ignored.
   * `writing`: keys with a write of ours under way, whose echo may come before the answer and is nobody's alteration.
   */
  merge(
    changes: readonly PartialObservation[],
    now: number,
    writing: (key: string) => boolean,
  ): readonly string[] {
    const changed: string[] = [];
    for (const change of changes) {
      const before = this.#records.get(change.key);
      const after = mergePart(before, change);
      if (after === before) continue;
      if (!same(before, after)) {
        this.#rememberWritten(after);
        if (!writing(change.key)) this.#noteAlteration(before, after, now);
        changed.push(change.key);
      }
      if (after.record === undefined && after.entry === undefined) this.#settleAbsent(after);
      else this.#set(after);
    }
    return changed;
  }

  /** Remembers what this process wrote, so that it can tell its own record from a stranger's. */
  applied(result: ChangeResult): void {
    const { change, outcome } = result;
    if (outcome.type !== 'settled') {
      const lost = outcome.type === 'retry' && outcome.failure.code === 'outcome-unknown';
      if (lost && 'value' in change) this.#unanswered.set(change.key, change.value);
      return;
    }
    this.#unanswered.delete(change.key);
    if (change.action === 'create' || change.action === 'update') {
      const written = result.seen.find((part) => part.key === change.key)?.record;
      if (written !== undefined && written !== null) this.#lastWritten.set(change.key, written.modRevision);
    } else if (change.action !== 'restore') {
      this.#lastWritten.delete(change.key);
      this.#lostLeases.delete(change.key);
    }
  }

  /** A key that holds nothing keeps only the revision of that knowledge, until the next complete read. */
  #settleAbsent(after: Cached): void {
    this.#alterations.delete(after.key);
    this.#set(after);
  }

  #noteAlteration(before: ObservedRecord | undefined, after: ObservedRecord, now: number): void {
    const { key } = after;
    if (after.record === undefined || before?.record === undefined) return;
    if (after.record.createRevision !== before.record.createRevision) return;
    if (after.record.value === before.record.value && after.record.lease === before.record.lease) return;
    if (after.record.modRevision === this.#lastWritten.get(key)) return;
    if (after.record.value === this.#unanswered.get(key)) return;
    this.#alterations.set(key, [...recent(this.#alterations.get(key), now), now]);
  }

  #set(cached: Cached): void {
    const before = this.#records.get(cached.key);
    this.#owned += Number(cached.entry !== undefined) - Number(before?.entry !== undefined);
    if (cached.record === undefined) this.#noteLostLease(before);
    else if (this.#lostLeases.size > 0) this.#lostLeases.delete(cached.key);
    this.#records.set(cached.key, cached);
  }

  #delete(key: string): void {
    const before = this.#records.get(key);
    this.#owned -= Number(before?.entry !== undefined);
    this.#noteLostLease(before);
    this.#records.delete(key);
    this.#alterations.delete(key);
  }

  #noteLostLease(before: ObservedRecord | undefined): void {
    if (before?.record !== undefined && before.record.lease !== '0')
      this.#lostLeases.set(before.key, before.record.lease);
  }
}

function recent(times: readonly number[] | undefined, now: number): readonly number[] {
  return (times ?? []).filter((at) => now - at < CONTEST_WINDOW_MS);
}

/** Our own write may be newer than the list that was under way. */
function isNewer(cached: Cached, revision: Revision): boolean {
  return (
    compareRevisions(cached.recordSeen, revision) > 0 || compareRevisions(cached.entrySeen, revision) > 0
  );
}

function mergePart(before: Cached | undefined, part: PartialObservation): Cached {
  const base: Cached = before ?? {
    key: part.key,
    record: undefined,
    entry: undefined,
    recordSeen: '0',
    entrySeen: '0',
  };
  // At the revision that was seen already there is nothing new: the echo of our own write is one.
  const takeRecord = part.record !== undefined && compareRevisions(part.revision, base.recordSeen) > 0;
  const takeEntry = part.entry !== undefined && compareRevisions(part.revision, base.entrySeen) > 0;
  if (!takeRecord && !takeEntry) return base;
  return {
    key: part.key,
    record: takeRecord ? (part.record ?? undefined) : base.record,
    entry: takeEntry ? (part.entry ?? undefined) : base.entry,
    recordSeen: takeRecord ? part.revision : base.recordSeen,
    entrySeen: takeEntry ? part.revision : base.entrySeen,
  };
}

function same(a: ObservedRecord | undefined, b: ObservedRecord | undefined): boolean {
  return (
    a?.record?.modRevision === b?.record?.modRevision &&
    a?.record?.value === b?.record?.value &&
    a?.entry?.modRevision === b?.entry?.modRevision
  );
}
