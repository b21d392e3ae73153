import type { Log } from '../core/ports.ts';
import type { RouteMemory } from '../core/route-memory.ts';
import type { RouteTable } from '../core/route-table.ts';

export interface RememberingOptions {
  readonly target: string;
  readonly memory: RouteMemory | undefined;
  readonly table: RouteTable;
  readonly log: Log;
}

/** Takes up what an earlier process knew, and keeps what a later one has to know. */
export class Remembering {
  readonly #options: RememberingOptions;
  readonly #due = new Set<string>();
  #broken = false;

  constructor(options: RememberingOptions) {
    this.#options = options;
  }

  /** The first list of the registry then decides about what it does not hold any more as about any other record. */
  async recall(now: () => number): Promise<void> {
    const { memory, table } = this.#options;
    const records = (await memory?.recall()) ?? [];
    table.change(
      records.map((record) => ({ type: 'put', record })),
      now(),
    );
    table.takeDirty();
  }

  /** The records of these paths may be others now. */
  changed(paths: Iterable<string>): void {
    if (this.#options.memory?.keep === undefined) return;
    for (const path of paths) this.#due.add(path);
  }

  /** Writes what has changed; what fails is tried again the next time. */
  async flush(): Promise<void> {
    const { memory, table, target, log } = this.#options;
    for (const path of this.#due) {
      const kept = await memory?.keep?.(path, table.members(path));
      if (kept?.ok === false) {
        if (!this.#broken)
          log.warn(
            { target, reason: kept.failure.message },
            'after a restart it would not be known who offered what the proxy serves',
          );
        this.#broken = true;
        return;
      }
      this.#due.delete(path);
    }
    this.#broken = false;
  }
}
