import { proxyView, routeViews, type ShownRoute, whyNot } from '../controller/proxy-views.ts';
import type { ProxyView, RouteView } from '../core/proxy-view.ts';

/** What a process tells about the proxies that it feeds. */
export class ProxyStatus {
  #routes: readonly ShownRoute[];

  constructor(routes: readonly ShownRoute[] = []) {
    this.#routes = routes;
  }

  /** They are opened when everything else is. */
  show(routes: readonly ShownRoute[]): void {
    this.#routes = routes;
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
