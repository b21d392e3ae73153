import type { Subject } from 'rxjs';
import { backoffDelay, REGISTRY_BACKOFF } from '../../core/backoff.ts';
import { parseDrainOrder, WHOLE_HOST } from '../../core/drain-order.ts';
import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import { parseJson } from '../../core/json.ts';
import {
  type Clock,
  type HostEntry,
  type Log,
  type Observation,
  type PartialObservation,
  type Random,
  type RegistryReader,
  type Stream,
  sleep,
} from '../../core/ports.ts';
import { compareRevisions, type RegistryRecord, type Revision } from '../../core/record.ts';
import { decodeHeartbeat } from './heartbeat.ts';
import { recordOf } from './interest.ts';
import { HOSTS_PREFIX, hostOrder, type Names } from './names.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';
import type { Head, KvReader } from './store.ts';
import { Wake } from './wake.ts';
import { Watching } from './watching.ts';

/** How often a quiet registry is asked whether it is still there and still the same. */
const PROBE_MS = 5_000;

export interface ReaderOptions {
  readonly target: string;
  readonly store: KvReader;
  readonly names: Names;
  /** Prefixes of the layouts; each ends with a slash. */
  readonly prefixes: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly subject: Subject<Observation>;
  /** The registry is another one, or went back: whatever was held there is gone. */
  readonly replaced: () => void;
}

/** How a round of watching ended. `lived`: it had outlasted a probe, so the next try need not wait. */
interface Round {
  readonly failure: Failure | undefined;
  readonly lived: boolean;
}

