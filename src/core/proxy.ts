import type { Outcome, Result } from './failure.ts';
import type { RouteService } from './route-service.ts';
import type { PlanLine } from './status.ts';

/** The services that a proxy is to serve; `RouteTable` is one. */
export interface WantedServices {
  paths(): Iterable<string>;
  service(path: string): RouteService | undefined;
}

/** What a pass would do. What else is in it is the adapter's affair. */
export interface ProxyPlan {
  /** The services that it is about; undefined: everything. */
  readonly paths: readonly string[] | undefined;
  /** Everything that differs, `files` included. */
  readonly lines: readonly PlanLine[];
  /** Run-time commands, in the order in which they would go. */
  readonly commands: readonly string[];
  /** Files that would be written, below the folder of the proxy. Only a plan of everything knows them. */
  readonly files: readonly PlanLine[];
  /** Why the proxy has to be reloaded; undefined: it need not be. */
  readonly reload: string | undefined;
}

/** What became of a pass. `paths`: those that did not settle; `rest`: all that `paths` does not name. */
export interface ProxyOutcome {
  readonly paths: ReadonlyMap<string, Outcome>;
  readonly rest: Outcome;
}

/** One server as the proxy runs it. */
export interface ProxyServerView {
  readonly proxy: string;
  readonly path: string;
  readonly backend: string;
  readonly server: string;
  readonly address: string;
  readonly weight: number;
  /** `up`, `down`, `drain`, `maint`. */
  readonly state: string;
  readonly sessions: number | undefined;
  /** Epoch milliseconds. */
  readonly since: number | undefined;
}

export interface ProxyCounters {
  /** Reloads that this process asked for. */
  readonly reloads: number;
  /** Run-time commands that it sent. */
  readonly commands: number;
  /** Why it asked for the last one. */
  readonly lastReload: string | undefined;
  /** Epoch milliseconds. */
  readonly lastReloadAt: number | undefined;
}

/** What runs, as it was observed last. */
export interface ProxyProcess {
  readonly process: string;
  readonly version: string;
}

/** Changes the proxy. Built only when that is allowed: a dry run has none. */
export interface ProxyWriter<Plan extends ProxyPlan = ProxyPlan> {
  /** Makes sure that a proxy which has never run with our files finds some to start with. */
  prepare(): Promise<Result<void>>;
  apply(plan: Plan, signal: AbortSignal): Promise<ProxyOutcome>;
}

/** A proxy that follows the registry. Nothing throws; what has not been observed is unknown. */
export interface Proxy<Plan extends ProxyPlan = ProxyPlan> {
  readonly name: string;
  /** Which process runs: the answer changes when it is another one, or loaded its files anew. Cheap. */
  probe(signal: AbortSignal): Promise<Result<string>>;
  /** Reads everything that the proxy really runs. */
  observe(signal: AbortSignal): Promise<Result<void>>;
  /** Compares with what was observed last. `paths`: only these services; undefined: everything. */
  plan(wanted: WantedServices, paths: readonly string[] | undefined): Plan;
  /** undefined: it was never observed, or not since it answered no more. */
  readonly running: ProxyProcess | undefined;
  readonly writer: ProxyWriter<Plan> | undefined;
  /** Servers with their sessions, as they are now. */
  servers(signal: AbortSignal): Promise<Result<readonly ProxyServerView[]>>;
  /** How it calls the server of a record with this id. */
  nameOf(id: string): string;
  readonly counters: ProxyCounters;
}
