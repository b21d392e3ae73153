import type { AnnounceLoop } from '../controller/announce.ts';
import { explainView } from '../controller/explain.ts';
import { hostViews, orphanViews, unlistedHost } from '../controller/fleet-views.ts';
import { historyRows, historyView } from '../controller/history-views.ts';
import type { KnownContainer } from '../controller/known-containers.ts';
import { targetPlan } from '../controller/plan-view.ts';
import { containerViews, recordView, serviceViews, targetView } from '../controller/views.ts';
import type { Container } from '../core/container.ts';
import type { Description } from '../core/desired.ts';
import { WHOLE_HOST } from '../core/drain-order.ts';
import type { HistoryRow, HistoryView } from '../core/history.ts';
import type { Policy } from '../core/policy.ts';
import type { Clock, RegistryReader, Source } from '../core/ports.ts';
import type { ProxyView, RouteView } from '../core/proxy-view.ts';
import type {
  ContainerView,
  ExplainView,
  HostView,
  OrderView,
  OrphanView,
  PlanView,
  RecordView,
  ServiceView,
  StatusSource,
  StatusView,
  TargetPlan,
} from '../core/status.ts';
import { ProxyStatus } from './proxy-status.ts';
import { unseenView } from './unseen-view.ts';

export interface AgentStatusOptions {
  readonly loop: AnnounceLoop;
  readonly source: Source;
  readonly readers: ReadonlyMap<string, RegistryReader>;
  readonly policyOf: (target: string) => Policy;
  readonly describe: (container: Container) => Description;
  readonly identity: {
    readonly version: string;
    readonly owner: string;
    readonly instance: string;
    readonly startedAt: number;
  };
  readonly clock: Clock;
}

/** The agent's own state as the control socket and the HTTP listener show it. */
export class AgentStatus implements StatusSource {
  readonly #options: AgentStatusOptions;
  /** Every registry has once been brought to what the containers offer. */
  #convergedOnce = false;
  readonly proxyStatus: ProxyStatus;

  constructor(options: AgentStatusOptions) {
    this.#options = options;
    this.proxyStatus = new ProxyStatus(options.clock);
    const stop = options.loop.onChange(() => {
      if (!options.loop.converged) return;
      this.#convergedOnce = true;
      stop();
    });
  }

  get owner(): string {
    return this.#options.identity.owner;
  }

