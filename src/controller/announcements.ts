import type { AnnouncementWord } from '../core/announcement.ts';
import type { Description } from '../core/desired.ts';
import type { Clock } from '../core/ports.ts';

/** What one registry says at the keys of announcements. */
export interface Ear {
  /** undefined: it has not been read there. `value` undefined: nothing stands there that is not ours. */
  word(key: string): { readonly value: string | undefined } | undefined;
  /** Reads and watches these keys too. */
  track(keys: readonly string[]): void;
}

export interface AnnouncementsOptions {
  readonly clock: Clock;
  /** Told whose announcements are no longer what they were. */
  readonly onHeard: (containerIds: ReadonlySet<string>) => void;
}

/** A key under which some container may announce itself. */
interface Known {
  readonly containers: Set<string>;
  word: AnnouncementWord;
}

const UNREAD: AnnouncementWord = { type: 'unread' };

/**
 * The keys under which the containers of this host may announce themselves, and what the registries say there. A record
 * in any registry counts; one that is out of sight is taken at its last word.
 */
export class Announcements {
  readonly #options: AnnouncementsOptions;
  readonly #ears: Ear[] = [];
  readonly #keys = new Map<string, Known>();
  readonly #ofContainer = new Map<string, readonly string[]>();
  readonly #undecided = new Set<string>();

  constructor(options: AnnouncementsOptions) {
    this.#options = options;
  }

  listen(ear: Ear): void {
    this.#ears.push(ear);
  }

  keys(): Iterable<string> {
    return this.#keys.keys();
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  word(key: string): AnnouncementWord {
    return this.#keys.get(key)?.word ?? this.#listen(key, UNREAD);
  }

  /** What some container offers that ran before this process cannot be told: it is unknown, not nothing. */
  get undecided(): boolean {
    return this.#undecided.size > 0;
  }

  /** The keys of a container are these from now on. `inherits`: it ran before this process. */
  heed(containerId: string, { announcementKeys = [], undecided }: Description, inherits: boolean): void {
    if (undecided === true && inherits) this.#undecided.add(containerId);
    else this.#undecided.delete(containerId);
    this.#follow(containerId, announcementKeys);
  }

  forget(containerId: string): void {
    this.#undecided.delete(containerId);
    this.#follow(containerId, []);
  }

  /** A registry may say something else at these keys than before. */
  heard(keys: Iterable<string>): void {
    const concerned = new Set<string>();
    for (const key of keys) {
      const known = this.#keys.get(key);
      if (known === undefined) continue;
      const word = this.#listen(key, known.word);
      if (sameWord(word, known.word)) continue;
      known.word = word;
      for (const id of known.containers) concerned.add(id);
    }
    if (concerned.size > 0) this.#options.onHeard(concerned);
  }

  #follow(containerId: string, keys: readonly string[]): void {
    const before = this.#ofContainer.get(containerId) ?? [];
    if (before.length === 0 && keys.length === 0) return;
    if (keys.length === 0) this.#ofContainer.delete(containerId);
    else this.#ofContainer.set(containerId, keys);
    for (const key of before) if (!keys.includes(key)) this.#leave(key, containerId);
    const fresh = keys.filter((key) => !this.#keys.has(key));
    for (const key of fresh) this.#keys.set(key, { containers: new Set(), word: this.#listen(key, UNREAD) });
    for (const key of keys) this.#keys.get(key)?.containers.add(containerId);
    if (fresh.length > 0) for (const ear of this.#ears) ear.track(fresh);
  }

  #leave(key: string, containerId: string): void {
    const known = this.#keys.get(key);
    known?.containers.delete(containerId);
    if (known?.containers.size === 0) this.#keys.delete(key);
  }

  #listen(key: string, before: AnnouncementWord): AnnouncementWord {
    let unread = false;
    for (const ear of this.#ears) {
      const said = ear.word(key);
      if (said?.value !== undefined) return { type: 'here', value: said.value };
      unread ||= said === undefined;
    }
    if (before.type === 'lapsed') return before;
    if (before.type === 'here')
      return { type: 'lapsed', since: this.#options.clock.now(), value: before.value };
    return unread ? UNREAD : { type: 'absent' };
  }
}

function sameWord(a: AnnouncementWord, b: AnnouncementWord): boolean {
  const value = (word: AnnouncementWord): string | undefined => ('value' in word ? word.value : undefined);
  return a.type === b.type && value(a) === value(b);
}
