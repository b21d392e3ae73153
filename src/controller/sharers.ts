import type { Container } from '../core/container.ts';

const PREFIX = 'container:';

/** Which containers live in another one's network: what they offer depends on that one's ports and addresses. */
export class Sharers {
  readonly #byOwner = new Map<string, Set<string>>();

  note({ id, networkMode }: Container): void {
    if (!networkMode.startsWith(PREFIX)) return;
    const owner = networkMode.slice(PREFIX.length);
    this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? new Set<string>()).add(id));
  }

  forget({ id, networkMode }: Container): void {
    if (!networkMode.startsWith(PREFIX)) return;
    const owner = networkMode.slice(PREFIX.length);
    const sharers = this.#byOwner.get(owner);
    sharers?.delete(id);
    if (sharers?.size === 0) this.#byOwner.delete(owner);
  }

  of(owner: string): Iterable<string> {
    return this.#byOwner.get(owner) ?? [];
  }
}