  status(): StatusView {
    const { loop, source, identity, clock } = this.#options;
    const waitingFor = [...this.#waitingFor(), ...this.proxyStatus.waitingFor()];
    return {
      ...identity,
      now: clock.now(),
      ready: waitingFor.length === 0,
      waitingFor,
      sources: [source.status()],
      targets: loop.targets.map((target, n) => targetView(target, loop.janitors[n])),
      proxies: this.proxies(),
      containers: loop.endpoints.size,
      services: [...loop.endpoints.containers()].reduce((sum, { live }) => sum + live.size, 0),
    };
  }

  services(): readonly ServiceView[] {
    return serviceViews(this.#options.loop.endpoints);
  }

  containers(): readonly ContainerView[] {
    return containerViews(this.#options.loop.endpoints);
  }

  async hosts(signal: AbortSignal): Promise<readonly HostView[]> {
    const { loop, readers } = this.#options;
    const lists = await Promise.all(
      loop.janitors.map(async (janitor) => {
        if (janitor.fleet.known) return hostViews(janitor);
        const hosts = await readers.get(janitor.target)?.hosts(signal);
        return hosts?.ok === true ? hosts.value.map((host) => unlistedHost(janitor, host)) : [];
      }),
    );
    return lists.flat().map((host) => this.#knownBest(host));
  }

  proxies(): readonly ProxyView[] {
    return this.proxyStatus.proxies();
  }

  routes(signal: AbortSignal): Promise<readonly RouteView[]> {
    return this.proxyStatus.routes(signal);
  }

  orders(): readonly OrderView[] {
    return this.#options.loop.commands.views();
  }

  async orphans(signal: AbortSignal): Promise<readonly OrphanView[]> {
    const { loop, clock } = this.#options;
    const lists = loop.janitors.map((janitor) => orphanViews(janitor, clock, signal));
    return (await Promise.all(lists)).flat();
  }

  /** Records of every owner: what this agent holds or wants from its own view, the rest as the registry shows it. */
  async records(signal: AbortSignal): Promise<readonly RecordView[]> {
    const { loop, readers } = this.#options;
    const lists = await Promise.all(
      loop.targets.map(async (target) => {
        const own = new Set(
          target
            .allKeys()
            .filter(
              (key) =>
                target.cache.get(key)?.record !== undefined ||
                loop.endpoints.claims.desired(key, target.audience) !== undefined,
            ),
        );
        const read = await readers.get(target.name)?.records(signal);
        const others = read?.ok === true ? read.value.filter(({ key }) => !own.has(key)) : [];
        const foreign = others.map(
          ({ key, record }): RecordView => ({
            ...foreignRecord,
            target: target.name,
            key,
            value: record.value,
            revision: record.modRevision,
          }),
        );
        return [...[...own].map((key) => recordView(target, loop.endpoints, key)), ...foreign].sort((a, b) =>
          a.key < b.key ? -1 : 1,
        );
      }),
    );
    return lists.flat();
  }

  async plan(signal: AbortSignal): Promise<PlanView> {
    const { owner } = this.#options.identity;
    const targets = this.targetPlans();
    return { targets, proxies: await this.proxyStatus.plans({ targets, owners: new Set([owner]) }, signal) };
  }

  /** The registries' part of the plan. */
  targetPlans(): readonly TargetPlan[] {
    const { loop, policyOf, clock } = this.#options;
    return loop.targets.map((target, n) =>
      targetPlan(target, policyOf(target.name), clock, loop.janitors[n]),
    );
  }

  async explain(reference: string, signal: AbortSignal): Promise<ExplainView> {
    const { loop, source } = this.#options;
    const known = this.#known(reference);
    if (known !== undefined) return await this.#explained(reference, known, signal);
    const found = await source.lookup(reference, signal);
    if (!found.ok) return this.#notSeen(reference, `the engine could not be asked: ${found.failure.message}`);
    if (found.value === undefined) return this.#notSeen(reference, 'the engine has no such container');
    const live = loop.endpoints.get(found.value.id);
    return await this.#explained(reference, live ?? { container: found.value, live: new Map() }, signal);
  }

  async #explained(
    reference: string,
    { container, live }: Pick<KnownContainer, 'container' | 'live'>,
    signal: AbortSignal,
  ): Promise<ExplainView> {
    const { loop, describe } = this.#options;
    const view = explainView(reference, container, describe(container), live, loop.endpoints, loop.targets);
    const orders = loop.commands.book.over(container.id);
    return {
      ...view,
      proxies: await this.proxyStatus.explain(view.endpoints, signal),
      history: this.#historyOf(container),
      orders: orders.map(({ subject, at }) => ({
        scope: subject === WHOLE_HOST ? ('host' as const) : ('container' as const),
        since: at,
      })),
    };
  }

  history(): readonly HistoryRow[] {
    const { history, targets } = this.#options.loop;
    return historyRows(history, targets);
  }

  historyOf(reference: string): readonly HistoryView[] {
    const known = this.#known(reference);
    if (known !== undefined) return this.#historyOf(known.container);
    const { history, targets } = this.#options.loop;
    return history.ofGone(reference).map((one) => historyView(one, targets));
  }

  /** A container that was replaced under its name goes on telling where the new one's story began. */
  #historyOf({ id, name }: Container): readonly HistoryView[] {
    const { history, targets } = this.#options.loop;
    const earlier = history.ofGone(name).filter(({ endpoint }) => endpoint.containerId !== id);
    return [...history.ofContainer(id), ...earlier.slice(0, EARLIER)].map((one) => historyView(one, targets));
  }

  #notSeen(reference: string, why: string): ExplainView {
    return unseenView(reference, `${reference}: ${why}`, this.historyOf(reference));
  }

  onChange(changed: () => void): () => void {
    const forget = [this.#options.loop.onChange(changed), this.proxyStatus.onChange(changed)];
    return () => {
      for (const stop of forget) stop();
    };
  }

  /** About itself an agent knows best, also where its registry does not yet. */
  #knownBest(host: HostView): HostView {
    const own = this.#options.loop.commands.book.get(WHOLE_HOST);
    return host.self ? { ...host, drainedSince: own?.drained === true ? own.at : undefined } : host;
  }

  #known(reference: string) {
    const { endpoints } = this.#options.loop;
    const name = reference.replace(/^\//, '');
    for (const entry of endpoints.containers())
      if (entry.container.name === name || entry.container.id === reference) return entry;
    if (!/^[0-9a-f]{6,63}$/.test(reference)) return undefined;
    const matching = [...endpoints.containers()].filter(({ container }) =>
      container.id.startsWith(reference),
    );
    return matching.length === 1 ? matching[0] : undefined;
  }

  #waitingFor(): readonly string[] {
    const { loop, source } = this.#options;
    const waiting: string[] = [];
    if (!source.status().connected) waiting.push(`${source.name}: the engine does not answer`);
    else if (loop.endpoints.listedAt === undefined) waiting.push(`${source.name}: not listed yet`);
    for (const target of loop.targets) {
      if (!target.cache.known) waiting.push(`${target.name}: ${target.failure?.message ?? 'not listed yet'}`);
      else if (target.session.type === 'standby')
        waiting.push(`${target.name}: standing by, ${target.session.why}`);
      else if (target.session.type !== 'held') waiting.push(`${target.name}: no host lease yet`);
    }
    if (waiting.length === 0 && !this.#convergedOnce) waiting.push('the first complete pass');
    return waiting;
  }
}

/** Endpoints of earlier containers of the same name that are told. */
const EARLIER = 10;

const foreignRecord = {
  owned: false,
  state: 'foreign',
  endpoint: undefined,
  lastOutcome: undefined,
  lastOutcomeAt: undefined,
  nextTryAt: undefined,
  why: undefined,
} as const;
