import { Subject } from 'rxjs';
import { backoffDelay, REGISTRY_BACKOFF } from '../../core/backoff.ts';
import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import { type Clock, type Random, type Stream, sleep } from '../../core/ports.ts';
import { compareRevisions, type RegistryRecord, type Revision } from '../../core/record.ts';
import type { FeedChange, FeedSignal, RecordFeed } from '../../core/route-feed.ts';
import type { Departure } from '../../core/route-table.ts';
import { recordOf } from './interest.ts';
import { HOSTS_PREFIX, ownerOf } from './names.ts';
import { type Head, type KvReader, nextRevision, type WatchEvent } from './store.ts';
import { Wake } from './wake.ts';

/** How often a quiet registry is asked whether it is still there and still the same. */
const PROBE_MS = 5_000;

export interface FeedOptions {
  readonly store: KvReader;
  /** Each ends with a slash. */
  readonly prefixes: readonly string[];
  /** Who wrote a record, as its layout says. */
  readonly ownerOf: (record: RegistryRecord) => string | undefined;
  readonly clock: Clock;
  readonly random: Random;
}

/** Lists and watches; tells a record that was withdrawn from one whose host was lost by the heartbeat at that revision. */
export class KvRecordFeed implements RecordFeed {
  readonly signals: Stream<FeedSignal>;
  readonly #options: FeedOptions;
  readonly #subject = new Subject<FeedSignal>();
  readonly #wake = new Wake();
  readonly #records = new Map<string, RegistryRecord>();
  /** Deleted keys whose end is being looked into, and the revision of the deletion. */
  readonly #ending = new Map<string, Revision>();
  #lost: Failure | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.signals = this.#subject;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const over = (): boolean => signal.aborted;
    for (let attempt = 0; !over(); attempt += 1) {
      const listed = await this.#list(signal);
      if (over()) return;
      const broken = listed.ok ? await this.#watch(listed.value, signal) : listed.failure;
      if (over()) return;
      if (listed.ok) attempt = 0;
      this.#subject.next({ type: 'unknown', failure: broken });
      await sleep(clock, backoffDelay(attempt, random(), REGISTRY_BACKOFF), signal);
    }
  }

  async #list(signal: AbortSignal): Promise<Result<Head>> {
    const { store, prefixes } = this.#options;
    const hosts = await store.list(HOSTS_PREFIX, signal);
    if (!hosts.ok) return hosts;
    const { revision, clusterId } = hosts.value;
    const records = new Map<string, RegistryRecord>();
    for (const prefix of prefixes) {
      const listing = await store.list(prefix, signal, revision);
      if (!listing.ok) return listing;
      for (const entry of listing.value.entries) records.set(entry.key, recordOf(entry));
    }
    this.#records.clear();
    this.#ending.clear();
    for (const [key, record] of records) this.#records.set(key, record);
    const alive = new Set(hosts.value.entries.map(({ key }) => ownerOf(key)));
    this.#subject.next({ type: 'listed', records, alive });
    return ok({ revision, clusterId });
  }

  /** Until the first break; answers what broke. */
  async #watch(head: Head, signal: AbortSignal): Promise<Failure> {
    const { store, prefixes, clock } = this.#options;
    const round = new AbortController();
    this.#lost = undefined;
    let newest = head.revision;
    const observer = {
      events: (batch: readonly WatchEvent[]): void => {
        if (round.signal.aborted) return;
        for (const { revision } of batch) if (compareRevisions(revision, newest) > 0) newest = revision;
        this.#events(batch, round.signal);
      },
      lost: (_: unknown, cause: Failure): void => {
        if (!round.signal.aborted) this.#lose(cause);
      },
    };
    const from = nextRevision(head.revision);
    const cancels = [HOSTS_PREFIX, ...prefixes].map((prefix) => store.watch({ prefix }, from, observer));
    const lost = (): Failure | undefined => this.#lost;
    const over = (): boolean => lost() !== undefined || signal.aborted;
    while (!over()) {
      if ((await this.#wake.nap(clock, PROBE_MS, signal)) || over()) continue;
      const before = newest;
      const probe = await store.get([HOSTS_PREFIX], signal);
      if (!probe.ok) this.#lose(probe.failure);
      else if (probe.value.clusterId !== head.clusterId || compareRevisions(probe.value.revision, before) < 0)
        this.#lose(failure('registry-replaced'));
    }
    round.abort();
    for (const cancel of cancels) cancel();
    return lost() ?? failure('registry-unreachable');
  }

  #lose(cause: Failure): void {
    this.#lost ??= cause;
    this.#wake.wake();
  }

  #events(batch: readonly WatchEvent[], round: AbortSignal): void {
    const changes: FeedChange[] = [];
    const ended = new Map<Revision, string[]>();
    for (const event of batch) {
      const { key, revision } = event;
      if (key.startsWith(HOSTS_PREFIX))
        this.#subject.next({ type: 'host', owner: ownerOf(key), alive: event.type === 'put' });
      else if (event.type === 'put') {
        const record = recordOf(event.entry);
        this.#records.set(key, record);
        this.#ending.delete(key);
        changes.push({ key, record });
      } else {
        this.#ending.set(key, revision);
        ended.set(revision, [...(ended.get(revision) ?? []), key]);
      }
    }
    if (changes.length > 0) this.#subject.next({ type: 'changed', changes });
    for (const [revision, keys] of ended) void this.#judge(keys, revision, round);
  }

  /** How records ended that were deleted in one transaction. Two watches have no mutual order, so the heartbeats are read. */
  async #judge(keys: readonly string[], revision: Revision, round: AbortSignal): Promise<void> {
    const { store } = this.#options;
    const owners = new Map(keys.map((key) => [key, this.#ownerOf(key)]));
    const named = [...new Set([...owners.values()].filter((owner) => owner !== undefined))];
    const heartbeats = named.map((owner) => `${HOSTS_PREFIX}${owner}`);
    const found = named.length === 0 ? undefined : await store.get(heartbeats, round, revision);
    if (round.aborted) return;
    if (found?.ok === false) {
      // The past is gone, or the registry is: the next list tells the rest.
      this.#lose(found.failure);
      return;
    }
    const changes: FeedChange[] = [];
    for (const [key, owner] of owners) {
      if (this.#ending.get(key) !== revision) continue;
      this.#ending.delete(key);
      this.#records.delete(key);
      const alive = owner === undefined || found?.value.entries.has(`${HOSTS_PREFIX}${owner}`) === true;
      const how: Departure = alive ? 'withdrawn' : 'lost';
      changes.push({ key, how });
    }
    if (changes.length > 0) this.#subject.next({ type: 'changed', changes });
  }

  #ownerOf(key: string): string | undefined {
    const record = this.#records.get(key);
    return record === undefined ? undefined : this.#options.ownerOf(record);
  }
}
