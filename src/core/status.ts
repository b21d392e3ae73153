import type { Container, Health, PowerState } from './container.ts';
import type { DrainCause, LifecycleState } from './endpoint.ts';
import type { Failure } from './failure.ts';
import type { HistoryRow, HistoryView } from './history.ts';
import type { HostState } from './lost-host.ts';
import type { ChangeAction } from './plan.ts';
import type { HostEntry, SessionState, SourceStatus } from './ports.ts';
import type { ExplainedRoute, ProxyView, RouteView } from './proxy-view.ts';
import type { Reason } from './reason.ts';
import type { DialectReading } from './service.ts';

/** Which engine of several; absent where the agent has one. */
export interface OfEngine {
  readonly engine?: string;
}

/** What the agent tells about itself over its control socket and its HTTP listener. All times are epoch milliseconds. */
export interface StatusView {
  readonly version: string;
  readonly owner: string;
  readonly instance: string;
  readonly startedAt: number;
  readonly now: number;
  readonly ready: boolean;
  /** Why it is not ready; empty when it is. */
  readonly waitingFor: readonly string[];
  readonly sources: readonly (SourceStatus & OfEngine)[];
  readonly targets: readonly TargetView[];
  readonly proxies: readonly ProxyView[];
  readonly containers: number;
  readonly services: number;
  /** Absent where the agent has one; `owner` then names the owners of all. */
  readonly engines?: readonly EngineView[];
}

/** One engine of several. */
interface EngineView {
  readonly name: string;
  /** undefined: not known yet. */
  readonly owner: string | undefined;
  readonly instance: string | undefined;
  readonly ready: boolean;
  readonly waitingFor: readonly string[];
}

export interface TargetView extends OfEngine {
  readonly target: string;
  /** A complete read is at hand. */
  readonly known: boolean;
  readonly session: SessionState;
  readonly owned: number;
  /** Owners by state, this one included; undefined before they have been listed. */
  readonly hosts: Readonly<Record<HostState, number>> | undefined;
  readonly pending: number;
  readonly conflicts: number;
  readonly failing: number;
  readonly brakeEngaged: boolean;
  readonly writes: number;
  /** Differences that a list found and no watch event had told. */
  readonly differencesFound: number;
  readonly lastFailure: Failure | undefined;
}

/** One row of `get services`: an endpoint. */
export interface ServiceView extends OfEngine {
  readonly path: string;
  readonly type: string;
  readonly address: string;
  readonly container: string;
  readonly containerId: string;
  readonly containerPort: string;
  readonly dialect: string;
  /** Where the container announces itself; absent: the agent announces it. */
  readonly announcement?: string;
  readonly state: LifecycleState;
  readonly cause: DrainCause | undefined;
  readonly since: number;
  /** Why its health keeps it out of rotation; undefined when it does not. */
  readonly why: string | undefined;
  /** Until when (epoch ms) it is kept out for going up and down too often. */
  readonly outUntil: number | undefined;
  readonly tags: readonly string[];
  readonly weight: number | undefined;
}

/** One row of `get containers`. */
export interface ContainerView extends OfEngine {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly state: PowerState;
  readonly health: Health;
  readonly services: number;
  readonly published: boolean;
  /** Why nothing is published; undefined when something is. */
  readonly why: string | undefined;
}

/** One row of `get hosts`. */
export interface HostView extends HostEntry, OfEngine {
  readonly target: string;
  readonly self: boolean;
  /** Since when the whole host is drained by a command. */
  readonly drainedSince: number | undefined;
  readonly state: HostState;
  /** Epoch milliseconds since when this agent has seen no heartbeat; undefined while there is one. */
  readonly lostSince: number | undefined;
}

/** One row of `orphans`: what a host without a heartbeat left, and what becomes of it. */
export interface OrphanView {
  readonly target: string;
  readonly owner: string;
  readonly key: string;
  readonly state: HostState;
  readonly lostSince: number;
  /** `leave`: somebody else's record, of which only the ledger entry goes; `forget`: bookkeeping without a record. */
  readonly action: 'delete' | 'leave' | 'forget';
  readonly why: string;
  /** Epoch milliseconds at which it is looked at next; undefined: not before something changes. */
  readonly nextTryAt: number | undefined;
  /** Why it has not been done yet. */
  readonly waiting: string;
}

/** One drain by command, or the end of one that is not known everywhere yet. */
export interface OrderView extends OfEngine {
  /** A container's id, or `host`. */
  readonly subject: string;
  /** Its name, while it runs. */
  readonly container: string | undefined;
  readonly drained: boolean;
  /** When the order was given. */
  readonly at: number;
  /** How many endpoints it concerns now. */
  readonly endpoints: number;
  readonly targets: readonly Acknowledgement[];
}

