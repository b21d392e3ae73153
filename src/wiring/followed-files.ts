import { codeOf } from '../core/failure.ts';
import type { Clock, Log } from '../core/ports.ts';

/** Texts by the name that the files have among themselves, such as `cert`. */
export type Texts = ReadonlyMap<string, string>;

/** What the texts amount to, or what is wrong with them (without their content). */
export type Made<T> = Usable<T> | { readonly problem: string };

export interface Usable<T> {
  readonly value: T;
  /** What has to be said about it at a time (epoch milliseconds), such as that a certificate has expired. */
  readonly notes?: (now: number) => readonly string[];
}

export interface Recipe<T> {
  /** Paths by name. */
  readonly files: ReadonlyMap<string, string>;
  readonly make: (texts: Texts) => Made<T>;
}

export interface FollowedOptions<T> {
  readonly recipe: Recipe<T>;
  /** Whose files these are, as fields of the log. */
  readonly subject: object;
  readonly readFile: (path: string) => Promise<string>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * How often files are looked at. Their content is compared, not their times: a volume of Kubernetes swaps a link, others
 * rename, others write in place, and some keep the time; a few kilobytes cost less than to get this wrong.
 */
export const LOOK_MS = 5_000;
/** Two files that are replaced one after the other do not fit for a moment; only what stays so is worth a word. */
export const DOUBT_MS = 1_000;

/** What some files amount to, kept current. What cannot be used is said once and tried again; until then the old counts. */
export class FollowedFiles<T> {
  readonly #options: FollowedOptions<T>;
  #recipe: Recipe<T>;
  #texts: Texts | undefined;
  #made: Usable<T>;
  /** What was wrong at the last look. */
  #problem: string | undefined;
  #said: string | undefined;
  readonly #noted = new Set<string>();
  #cancel: (() => void) | undefined;
  #stopped = false;

  private constructor(options: FollowedOptions<T>, texts: Texts, made: Usable<T>) {
    this.#options = options;
    this.#recipe = options.recipe;
    this.#texts = texts;
    this.#made = made;
    this.#note();
    this.#arm(LOOK_MS);
  }

  /** Reads the files for the first time; the problem is one for a person. */
  static async open<T>(
    options: FollowedOptions<T>,
  ): Promise<{ readonly files: FollowedFiles<T> } | { readonly problem: string }> {
    const read = await readOnce(options.recipe, options.readFile);
    return 'problem' in read ? read : { files: new FollowedFiles(options, read.texts, read.made) };
  }

  /** The same object as long as nothing has changed. */
  get current(): T {
    return this.#made.value;
  }

  /** Other files from now on, or the same for another use. */
  async change(recipe: Recipe<T>): Promise<void> {
    this.#recipe = recipe;
    this.#texts = undefined;
    await this.look();
  }

  /** Now, instead of in a while. */
  async look(): Promise<void> {
    const recipe = this.#recipe;
    const read = await readAll(recipe.files, this.#options.readFile);
    // Whoever changed the recipe meanwhile looks by himself.
    if (recipe !== this.#recipe) return;
    const problem = 'problem' in read ? read.problem : this.#take(read.texts);
    const fresh = problem !== undefined && problem !== this.#problem;
    this.#problem = problem;
    if (!fresh) this.#complain(problem);
    this.#note();
    this.#arm(fresh ? DOUBT_MS : LOOK_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  #arm(afterMs: number): void {
    if (this.#stopped || this.#recipe.files.size === 0) return;
    this.#cancel?.();
    this.#cancel = this.#options.clock.timer(afterMs, () => {
      void this.look();
    });
  }

  #complain(problem: string | undefined): void {
    if (problem !== undefined && problem !== this.#said)
      this.#options.log.warn(
        { ...this.#options.subject, reason: problem },
        'changed credentials cannot be used; the earlier ones stay',
      );
    this.#said = problem;
  }

  #take(texts: Texts): string | undefined {
    if (this.#texts !== undefined && same(texts, this.#texts)) return undefined;
    const made = this.#recipe.make(texts);
    if ('problem' in made) return made.problem;
    this.#texts = texts;
    this.#made = made;
    this.#noted.clear();
    this.#options.log.info(
      { ...this.#options.subject, files: [...this.#recipe.files.values()] },
      'credentials were renewed; new connections use them',
    );
    return undefined;
  }

  /** What time makes of them, such as that a certificate expires: said once. */
  #note(): void {
    for (const reason of this.#made.notes?.(this.#options.clock.now()) ?? []) {
      if (this.#noted.has(reason)) continue;
      this.#noted.add(reason);
      this.#options.log.warn({ ...this.#options.subject, reason }, 'credentials');
    }
  }
}

/** What the files make, read now and never again; the problem is one for a person. */
export async function readOnce<T>(
  { files, make }: Recipe<T>,
  readFile: (path: string) => Promise<string>,
): Promise<{ readonly texts: Texts; readonly made: Usable<T> } | { readonly problem: string }> {
  const read = await readAll(files, readFile);
  if ('problem' in read) return read;
  const made = make(read.texts);
  return 'problem' in made ? made : { texts: read.texts, made };
}

async function readAll(
  files: ReadonlyMap<string, string>,
  readFile: (path: string) => Promise<string>,
): Promise<{ readonly texts: Texts } | { readonly problem: string }> {
  const texts = new Map<string, string>();
  for (const [name, path] of files)
    try {
      texts.set(name, await readFile(path));
    } catch (error) {
      const code = codeOf(error);
      return { problem: `${path} cannot be read (${code})` };
    }
  return { texts };
}

function same(a: Texts, b: Texts): boolean {
  return a.size === b.size && [...a].every(([name, text]) => b.get(name) === text);
}
