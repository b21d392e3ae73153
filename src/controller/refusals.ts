import type { Failure } from '../core/failure.ts';
import type { ProxyOutcome } from '../core/proxy.ts';

/** The services that a proxy does not take, while it takes the rest. */
export class Refusals {
  readonly #failures = new Map<string, Failure>();

  /** `asked`: what the pass was about; undefined: everything. A pass that failed as a whole tells nothing about any of them. */
  note({ paths, rest }: ProxyOutcome, asked: Iterable<string> | undefined): void {
    if (rest.type !== 'settled') return;
    if (asked === undefined) this.#failures.clear();
    for (const path of asked ?? []) this.#failures.delete(path);
    for (const [path, outcome] of paths)
      if (outcome.type === 'retry') this.#failures.set(path, outcome.failure);
      else this.#failures.delete(path);
  }

  of(path: string): Failure | undefined {
    return this.#failures.get(path);
  }

  /** One of them, with how many there are. */
  get summary(): Failure | undefined {
    for (const [path, failure] of this.#failures) {
      const others = this.#failures.size - 1;
      const more = others === 0 ? '' : ` (and ${String(others)} more)`;
      return { ...failure, message: `${path}: ${failure.message}${more}` };
    }
    return undefined;
  }
}
