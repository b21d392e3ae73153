import { type Gate, whyClosed } from '../core/announced.ts';
import type { Description } from '../core/desired.ts';
import type { GateSign } from '../core/vitals.ts';

interface Watched {
  readonly gate: Gate;
  /** It stood in rotation when this process began, and nothing has been read that speaks against it. */
  readonly stood: boolean;
}

/** The endpoints that need an announcement of their container, and whether they have it. */
export class Gates {
  readonly #ofContainer = new Map<string, ReadonlyMap<string, Watched>>();

  /** What the container offers now. */
  follow(containerId: string, described: Description['endpoints']): void {
    const before = this.#ofContainer.get(containerId);
    const gates = new Map<string, Watched>();
    for (const { endpoint, gate } of described) {
      const stood = gate?.state === 'unread' && before?.get(endpoint.id)?.stood === true;
      if (gate !== undefined) gates.set(endpoint.id, { gate, stood });
    }
    if (gates.size > 0) this.#ofContainer.set(containerId, gates);
    else this.#ofContainer.delete(containerId);
  }

  forget(containerId: string): void {
    this.#ofContainer.delete(containerId);
  }

  get(containerId: string, endpointId: string): Gate | undefined {
    return this.#ofContainer.get(containerId)?.get(endpointId)?.gate;
  }

  /** An earlier process left it in rotation: that counts until the announcement has been read. True if that matters. */
  inherit(containerId: string, endpointId: string): boolean {
    const gates = this.#ofContainer.get(containerId);
    const watched = gates?.get(endpointId);
    if (gates === undefined || watched === undefined) return false;
    if (watched.gate.state !== 'unread' || watched.stood) return false;
    this.#ofContainer.set(containerId, new Map(gates).set(endpointId, { ...watched, stood: true }));
    return true;
  }

  /** `now`: epoch ms. */
  signOf(containerId: string, endpointId: string, now: number): GateSign | undefined {
    const watched = this.#ofContainer.get(containerId)?.get(endpointId);
    if (watched === undefined) return undefined;
    const { gate, stood } = watched;
    const open = gate.state === 'open' || stood;
    return { open, why: open ? undefined : whyClosed(gate, now) };
  }
}
