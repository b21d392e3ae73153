import { Subject } from 'rxjs';
import { backoffDelay, REGISTRY_BACKOFF } from '../../core/backoff.ts';
import { type Failure, ok, type Result } from '../../core/failure.ts';
import { parseJson } from '../../core/json.ts';
import {
  ackName,
  type DrainAck,
  type Listener,
  type ListenerCard,
  type Listeners,
  parseAck,
  parseCard,
} from '../../core/listener.ts';
import { type Clock, type Random, type Stream, sleep } from '../../core/ports.ts';
import type { Revision } from '../../core/record.ts';
import { checkSegment } from '../../core/segment.ts';
import { LISTENERS_PREFIX } from './names.ts';
import { type KvReader, nextRevision, type WatchEvent } from './store.ts';
import { FOR_EVER, Wake } from './wake.ts';

export interface ListenersOptions {
  readonly store: KvReader;
  readonly clock: Clock;
  readonly random: Random;
}

/** Cards and acknowledgements by one list and one watch, until the first break; then anew. */
export class KvListeners implements Listeners {
  readonly #options: ListenersOptions;
  readonly #wake = new Wake();
  readonly #changes = new Subject<void>();
  readonly #cards = new Map<string, ListenerCard>();
  /** By listener, then by key. */
  readonly #acks = new Map<string, Map<string, DrainAck>>();
  #all: ReadonlyMap<string, Listener> | undefined;
  #known = false;
  #failure: Failure | undefined;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  get known(): boolean {
    return this.#known;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get changes(): Stream<void> {
    return this.#changes;
  }

  get all(): ReadonlyMap<string, Listener> {
    this.#all ??= new Map(
      [...this.#cards].map(([id, card]) => {
        const acks = [...(this.#acks.get(id)?.values() ?? [])];
        return [id, { ...card, id, acks: new Map(acks.map((ack) => [ackName(ack.proxy, ack.key), ack])) }];
      }),
    );
    return this.#all;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const over = (): boolean => signal.aborted;
    for (let attempt = 0; !over(); attempt += 1) {
      this.#failure = undefined;
      const listed = await this.#list(signal);
      if (over()) break;
      if (listed.ok) {
        attempt = -1;
        await this.#watch(listed.value, signal);
      } else {
        this.#failure = listed.failure;
        this.#changes.next();
      }
      await sleep(clock, backoffDelay(Math.max(0, attempt), random(), REGISTRY_BACKOFF), signal);
    }
    this.#known = false;
  }

  /** Somebody who looks at the same registry has lost sight of it, or found that it was replaced. */
  doubt(cause: Failure): void {
    if (!this.#known) return;
    this.#known = false;
    this.#failure = cause;
    this.#changes.next();
    this.#wake.wake();
  }

  async #list(signal: AbortSignal): Promise<Result<Revision>> {
    const listing = await this.#options.store.list(LISTENERS_PREFIX, signal);
    if (!listing.ok) return listing;
    this.#cards.clear();
    this.#acks.clear();
    for (const { key, value } of listing.value.entries) this.#put(key, value);
    return ok(listing.value.revision);
  }

  async #watch(revision: Revision, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#options;
    this.#all = undefined;
    this.#known = true;
    this.#changes.next();
    let live = true;
    const cancel = store.watch({ prefix: LISTENERS_PREFIX }, nextRevision(revision), {
      events: (batch) => {
        if (live) this.#take(batch);
      },
      lost: (_, cause) => {
        if (live) this.doubt(cause);
      },
    });
    const sound = (): boolean => this.#failure === undefined;
    while (!signal.aborted && sound()) await this.#wake.nap(clock, FOR_EVER, signal);
    live = false;
    cancel();
  }

  #take(batch: readonly WatchEvent[]): void {
    for (const event of batch)
      if (event.type === 'put') this.#put(event.key, event.entry.value);
      else this.#remove(event.key);
    this.#all = undefined;
    this.#changes.next();
  }

  #put(key: string, value: string): void {
    this.#remove(key);
    const [id, name] = placeOf(key);
    if (checkSegment(id) !== undefined) return;
    const json = parseJson(value);
    if (name === undefined) {
      const card = parseCard(json);
      if (card !== undefined) this.#cards.set(id, card);
      return;
    }
    const ack = parseAck(json);
    if (ack === undefined) return;
    const own = this.#acks.get(id) ?? new Map<string, DrainAck>();
    own.set(name, ack);
    this.#acks.set(id, own);
  }

  #remove(key: string): void {
    const [id, name] = placeOf(key);
    if (name === undefined) {
      this.#cards.delete(id);
      return;
    }
    const own = this.#acks.get(id);
    own?.delete(name);
    if (own?.size === 0) this.#acks.delete(id);
  }
}

/** The listener, and the name of what it says; undefined: its card. */
function placeOf(key: string): readonly [id: string, name: string | undefined] {
  const rest = key.slice(LISTENERS_PREFIX.length);
  const slash = rest.indexOf('/');
  return slash < 0 ? [rest, undefined] : [rest.slice(0, slash), rest.slice(slash + 1)];
}
