import { type Failure, failure } from '../../core/failure.ts';
import type { Clock, PartialObservation } from '../../core/ports.ts';
import { compareRevisions, type Revision } from '../../core/record.ts';
import type { Interest } from './interest.ts';
import type { Names } from './names.ts';
import { readKeys } from './snapshot.ts';
import { type Head, type KvReader, nextRevision, type WatchEvent, type WatchObserver } from './store.ts';

/** Up to this many keys are watched one by one; above, the layouts' prefixes are cheaper though they carry the fleet. */
const MAX_KEY_WATCHES = 256;

/** Only a prefix with so many of our keys below it, though. */
const MANY_BELOW = 64;

/** A key just written is watched this much later, from its revision on: nothing is missed, and the next write goes first. */
const FOLLOW_AFTER_MS = 100;

export interface WatchingOptions {
  readonly clock: Clock;
  readonly store: KvReader;
  readonly names: Names;
  readonly prefixes: readonly string[];
  readonly interest: Interest;
  /** Keys that are always watched one by one. */
  readonly alone: (key: string) => boolean;
  readonly head: Head;
  readonly changed: (changes: readonly PartialObservation[]) => void;
  /** Sight is lost: a new complete read is needed. Called once. */
  readonly lost: (failure: Failure) => void;
}

/** Everything that is watched on the ground of one complete read, until the first break. */
export class Watching {
  readonly #options: WatchingOptions;
  readonly #cancels: (() => void)[] = [];
  readonly #over = new AbortController();
  readonly #pending = new Set<string>();
  /** Keys that are being written for the first time: the answer tells what a read would. */
  readonly #expected = new Set<string>();
  /** Keys whose content is known as it was at a revision, to be watched from there. */
  readonly #known = new Map<string, Revision>();
  #followLater: (() => void) | undefined;
  readonly #observer: WatchObserver;
  /** Prefixes that are watched as a whole. */
  readonly #whole = new Set<string>();
  /** Keys of ours that were followed: all of them, and by prefix. */
  #ours = 0;
  readonly #below = new Map<string, number>();
  #flushing = false;
  #revision: Revision;

