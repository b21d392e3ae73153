import { type DrainOrder, WHOLE_HOST } from '../core/drain-order.ts';
import type { Listeners } from '../core/listener.ts';
import type { Clock, Source } from '../core/ports.ts';
import type { OrderView } from '../core/status.ts';
import { missingAt, proxiesAt } from './acknowledgement.ts';
import { orderKey, orderRecord } from './drains.ts';
import type { Endpoints } from './endpoints.ts';
import type { OrderBook } from './order-book.ts';
import type { LiveEndpoint } from './publication.ts';
import type { Target } from './target.ts';

export interface CommandsOptions {
  readonly owner: string;
  readonly endpoints: Endpoints;
  readonly targets: readonly Target[];
  /** The listeners of a target's registry; undefined where nobody follows them. */
  readonly listenersOf: (target: Target) => Listeners | undefined;
  readonly source: Source;
  readonly clock: Clock;
  /** Told after anything that a view shows may have changed. */
  readonly onChange: () => void;
}

/**
 * Drains by command: kept as a record of ours in every registry, one for each subject, so that they outlive the agent,
 * its state folder and each start of the container. They end by `undrain`, or when the container exists no more.
 */
export class Commands {
  readonly book: OrderBook;
  readonly #options: CommandsOptions;
  /** Ends of drains that are not yet known in every registry; until then each registry holds them in place of the drain. */
  readonly #ending = new Set<string>();

  constructor(book: OrderBook, options: CommandsOptions) {
    this.book = book;
    this.#options = options;
  }

  /** False when it says nothing new. `now`: epoch ms. */
  give(subject: string, drained: boolean, now: number): boolean {
    const order = this.book.give(subject, drained, now);
    if (order === undefined) return false;
    // The order comes first: what is marked for a drain that nobody ordered would come back at a restart.
    this.#keep(order);
    this.#options.endpoints.obey();
    this.#options.onChange();
    return true;
  }

  /** Orders of an earlier process, found in a registry or in the state folder; they count from `obey` on. */
  learn(orders: Iterable<DrainOrder>): void {
    for (const order of orders) if (this.book.learn(order) && order.settled !== true) this.#keep(order);
  }

  /** Once every registry knows that a drain has ended, none has to remember it. */
  settle(): void {
    const { targets, endpoints } = this.#options;
    if (this.#ending.size === 0 || !targets.every((target) => target.converged)) return;
    for (const subject of [...this.#ending]) {
      const order = this.book.get(subject);
      if (order === undefined || this.#missing(order).some(({ why }) => why !== undefined)) continue;
      this.#ending.delete(subject);
      this.book.settle(subject);
      endpoints.claimCommand(orderKey(this.#options.owner, subject), undefined);
    }
  }

  /** Forgets orders about containers that the engine has no more; those that only do not run keep theirs. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { endpoints, source, owner } = this.#options;
    for (const { subject } of this.book.all()) {
      if (subject === WHOLE_HOST || endpoints.get(subject) !== undefined) continue;
      const found = await source.lookup(subject, signal);
      if (signal.aborted || !found.ok || found.value !== undefined) continue;
      this.book.forget(subject);
      this.#ending.delete(subject);
      endpoints.claimCommand(orderKey(owner, subject), undefined);
      this.#options.onChange();
    }
  }

  /** The orders that hold, and the ends of drains that are not known everywhere yet. */
  views(): readonly OrderView[] {
    return this.book
      .all()
      .filter(({ subject, drained }) => drained || this.#ending.has(subject))
      .map((order): OrderView => {
        const missing = [...this.#missing(order), ...this.#proxies(order)];
        return {
          ...order,
          container: this.#options.endpoints.find(order.subject)?.name,
          endpoints: this.#concerned(order).length,
          targets: missing.map(({ why, ...rest }) => ({ ...rest, acknowledged: why === undefined, why })),
        };
      });
  }

  /** The proxies that serve what is drained, on whatever host. The end of a drain concerns nobody's sessions. */
  #proxies(order: DrainOrder): ReturnType<typeof proxiesAt> {
    if (!order.drained) return [];
    const { targets, listenersOf } = this.#options;
    const drained = this.#concerned(order).filter(
      ({ phase }) => phase.state === 'draining' && phase.cause === 'command' && phase.offered,
    );
    const keys = drained.flatMap(({ records }) => records.map((record) => record.key));
    return targets.flatMap((target) => {
      const listeners = listenersOf(target);
      return listeners === undefined ? [] : proxiesAt(target, listeners, keys);
    });
  }

  /** The registries, and what each one still lacks. */
  #missing(order: DrainOrder): readonly { readonly target: string; readonly why: string | undefined }[] {
    const { key, value } = orderRecord(this.#options.owner, order);
    const keys = this.#concerned(order).flatMap((live) => this.#keysOf(live));
    return this.#options.targets.map((target) => ({
      target: target.name,
      why: missingAt(target, { key, value, mayBeAbsent: !order.drained }, keys),
    }));
  }

  /** What it shows now, and what a drain takes away where drains are not marked. */
  #keysOf(live: LiveEndpoint): readonly string[] {
    const shown = live.records.map(({ key }) => key);
    if (live.phase.state !== 'draining') return shown;
    return [...new Set([...shown, ...this.#options.endpoints.rotationKeys(live)])];
  }

  #concerned({ subject }: DrainOrder): readonly LiveEndpoint[] {
    const { endpoints } = this.#options;
    const all = [...endpoints.containers()];
    const meant = subject === WHOLE_HOST ? all : all.filter(({ container }) => container.id === subject);
    return meant.flatMap(({ live }) => [...live.values()]);
  }

  #keep(order: DrainOrder): void {
    if (order.drained) this.#ending.delete(order.subject);
    else this.#ending.add(order.subject);
    const { key, value } = orderRecord(this.#options.owner, order);
    this.#options.endpoints.claimCommand(key, value);
  }
}
