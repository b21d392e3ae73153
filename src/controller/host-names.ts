import { type Container, isRunning, shortId } from '../core/container.ts';

/** Which names the containers that run on this host answer to: their host name, and their short id. */
export class HostNames {
  readonly #byName = new Map<string, Set<string>>();

  note(container: Container): void {
    if (!isRunning(container)) return;
    for (const name of namesOf(container))
      this.#byName.set(name, (this.#byName.get(name) ?? new Set<string>()).add(container.id));
  }

  forget(container: Container): void {
    for (const name of namesOf(container)) {
      const ids = this.#byName.get(name);
      ids?.delete(container.id);
      if (ids?.size === 0) this.#byName.delete(name);
    }
  }

  isShared(name: string, containerId: string): boolean {
    return [...(this.#byName.get(name) ?? [])].some((id) => id !== containerId);
  }

  /** Whose claim to the name changes as one more comes or goes: nobody's, where there are others. */
  affected(name: string, containerId: string): string | undefined {
    const holders = this.#byName.get(name);
    if (holders === undefined || holders.size > 2) return undefined;
    const others = [...holders].filter((id) => id !== containerId);
    return others.length === 1 ? others[0] : undefined;
  }
}

function namesOf({ id, hostname }: Container): ReadonlySet<string> {
  return new Set([hostname, shortId(id)]);
}