/** Lists, watches, and lists again after any break. */
export class KvRegistryReader implements RegistryReader {
  readonly target: string;
  readonly observations: Stream<Observation>;
  readonly #options: ReaderOptions;
  readonly #wake = new Wake();
  readonly #tracked = new Set<string>();
  #alone: (key: string) => boolean = () => false;
  #watching: Watching | undefined;
  #head: Head | undefined;
  #saidUnknown: string | undefined;
  #saidSpoilt: readonly string[] = [];

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.target = options.target;
    this.observations = options.subject;
  }

  async run(
    wanted: () => Iterable<string>,
    signal: AbortSignal,
    alone: (key: string) => boolean = () => false,
  ): Promise<void> {
    const { clock, random } = this.#options;
    this.#alone = alone;
    const over = (): boolean => signal.aborted;
    for (let attempt = 0; !over(); attempt += 1) {
      const round = await this.#round(wanted, signal);
      if (round.lived || round.failure === undefined) attempt = -1;
      else await sleep(clock, backoffDelay(attempt, random(), REGISTRY_BACKOFF), signal);
    }
  }

  relist(): void {
    this.#wake.wake();
  }

  track(keys: readonly string[]): void {
    if (this.#watching === undefined) for (const key of keys) this.#tracked.add(key);
    else this.#watching.track(keys);
  }

  /** Keys are about to be written: see `Watching.expect`. */
  expect(keys: Iterable<string>): void {
    this.#watching?.expect(keys);
  }

  written(keys: Iterable<string>, seen: readonly PartialObservation[]): void {
    this.#watching?.written(keys, seen);
  }

  get tracking(): boolean {
    return this.#tracked.size > 0 || this.#watching?.tracking === true;
  }

  async hosts(signal: AbortSignal): Promise<Result<readonly HostEntry[]>> {
    const listing = await this.#options.store.list(HOSTS_PREFIX, signal);
    if (!listing.ok) return listing;
    const hosts = listing.value.entries.map(decodeHeartbeat).filter((host) => host !== undefined);
    const orders = await this.#options.store.get(
      hosts.map(({ owner }) => hostOrder(owner)),
      signal,
      listing.value.revision,
    );
    if (!orders.ok) return orders;
    const { entries } = orders.value;
    return ok(
      hosts.map((host) => ({
        ...host,
        drainedSince: drainedSince(entries.get(hostOrder(host.owner))?.value),
      })),
    );
  }

  async records(
    signal: AbortSignal,
  ): Promise<Result<readonly { readonly key: string; readonly record: RegistryRecord }[]>> {
    const records = new Map<string, RegistryRecord>();
    let at: Revision | undefined;
    for (const prefix of this.#options.prefixes) {
      const listing = await this.#options.store.list(prefix, signal, at);
      if (!listing.ok) return listing;
      at ??= listing.value.revision;
      for (const entry of listing.value.entries) records.set(entry.key, recordOf(entry));
    }
    return ok([...records].map(([key, record]) => ({ key, record })));
  }

  async close(): Promise<void> {
    this.#watching?.end();
    await this.#options.store.close();
  }

  /** One complete read and all that is seen from it on. */
  async #round(wanted: () => Iterable<string>, signal: AbortSignal): Promise<Round> {
    const { store, names } = this.#options;
    const before = this.#head;
    const read = await readSnapshot(store, names, wanted(), signal);
    if (signal.aborted) return { failure: undefined, lived: false };
    if (!read.ok) {
      this.#unknown(read.failure);
      return { failure: read.failure, lived: false };
    }
    const snapshot = read.value;
    this.#saySpoilt(snapshot.spoilt.map(({ key }) => key));
    const replaced = before !== undefined && !follows(snapshot, before);
    this.#head = snapshot;
    this.#saidUnknown = undefined;
    if (replaced) this.#options.replaced();
    return await this.#watch(snapshot, replaced, signal);
  }

  async #watch(snapshot: Snapshot, replaced: boolean, signal: AbortSignal): Promise<Round> {
    const { store, names, prefixes, subject, clock } = this.#options;
    let loss: Failure | undefined;
    const watching = new Watching({
      clock,
      store,
      names,
      prefixes: [...new Set([...prefixes, names.drains])],
      interest: snapshot.interest,
      alone: this.#alone,
      head: snapshot,
      changed: (changes) => {
        subject.next({ type: 'changed', changes });
      },
      lost: (cause) => {
        loss = cause;
        this.#wake.wake();
      },
    });
    this.#watching = watching;
    const { revision, records } = snapshot;
    subject.next({ type: 'listed', revision, records, replaced });
    watching.start();
    watching.track(this.#tracked);
    this.#tracked.clear();
    const { lived, failure: found } = await this.#stay(watching, signal);
    this.#watching = undefined;
    watching.end();
    this.#head = { clusterId: snapshot.clusterId, revision: watching.revision };
    return { failure: loss ?? found, lived };
  }

  /** Until woken or until a probe finds something wrong. */
  async #stay(watching: Watching, signal: AbortSignal): Promise<Round> {
    const { store, names, clock } = this.#options;
    const over = (): boolean => signal.aborted;
    for (let lived = false; ; lived = true) {
      const woken = await this.#wake.nap(clock, PROBE_MS, signal);
      if (woken || over()) return { failure: undefined, lived };
      const before = watching.revision;
      const probe = await store.get([names.heartbeat], signal);
      if (over()) return { failure: undefined, lived };
      if (!probe.ok) {
        this.#unknown(probe.failure);
        return { failure: probe.failure, lived };
      }
      if (!watching.agrees(probe.value, before))
        return { failure: failure('registry-replaced'), lived: true };
    }
  }

  /** Said once for each entry, not at each list. */
  #saySpoilt(spoilt: readonly string[]): void {
    for (const entry of spoilt)
      if (!this.#saidSpoilt.includes(entry))
        this.#options.log.warn({ target: this.target, entry }, 'a ledger entry speaks for no record');
    this.#saidSpoilt = spoilt;
  }

  /** Said once for each kind of failure, not at each try. */
  #unknown(cause: Failure): void {
    if (this.#saidUnknown === cause.code) return;
    this.#saidUnknown = cause.code;
    this.#options.subject.next({ type: 'unknown', failure: cause });
  }
}

function follows(head: Head, before: Head): boolean {
  return head.clusterId === before.clusterId && compareRevisions(head.revision, before.revision) >= 0;
}

/** What an order to drain a host says; undefined when it has ended, or is none. */
function drainedSince(value: string | undefined): number | undefined {
  const order = value === undefined ? undefined : parseDrainOrder(WHOLE_HOST, parseJson(value));
  return order?.drained === true ? order.at : undefined;
}
