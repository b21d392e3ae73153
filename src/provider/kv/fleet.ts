import { Subject } from 'rxjs';
import { backoffDelay, REGISTRY_BACKOFF } from '../../core/backoff.ts';
import type { Estate } from '../../core/estate.ts';
import { type Failure, failure, ok, type Result } from '../../core/failure.ts';
import {
  type Clock,
  type Fleet,
  type FleetChange,
  type FleetHost,
  type Random,
  type Stream,
  sleep,
} from '../../core/ports.ts';
import type { Revision } from '../../core/record.ts';
import { checkSegment } from '../../core/segment.ts';
import { readEstate } from './estate.ts';
import { decodeCard, decodeClaim, decodeHeartbeat } from './heartbeat.ts';
import { CARDS_PREFIX, HOSTS_PREFIX, JANITORS_PREFIX } from './names.ts';
import { type KeyValue, type KvReader, nextRevision, type WatchEvent } from './store.ts';
import { FOR_EVER, Wake } from './wake.ts';

const PREFIXES = [HOSTS_PREFIX, CARDS_PREFIX, JANITORS_PREFIX] as const;

export interface FleetOptions {
  readonly store: KvReader;
  readonly clock: Clock;
  readonly random: Random;
}

/** Heartbeats, cards and janitors, by one list each and one watch each, until the first break; then anew. */
export class KvFleet implements Fleet {
  readonly #options: FleetOptions;
  readonly #wake = new Wake();
  readonly #hosts = new Map<string, FleetHost>();
  readonly #changes = new Subject<FleetChange>();
  #known = false;
  #doubt: Failure | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get known(): boolean {
    return this.#known;
  }

  get hosts(): ReadonlyMap<string, FleetHost> {
    return this.#hosts;
  }

  get changes(): Stream<FleetChange> {
    return this.#changes;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const over = (): boolean => signal.aborted;
    for (let attempt = 0; !over(); attempt += 1) {
      const listed = await this.#list(signal);
      if (over()) return;
      if (listed.ok) {
        attempt = -1;
        await this.#watch(listed.value, signal);
        if (over()) return;
      }
      const broken = listed.ok ? (this.#doubt ?? failure('registry-unreachable')) : listed.failure;
      this.#known = false;
      this.#changes.next({ type: 'unknown', failure: broken });
      await sleep(clock, backoffDelay(Math.max(0, attempt), random(), REGISTRY_BACKOFF), signal);
    }
  }

  /** Somebody who looks at the same registry has lost sight of it, or found that it was replaced. */
  doubt(cause: Failure): void {
    if (!this.#known) return;
    this.#doubt = cause;
    this.#wake.wake();
  }

  estate(owner: string, signal: AbortSignal): Promise<Result<Estate>> {
    return readEstate(this.#options.store, owner, signal);
  }

  async #list(signal: AbortSignal): Promise<Result<Revision>> {
    const entries: KeyValue[] = [];
    let at: Revision | undefined;
    for (const prefix of PREFIXES) {
      const listing = await this.#options.store.list(prefix, signal, at);
      if (!listing.ok) return listing;
      at ??= listing.value.revision;
      entries.push(...listing.value.entries);
    }
    this.#hosts.clear();
    for (const entry of entries) this.#put(entry);
    return ok(at ?? '0');
  }

  async #watch(revision: Revision, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options;
    this.#known = true;
    this.#doubt = undefined;
    this.#changes.next({ type: 'listed' });
    let live = true;
    const observer = {
      events: (batch: readonly WatchEvent[]): void => {
        if (live) for (const event of batch) this.#take(event);
      },
      lost: (_: unknown, cause: Failure): void => {
        if (live) this.doubt(cause);
      },
    };
    const cancels = PREFIXES.map((prefix) => store.watch({ prefix }, nextRevision(revision), observer));
    const sound = (): boolean => this.#doubt === undefined;
    while (!signal.aborted && sound()) await this.#wake.nap(clock, FOR_EVER, signal);
    live = false;
    for (const cancel of cancels) cancel();
  }

  #take(event: WatchEvent): void {
    const owner = event.type === 'put' ? this.#put(event.entry) : this.#remove(event.key);
    if (owner !== undefined) this.#changes.next({ type: 'changed', owner });
  }

  #put(entry: KeyValue): string | undefined {
    const place = placeOf(entry.key);
    if (place === undefined) return undefined;
    const { owner, prefix } = place;
    const before = this.#hosts.get(owner) ?? nobody(owner);
    if (prefix === HOSTS_PREFIX)
      this.#hosts.set(owner, { ...before, attended: true, heartbeat: decodeHeartbeat(entry) });
    else if (prefix === CARDS_PREFIX) this.#hosts.set(owner, { ...before, card: decodeCard(entry) });
    else this.#hosts.set(owner, { ...before, janitor: decodeClaim(entry) });
    return owner;
  }

  #remove(key: string): string | undefined {
    const place = placeOf(key);
    const before = this.#hosts.get(place?.owner ?? '');
    if (place === undefined || before === undefined) return undefined;
    const { owner, prefix } = place;
    const after = {
      ...before,
      ...(prefix === HOSTS_PREFIX ? { attended: false, heartbeat: undefined } : {}),
      ...(prefix === CARDS_PREFIX ? { card: undefined } : {}),
      ...(prefix === JANITORS_PREFIX ? { janitor: undefined } : {}),
    };
    if (after.attended || after.card !== undefined || after.janitor !== undefined)
      this.#hosts.set(owner, after);
    else this.#hosts.delete(owner);
    return owner;
  }
}

function nobody(owner: string): FleetHost {
  return { owner, attended: false, heartbeat: undefined, card: undefined, janitor: undefined };
}

/** Somebody's rubbish below the prefixes is no host. */
function placeOf(key: string): { readonly owner: string; readonly prefix: string } | undefined {
  const prefix = PREFIXES.find((each) => key.startsWith(each));
  const owner = key.slice(prefix?.length);
  return prefix === undefined || checkSegment(owner) !== undefined ? undefined : { owner, prefix };
}
