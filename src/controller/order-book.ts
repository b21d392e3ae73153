import { type DrainOrder, WHOLE_HOST } from '../core/drain-order.ts';

/**
 * Who was taken out of rotation by a command. Of two orders about one subject the newer holds; a new one is always newer
 * than all that is known, whatever the clock on the wall says. The end of a drain is an order as well: without it an old
 * note in a registry that was away would begin the drain again.
 */
export class OrderBook {
  readonly #orders = new Map<string, DrainOrder>();

  all(): readonly DrainOrder[] {
    return [...this.#orders.values()];
  }

  get(subject: string): DrainOrder | undefined {
    return this.#orders.get(subject);
  }

  /** The orders that keep this container out of rotation: its own, and the host's. */
  over(containerId: string): readonly DrainOrder[] {
    return [containerId, WHOLE_HOST]
      .map((subject) => this.#orders.get(subject))
      .filter((order) => order !== undefined)
      .filter(({ drained }) => drained);
  }

  /** The new order; undefined when it is so already. `now`: epoch ms. */
  give(subject: string, drained: boolean, now: number): DrainOrder | undefined {
    const known = this.#orders.get(subject);
    if ((known?.drained ?? false) === drained) return undefined;
    const order = { subject, drained, at: Math.max(now, (known?.at ?? Number.NEGATIVE_INFINITY) + 1) };
    this.#orders.set(subject, order);
    return order;
  }

  /** An order that was found in a registry or a file; false when it tells nothing new. */
  learn(order: DrainOrder): boolean {
    if (order.at <= (this.#orders.get(order.subject)?.at ?? Number.NEGATIVE_INFINITY)) return false;
    this.#orders.set(order.subject, order);
    return true;
  }

  /** Every registry knows how this one ended. */
  settle(subject: string): void {
    const order = this.#orders.get(subject);
    if (order !== undefined) this.#orders.set(subject, { ...order, settled: true });
  }

  forget(subject: string): void {
    this.#orders.delete(subject);
  }
}
