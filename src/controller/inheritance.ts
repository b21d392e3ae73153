/**
 * Brings together, in whatever order they come in sight, endpoints that ran before this process and the records that an
 * earlier one left of them: a restarted agent must not take out of a registry what it has only not probed yet.
 */
export class Inheritance {
  /** Own records that came in sight before their containers. */
  readonly #records = new Set<string>();
  /** Endpoints whose records have not come in sight, by key. */
  readonly #waiting = new Map<string, string>();
  #open = true;

  /** An endpoint came in sight; true when one of the keys of its rotation is in a registry. */
  meet(endpointId: string, keys: readonly string[]): boolean {
    if (keys.some((key) => this.#records.has(key))) return true;
    for (const key of keys) this.#waiting.set(key, endpointId);
    return false;
  }

  /** A record of ours came in sight; returns the endpoint that waits for it. */
  published(key: string): string | undefined {
    if (this.#open) this.#records.add(key);
    const endpointId = this.#waiting.get(key);
    this.#waiting.delete(key);
    return endpointId;
  }

  /** Whatever ran before this process has been seen. */
  allSeen(): void {
    this.#open = false;
    this.#records.clear();
  }
}
