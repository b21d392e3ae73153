import { type Carried, type Orders, refuse } from '../core/orders.ts';
import type { Clock } from '../core/ports.ts';
import type { ExplainView, PlanView, StatusSource, StatusView } from '../core/status.ts';
import type { Route } from './proxies.ts';

export interface ListenerStatusOptions {
  readonly routes: readonly Route[];
  readonly identity: Pick<StatusView, 'version' | 'owner' | 'instance' | 'startedAt'>;
  readonly clock: Clock;
}

/** What a listener can tell: it has no containers and no records of its own. Nothing tells of changes; they are looked for. */
export class ListenerStatus implements StatusSource {
  readonly #options: ListenerStatusOptions;
  /** Proxies that have once been what the registry says. */
  readonly #converged = new Set<Route>();

  constructor(options: ListenerStatusOptions) {
    this.#options = options;
  }

  status(): StatusView {
    const { routes, identity, clock } = this.#options;
    const waitingFor = routes.flatMap((route) => this.#waitingFor(route));
    return {
      ...identity,
      now: clock.now(),
      ready: waitingFor.length === 0,
      waitingFor,
      sources: [],
      targets: [],
      containers: 0,
      services: routes.reduce((sum, { loop }) => sum + loop.table.size, 0),
    };
  }

  services(): readonly never[] {
    return [];
  }

  containers(): readonly never[] {
    return [];
  }

  hosts(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  records(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  orders(): readonly never[] {
    return [];
  }

  orphans(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  plan(): PlanView {
    return { targets: [] };
  }

  explain(reference: string): Promise<ExplainView> {
    return Promise.resolve({
      reference,
      seen: false,
      container: undefined,
      published: false,
      summary: `${reference}: this is a listener, which sees no containers; ask the agent of its host`,
      dialects: [],
      reasons: [],
      endpoints: [],
      orders: [],
    });
  }

  onChange(): () => void {
    return () => undefined;
  }

  #waitingFor(route: Route): readonly string[] {
    const { proxy, loop } = route;
    if (loop.failure !== undefined) return [`${proxy.name}: ${loop.failure.message}`];
    if (loop.converged) this.#converged.add(route);
    return this.#converged.has(route) ? [] : [`${proxy.name}: the first complete pass`];
  }
}

const refused = <T>(): Promise<Carried<T>> =>
  Promise.resolve(
    refuse('refused', 'This is a listener, which has no containers; give the order to the agent of a host.'),
  );

/** A listener takes no orders. */
export const noOrders: Orders = { drain: refused, undrain: refused, removeHost: refused };
