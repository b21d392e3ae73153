import type { RouteService } from '../../core/route-service.ts';
import { isPool, needsOwn, ownName, poolName } from './names.ts';

/**
 * Which backend serves which service. It is state: read back from the running proxy, kept while a service lives, so that a
 * service never moves without need. A backend that was freed serves nobody until `rest` is over and its load is zero.
 */
export class Assignment {
  readonly #size: number;
  readonly #byPath = new Map<string, string>();
  readonly #byBackend = new Map<string, string>();
  /** Freed backends, and when (monotonic milliseconds). */
  readonly #resting = new Map<string, number>();

  constructor(size: number) {
    this.#size = size;
  }

  backendOf(path: string): string | undefined {
    return this.#byPath.get(path);
  }

  pathOf(backend: string): string | undefined {
    return this.#byBackend.get(backend);
  }

  paths(): IterableIterator<string> {
    return this.#byPath.keys();
  }

  get taken(): ReadonlySet<string> {
    return new Set(this.#byBackend.keys());
  }

  get resting(): ReadonlyMap<string, number> {
    return this.#resting;
  }

  /** What runs decides, where nothing else is known: the entries of the running map, backend to path. */
  adopt(entries: Iterable<readonly [backend: string, path: string]>): void {
    for (const [backend, path] of entries) {
      if (this.#byPath.has(path) || this.#byBackend.has(backend)) continue;
      if (isPool(backend) && !this.#inPool(backend)) continue;
      this.#take(path, backend);
    }
  }

  /** Gives the service a backend: of the pool, or one of its own that only a reload brings. */
  place(service: RouteService, now: number, usable: (backend: string) => boolean): string {
    const { path, settings } = service;
    const held = this.#byPath.get(path);
    const own = ownName(path, settings);
    if (needsOwn(service)) {
      if (held !== own) this.#move(path, own, now);
      return own;
    }
    if (held !== undefined && (isPool(held) || held === own)) return held;
    const spare = this.#spare(usable);
    // A used-up pool costs a reload, which declares a backend for this service alone.
    this.#move(path, spare ?? own, now);
    return spare ?? own;
  }

  release(path: string, now: number): void {
    const backend = this.#byPath.get(path);
    if (backend === undefined) return;
    this.#byPath.delete(path);
    this.#byBackend.delete(backend);
    if (isPool(backend)) this.#resting.set(backend, now);
  }

  /** Lets rested backends serve again. `idle`: no session and nothing in the queue. */
  wake(now: number, restMs: number, idle: (backend: string) => boolean): void {
    for (const [backend, since] of this.#resting)
      if (now - since >= restMs && idle(backend)) this.#resting.delete(backend);
  }

  /** What an earlier process may have freed; what serves somebody is left alone. */
  restOn(backends: Iterable<string>, now: number): void {
    for (const backend of backends)
      if (this.#inPool(backend) && !this.#byBackend.has(backend)) this.#resting.set(backend, now);
  }

  #spare(usable: (backend: string) => boolean): string | undefined {
    for (let index = 0; index < this.#size; index += 1) {
      const name = poolName(index);
      if (!this.#byBackend.has(name) && !this.#resting.has(name) && usable(name)) return name;
    }
    return undefined;
  }

  #inPool(backend: string): boolean {
    return isPool(backend) && Number(backend.slice('pool-'.length)) < this.#size;
  }

  #move(path: string, backend: string, now: number): void {
    const held = this.#byPath.get(path);
    if (held !== undefined) {
      this.#byBackend.delete(held);
      if (isPool(held)) this.#resting.set(held, now);
    }
    this.#take(path, backend);
  }

  #take(path: string, backend: string): void {
    this.#byPath.set(path, backend);
    this.#byBackend.set(backend, path);
  }
}
