import { z } from 'zod';
import { type Deadline, withDeadline } from './deadline.ts';
import type { Engine } from './engine.ts';
import type { EventNetwork } from './event.ts';
import { type DriverLookup, type Inspection, networkReferences } from './schema.ts';

const schema = z.object({ Id: z.string().catch(''), Name: z.string(), Driver: z.string() });

/**
 * Which driver each network has: an inspection of a container does not tell. Read when a network turns up that is not
 * known; events name network and driver, so that usually nothing has to be read.
 */
export class NetworkDirectory {
  readonly #engine: Engine;
  readonly #deadline: Deadline;
  readonly #drivers = new Map<string, string>();
  /** Networks that were asked for in vain, so that they are not asked for with every container. */
  readonly #unknown = new Set<string>();
  #reading: Promise<void> | undefined;

  constructor(engine: Engine, deadline: Deadline) {
    this.#engine = engine;
    this.#deadline = deadline;
  }

  readonly driverOf: DriverLookup = ({ id, name }) => this.#drivers.get(id) ?? this.#drivers.get(name);

  /** An event named a network. */
  learn(network: EventNetwork): void {
    this.#put(network.id, network.name, network.driver);
  }

  /** A network is gone; another one may take its name. */
  forget(network: EventNetwork): void {
    this.#drivers.delete(network.id);
    this.#drivers.delete(network.name);
  }

  /** Makes another try possible for networks that could not be found. */
  retry(): void {
    this.#unknown.clear();
  }

  /** Reads the networks if the container is in one that is not known. A failure only leaves drivers unknown. */
  async prepare(inspection: Inspection, signal: AbortSignal): Promise<void> {
    const missing = networkReferences(inspection).filter(
      (network) => this.driverOf(network) === undefined && !this.#unknown.has(keyOf(network)),
    );
    if (missing.length === 0) return;
    // One reading serves all who wait for it.
    this.#reading ??= this.#read(signal).finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
    for (const network of missing) {
      if (this.driverOf(network) === undefined) this.#unknown.add(keyOf(network));
    }
  }

  async #read(signal: AbortSignal): Promise<void> {
    const answer = await withDeadline(this.#deadline, signal, 'GET /networks', (within) =>
      this.#engine.networks(within),
    );
    if (!answer.ok) return;
    for (const json of answer.value) {
      const parsed = schema.safeParse(json);
      if (parsed.success) this.#put(parsed.data.Id, parsed.data.Name, parsed.data.Driver);
    }
  }

  #put(id: string, name: string, driver: string): void {
    if (id !== '') this.#drivers.set(id, driver);
    this.#drivers.set(name, driver);
  }
}

function keyOf(network: { readonly id: string; readonly name: string }): string {
  return `${network.id}/${network.name}`;
}