/** Whether a registry or a proxy shows what was ordered; `why`: what it still lacks. */
export interface Acknowledgement {
  /** A registry, or `edge on web-1`: a proxy on its host. */
  readonly target: string;
  readonly acknowledged: boolean;
  readonly why: string | undefined;
  /** A proxy that keeps the last server of a service in rotation, and has nothing else left. */
  readonly held?: true;
}

/** What one registry holds at one key, and what this agent thinks about it. */
export interface RecordView extends OfEngine {
  readonly target: string;
  readonly key: string;
  readonly value: string | undefined;
  readonly owned: boolean;
  /** `synced`, `pending`, `retrying`, `held` (brake), `conflict`, `failed`, `blocked` (policy) or `foreign`. */
  readonly state: RecordState;
  readonly endpoint: string | undefined;
  readonly revision: string | undefined;
  readonly lastOutcome: string | undefined;
  readonly lastOutcomeAt: number | undefined;
  readonly nextTryAt: number | undefined;
  readonly why: string | undefined;
}

export type RecordState =
  | 'synced'
  | 'pending'
  | 'retrying'
  | 'held'
  | 'conflict'
  | 'failed'
  | 'blocked'
  | 'foreign';

/** The whole story of one container. Values of variables and labels are left out: they may be secrets. */
export interface ExplainView extends OfEngine {
  readonly reference: string;
  /** What was asked for could be found at the engine. */
  readonly seen: boolean;
  readonly container: Omit<Container, 'labels' | 'env' | 'ports' | 'networks'> | undefined;
  readonly published: boolean;
  readonly summary: string;
  readonly dialects: readonly DialectReading[];
  readonly reasons: readonly Reason[];
  readonly endpoints: readonly ExplainedEndpoint[];
  /** Each endpoint at each proxy of this agent. */
  readonly proxies: readonly ExplainedRoute[];
  /** What happened to its endpoints, and to those of earlier containers of its name. */
  readonly history: readonly HistoryView[];
  /** Commands that keep it out of rotation. */
  readonly orders: readonly { readonly scope: 'container' | 'host'; readonly since: number }[];
}

export interface ExplainedEndpoint {
  readonly service: ServiceView;
  /** The address chosen and why. */
  readonly address: Reason;
  /** What its probe does; undefined without one. */
  readonly probe: string | undefined;
  readonly records: readonly RecordView[];
}

/** A plan of every target: what a pass would do now, and what it would leave alone. */
export interface PlanView {
  readonly targets: readonly TargetPlan[];
  readonly proxies: readonly ProxyPlanView[];
}

/** What a pass would do to one proxy: nothing where all is empty. */
export interface ProxyPlanView {
  readonly proxy: string;
  /** Set when it could not be told; then the rest is empty. */
  readonly failure: Failure | undefined;
  /** Servers and maps as they run. */
  readonly lines: readonly PlanLine[];
  /** Why it would have to be reloaded. */
  readonly reload: string | undefined;
  /** Run-time commands, in the order in which they would go. */
  readonly commands: readonly string[];
  /** Each with its unified diff; `name`: below the folder of the proxy. */
  readonly files: readonly { readonly name: string; readonly diff: string }[];
}

export interface TargetPlan extends OfEngine {
  readonly target: string;
  /** Set when the target could not be observed; then there are no lines. */
  readonly failure: Failure | undefined;
  readonly lines: readonly PlanLine[];
}

export interface PlanLine {
  readonly action: ChangeAction | 'leave';
  readonly key: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly reason: string;
}

/** What the control socket and the HTTP listener can be asked; the agent implements it. */
export interface StatusSource {
  status(): StatusView;
  services(): readonly ServiceView[];
  containers(): readonly ContainerView[];
  hosts(signal: AbortSignal): Promise<readonly HostView[]>;
  records(signal: AbortSignal): Promise<readonly RecordView[]>;
  orders(): readonly OrderView[];
  orphans(signal: AbortSignal): Promise<readonly OrphanView[]>;
  proxies(): readonly ProxyView[];
  routes(signal: AbortSignal): Promise<readonly RouteView[]>;
  plan(signal: AbortSignal): Promise<PlanView>;
  /** The last changes of all endpoints, the latest first. */
  history(): readonly HistoryRow[];
  /** Of one container, by name, id or the beginning of that; empty where nothing is remembered. */
  historyOf(reference: string): readonly HistoryView[];
  explain(reference: string, signal: AbortSignal): Promise<ExplainView>;
  /** Calls back after anything that these views show may have changed; returns an unsubscribe function. */
  onChange(changed: () => void): () => void;
}
