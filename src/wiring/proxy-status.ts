import { type ExplainingRoute, explainRoutes } from '../controller/explain-routes.ts';
import { proxyView, routeViews, whyNot } from '../controller/proxy-views.ts';
import type { RouteLoop } from '../controller/route.ts';
import type { Clock } from '../core/ports.ts';
import type { ExplainedRoute, ProxyView, RouteView } from '../core/proxy-view.ts';
import type { ExplainedEndpoint, ProxyPlanView } from '../core/status.ts';
import { type Ahead, type PlannedRoute, proxyPlan } from './proxy-plans.ts';

interface StatusRoute extends ExplainingRoute, PlannedRoute {
  readonly loop: ExplainingRoute['loop'] & PlannedRoute['loop'] & Pick<RouteLoop, 'heard' | 'onPass'>;
  readonly registry: PlannedRoute['registry'];
}

/** What a process tells about the proxies that it feeds. */
export class ProxyStatus {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #routes: readonly StatusRoute[];
  #dry = false;

  constructor(clock: Clock, routes: readonly StatusRoute[] = []) {
    this.#clock = clock;
    this.#routes = routes;
  }

  /** They are opened when everything else is. */
  show(routes: readonly StatusRoute[]): void {
    this.#routes = routes;
  }

  /** In a dry run: what is announced by nobody yet is planned with, and all that is heard counts as a change. */
  showDry(routes: readonly StatusRoute[]): void {
    this.#routes = routes;
    this.#dry = true;
    for (const { loop } of routes)
      loop.onPass(() => {
        for (const listener of this.#listeners) listener();
      });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The registry of each has been read, or has not answered. */
  get heard(): boolean {
    return this.#routes.every(({ loop }) => loop.heard);
  }

  explain(endpoints: readonly ExplainedEndpoint[], signal: AbortSignal): Promise<readonly ExplainedRoute[]> {
    return explainRoutes(endpoints, this.#routes, signal);
  }

  async plans(ahead: Ahead, signal: AbortSignal): Promise<readonly ProxyPlanView[]> {
    return await Promise.all(
      this.#routes.map((route) => proxyPlan(route, this.#dry ? ahead : undefined, this.#clock, signal)),
    );
  }

  get shown(): readonly StatusRoute[] {
    return this.#routes;
  }

  proxies(): readonly ProxyView[] {
    return this.#routes.map(proxyView);
  }

  async routes(signal: AbortSignal): Promise<readonly RouteView[]> {
    return (await Promise.all(this.#routes.map((route) => routeViews(route, signal)))).flat();
  }

  waitingFor(): readonly string[] {
    return this.#routes.flatMap(({ proxy, loop }) => {
      // A pass that is under way is no reason to take an agent for unready.
      const passing = loop.standing.state === 'lagging' && loop.failure === undefined;
      const why = passing ? undefined : whyNot(loop);
      return why === undefined ? [] : [`${proxy.name}: ${why}`];
    });
  }
}
