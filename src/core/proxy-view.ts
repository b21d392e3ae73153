/** One row of `get proxies`. */
export interface ProxyView {
  readonly name: string;
  /** The registry that it follows, and the prefixes of the keys. */
  readonly registry: string;
  readonly paths: readonly string[];
  /** `waiting`: for the registry, or for its first complete pass; `lagging`: it is not what the records say. */
  readonly state: 'converged' | 'lagging' | 'waiting';
  /** Why it is not converged. */
  readonly why: string | undefined;
  /** Epoch milliseconds since when it is in that state. */
  readonly since: number;
  /** What runs, as it was observed last. */
  readonly process: string | undefined;
  readonly version: string | undefined;
  readonly services: number;
  readonly servers: number;
  readonly reloads: number;
  readonly commands: number;
  /** Why this process reloaded it last. */
  readonly lastReload: string | undefined;
  /** Epoch milliseconds. */
  readonly lastReloadAt: number | undefined;
}

/** One row of `get routes`: a server of a service, or a service for which the proxy has none. */
export interface RouteView {
  readonly proxy: string;
  readonly path: string;
  /** Host names that lead to it. */
  readonly hosts: readonly string[];
  readonly backend: string | undefined;
  readonly server: string | undefined;
  readonly address: string | undefined;
  readonly weight: number | undefined;
  /**
   * `up`, `down`, `drain`, `maint` as it runs, with `, leaving` when no record stands for it any more; `missing`: it does not
   * run yet; `not served`: no host name is left for it; `unknown`: the proxy does not answer.
   */
  readonly state: string;
  /** Why it is there: `registered`, `draining`, `lost`, or `held`: the last server of its service. */
  readonly why: string | undefined;
  /** Open sessions; undefined when that is not known. */
  readonly sessions: number | undefined;
  /** Epoch milliseconds of the server's last change of state. */
  readonly since: number | undefined;
  /** What was left out or decided against somebody. */
  readonly notes: readonly string[];
}

/** How one proxy serves one endpoint of a container, or why it does not. */
export interface ExplainedRoute extends Omit<RouteView, 'notes' | 'why' | 'address'> {
  /** Of the endpoint. */
  readonly address: string;
  /** It gets new connections. */
  readonly served: boolean;
  /** Why it is not served, or not as it asks to be; empty when all is well. */
  readonly why: readonly string[];
}
