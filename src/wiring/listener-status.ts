import { type Carried, type Orders, refuse } from '../core/orders.ts';
import type { Clock } from '../core/ports.ts';
import type { ProxyView, RouteView } from '../core/proxy-view.ts';
import type { ExplainView, PlanView, StatusSource, StatusView } from '../core/status.ts';
import type { Route } from './proxies.ts';
import { ProxyStatus } from './proxy-status.ts';
import { unseenView } from './unseen-view.ts';

export interface ListenerStatusOptions {
  readonly routes: readonly Route[];
  readonly identity: Pick<StatusView, 'version' | 'owner' | 'instance' | 'startedAt'>;
  readonly clock: Clock;
}

/** What a listener can tell: it has no containers and no records of its own. Nothing tells of changes; they are looked for. */
export class ListenerStatus implements StatusSource {
  readonly #options: ListenerStatusOptions;
  readonly #proxies: ProxyStatus;

  constructor(options: ListenerStatusOptions) {
    this.#options = options;
    this.#proxies = new ProxyStatus(options.clock, options.routes);
  }

  status(): StatusView {
    const { routes, identity, clock } = this.#options;
    const waitingFor = this.#proxies.waitingFor();
    return {
      ...identity,
      now: clock.now(),
      ready: waitingFor.length === 0,
      waitingFor,
      sources: [],
      targets: [],
      proxies: this.proxies(),
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

  proxies(): readonly ProxyView[] {
    return this.#proxies.proxies();
  }

  routes(signal: AbortSignal): Promise<readonly RouteView[]> {
    return this.#proxies.routes(signal);
  }

  history(): readonly never[] {
    return [];
  }

  historyOf(): readonly never[] {
    return [];
  }

  async plan(signal: AbortSignal): Promise<PlanView> {
    const nothing = { targets: [], owners: new Set<string>() };
    return { targets: [], proxies: await this.#proxies.plans(nothing, signal) };
  }

  explain(reference: string): Promise<ExplainView> {
    const why = `${reference}: this is a listener, which sees no containers; ask the agent of its host`;
    return Promise.resolve(unseenView(reference, why));
  }

  onChange(): () => void {
    return () => undefined;
  }
}

const refused = <T>(): Promise<Carried<T>> =>
  Promise.resolve(
    refuse('refused', 'This is a listener, which has no containers; give the order to the agent of a host.'),
  );

/** A listener takes no orders. */
export const noOrders: Orders = { drain: refused, undrain: refused, removeHost: refused };
