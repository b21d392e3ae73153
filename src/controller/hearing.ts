import { isMadeTheirs } from '../core/plan.ts';
import type { PartialObservation } from '../core/ports.ts';
import type { Announcements, Ear } from './announcements.ts';
import type { ObservedCache } from './cache.ts';

/** What one registry says at the keys of announcements, as far as it has been read there. */
export class Hearing implements Ear {
  readonly #announcements: Announcements;
  readonly #cache: Pick<ObservedCache, 'get' | 'isOwned'>;
  readonly #track: (keys: readonly string[]) => void;
  readonly #lease: () => string | undefined;
  /** Keys that the list under way reads. */
  #asked: readonly string[] = [];
  #read = new Set<string>();

  constructor(
    announcements: Announcements,
    cache: Pick<ObservedCache, 'get' | 'isOwned'>,
    track: (keys: readonly string[]) => void,
    lease: () => string | undefined,
  ) {
    this.#lease = lease;
    this.#announcements = announcements;
    this.#cache = cache;
    this.#track = track;
    announcements.listen(this);
  }

  /** Called when a list begins: these keys are read by it. */
  wanted(): readonly string[] {
    this.#asked = [...this.#announcements.keys()];
    return this.#asked;
  }

  /** The list is in the cache. */
  listed(): void {
    this.#read = new Set(this.#asked);
    this.#announcements.heard(this.#asked);
  }

  /** So are the changes. */
  changed(changes: readonly PartialObservation[]): void {
    const heard = changes.filter(({ key }) => this.#announcements.has(key));
    for (const { key, record } of heard) if (record !== undefined) this.#read.add(key);
    if (heard.length > 0) this.#announcements.heard(heard.map(({ key }) => key));
  }

  /** We have done something at these keys, such as giving way to the container. */
  applied(keys: Iterable<string>): void {
    this.#announcements.heard(keys);
  }

  /** What we wrote ourselves is no announcement of the container, even if it has not been withdrawn yet. */
  word(key: string): { readonly value: string | undefined } | undefined {
    const seen = this.#cache.get(key);
    // A key that mattered for another reason before is not read once more.
    if (seen === undefined && !this.#read.has(key)) return undefined;
    const ours = this.#cache.isOwned(key) && !isMadeTheirs(seen, this.#lease());
    return { value: ours ? undefined : seen?.record?.value };
  }

  track(keys: readonly string[]): void {
    this.#track(keys);
  }
}
