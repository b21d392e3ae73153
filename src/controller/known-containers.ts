import type { Container } from '../core/container.ts';
import { containerOf } from './drains.ts';
import { HostNames } from './host-names.ts';
import type { LiveEndpoint } from './publication.ts';
import { Sharers } from './sharers.ts';

/** A container that runs, with what it offers. */
export interface KnownContainer {
  readonly container: Container;
  readonly why: string | undefined;
  readonly live: ReadonlyMap<string, LiveEndpoint>;
}

export interface Entry {
  container: Container;
  /** Why it offers nothing, while that is so. The whole description is large and can be made again. */
  why: string | undefined;
  readonly live: Map<string, LiveEndpoint>;
  /** It ran before this process knew of it: what stands in the registries may be its. */
  readonly inherits: boolean;
}

/** The containers that run on this host, by id, and how they depend on each other. */
export class KnownContainers {
  readonly #entries = new Map<string, Entry>();
  readonly #sharers = new Sharers();
  readonly #names = new HostNames();

  get size(): number {
    return this.#entries.size;
  }

  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  get(containerId: string): Entry | undefined {
    return this.#entries.get(containerId);
  }

  /** The endpoint with this id (`<container id>/...`). */
  live(id: string): LiveEndpoint | undefined {
    return this.#entries.get(containerOf(id))?.live.get(id);
  }

  /** Takes over the facts of a container. `inherits` counts when it has not been known. */
  put(container: Container, inherits: boolean): Entry {
    const known = this.#entries.get(container.id);
    const entry: Entry = known ?? { container, why: undefined, live: new Map(), inherits };
    if (known === undefined) this.#entries.set(container.id, entry);
    for (const index of [this.#sharers, this.#names]) {
      index.forget(entry.container);
      index.note(container);
    }
    entry.container = container;
    return entry;
  }

  remove({ container }: Entry): void {
    this.#entries.delete(container.id);
    this.#sharers.forget(container);
    this.#names.forget(container);
  }

  /** Another container that runs here answers to this name. */
  isShared(name: string, containerId: string): boolean {
    return this.#names.isShared(name, containerId);
  }

  /** Those that live in its network, and the one whose host name is unique no more, or again. */
  affectedBy({ id, hostname }: Container): readonly Entry[] {
    const namesake = this.#names.affected(hostname, id);
    return this.some([...this.#sharers.of(id), ...(namesake === undefined ? [] : [namesake])]);
  }

  some(ids: Iterable<string>): readonly Entry[] {
    return [...ids].map((id) => this.#entries.get(id)).filter((entry) => entry !== undefined);
  }
}
