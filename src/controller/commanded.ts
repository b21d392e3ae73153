import type { Revision } from '../core/record.ts';
import type { RouteRecord } from '../core/route-record.ts';

/** A record that its owner drains by a command. */
export interface CommandedDrain {
  readonly key: string;
  readonly path: string;
  readonly id: string;
  /** Of the record that says so. */
  readonly revision: Revision;
}

/** The records below the paths of one proxy that are drained by a command; hardly ever any. */
export class CommandedDrains {
  readonly #drains = new Map<string, CommandedDrain>();
  #changed: () => void = () => undefined;

  get all(): Iterable<CommandedDrain> {
    return this.#drains.values();
  }

  get size(): number {
    return this.#drains.size;
  }

  /** Calls back after every change. */
  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  put({ key, path, id, state, cause }: RouteRecord, revision: Revision): void {
    if (state !== 'draining' || cause !== 'command') {
      this.drop(key);
      return;
    }
    this.#drains.set(key, { key, path, id, revision });
    this.#changed();
  }

  drop(key: string): void {
    if (this.#drains.delete(key)) this.#changed();
  }

  /** A complete read follows. */
  clear(): void {
    if (this.#drains.size === 0) return;
    this.#drains.clear();
    this.#changed();
  }
}