  constructor(options: WatchingOptions) {
    this.#options = options;
    this.#revision = options.head.revision;
    this.#observer = {
      events: (batch) => {
        this.#events(batch);
      },
      lost: (_, failure) => {
        this.#lose(failure);
      },
    };
  }

  /** The newest revision that was seen. */
  get revision(): Revision {
    return this.#revision;
  }

  /** Keys that were taken in have not been read yet. */
  get tracking(): boolean {
    return this.#flushing;
  }

  start(): void {
    const { names, interest, head } = this.#options;
    const from = nextRevision(head.revision);
    this.#watch({ prefix: names.ledger }, from);
    this.#follow([...interest.keys()], from);
  }

  /** Takes keys in that were not known at the complete read. */
  track(keys: Iterable<string>): void {
    const { interest } = this.#options;
    for (const key of keys) {
      if (interest.has(key)) continue;
      // From here on their events count; the read that follows tells what was before.
      interest.add(key);
      this.#pending.add(key);
    }
    this.#readPending();
  }

  /** These keys are about to be written; what is heard of them meanwhile need not be read. */
  expect(keys: Iterable<string>): void {
    const { interest } = this.#options;
    for (const key of keys) {
      if (interest.has(key)) continue;
      interest.add(key);
      this.#expected.add(key);
    }
  }

  /** What became of them. A key of which the answer told everything is watched from there on, any other is read. */
  written(keys: Iterable<string>, seen: readonly PartialObservation[]): void {
    const told = new Map(seen.filter(isWhole).map((part) => [part.key, part]));
    for (const key of keys) {
      const part = told.get(key);
      if (part?.record === null && part.entry === null && this.#known.delete(key)) {
        // It came and went before anybody had to watch it.
        this.#options.interest.remove(key);
        continue;
      }
      if (!this.#expected.delete(key)) continue;
      if (part === undefined) this.#pending.add(key);
      else this.#known.set(key, part.revision);
    }
    this.#readPending();
    if (this.#known.size > 0 && !this.#over.signal.aborted)
      this.#followLater ??= this.#options.clock.timer(FOLLOW_AFTER_MS, () => {
        this.#followKnown();
      });
  }

  end(): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#followLater?.();
    for (const cancel of this.#cancels) cancel();
  }

  /** Notes an answer's head; false when it comes from another registry or from the past of this one. */
  agrees(head: Head, before: Revision): boolean {
    if (head.clusterId !== this.#options.head.clusterId) return false;
    if (compareRevisions(head.revision, before) < 0) return false;
    this.#advance(head.revision);
    return true;
  }

  #readPending(): void {
    if (this.#pending.size === 0 || this.#flushing) return;
    this.#flushing = true;
    void this.#flush();
  }

  /** Few calls for many keys: those of one transaction have one revision. */
  #followKnown(): void {
    this.#followLater = undefined;
    const keys = [...this.#known.keys()];
    let from: Revision | undefined;
    for (const revision of this.#known.values())
      if (from === undefined || compareRevisions(revision, from) < 0) from = revision;
    this.#known.clear();
    if (from !== undefined) this.#follow(keys, nextRevision(from));
  }

  async #flush(): Promise<void> {
    const { store, names, changed } = this.#options;
    const over = (): boolean => this.#over.signal.aborted;
    // A turn later, so that keys told one by one are read together.
    await Promise.resolve();
    while (this.#pending.size > 0 && !over()) {
      const keys = [...this.#pending];
      this.#pending.clear();
      const before = this.#revision;
      const read = await readKeys(store, names, keys, this.#over.signal);
      if (over()) return;
      if (!read.ok) {
        this.#lose(read.failure);
        return;
      }
      if (!this.agrees(read.value, before)) {
        this.#lose(failure('registry-replaced'));
        return;
      }
      this.#follow(keys, nextRevision(read.value.revision));
      // Whoever hears of the last ones finds that nothing is left to wait for.
      const more = this.#pending.size > 0;
      this.#flushing = more;
      changed(read.value.parts);
      if (!more) return;
    }
  }

  /**
   * Over the limit a prefix with many of our keys below it is watched too. The keys watched before stay: what is seen
   * twice does no harm. Keys that are to be watched alone never make a prefix worth it.
   */
  #follow(keys: readonly string[], from: Revision): void {
    const { prefixes, alone } = this.#options;
    for (const key of keys) {
      if (alone(key)) continue;
      this.#ours += 1;
      const prefix = prefixes.find((one) => key.startsWith(one));
      if (prefix !== undefined) this.#below.set(prefix, (this.#below.get(prefix) ?? 0) + 1);
    }
    for (const [prefix, count] of this.#below) {
      if (this.#ours <= MAX_KEY_WATCHES || count < MANY_BELOW || this.#whole.has(prefix)) continue;
      this.#whole.add(prefix);
      this.#watch({ prefix }, from);
    }
    const whole = [...this.#whole];
    const single = keys.filter((key) => !whole.some((prefix) => key.startsWith(prefix)));
    if (single.length > 0) this.#watch({ keys: single }, from);
  }

  #watch(scope: Parameters<KvReader['watch']>[0], from: Revision): void {
    if (!this.#over.signal.aborted)
      this.#cancels.push(this.#options.store.watch(scope, from, this.#observer));
  }

  #events(batch: readonly WatchEvent[]): void {
    if (this.#over.signal.aborted) return;
    const { interest, changed } = this.#options;
    const changes: PartialObservation[] = [];
    const unknown: string[] = [];
    for (const event of batch) {
      this.#advance(event.revision);
      const seen = interest.observe(event);
      if (seen === undefined) continue;
      changes.push(seen);
      if (!interest.has(seen.key)) unknown.push(seen.key);
    }
    // An entry for a key that we do not know: its record has to be read.
    this.track(unknown);
    if (changes.length > 0) changed(changes);
  }

  #advance(revision: Revision): void {
    if (compareRevisions(revision, this.#revision) > 0) this.#revision = revision;
  }

  #lose(failure: Failure): void {
    if (this.#over.signal.aborted) return;
    this.end();
    this.#options.lost(failure);
  }
}

/** Record and entry are both told of. */
function isWhole({ record, entry }: PartialObservation): boolean {
  return record !== undefined && entry !== undefined;
}
