import type { HistoryRow, HistoryView } from '../core/history.ts';
import { compareText } from '../core/order.ts';
import type { Clock } from '../core/ports.ts';
import type { ProxyView, RouteView } from '../core/proxy-view.ts';
import type {
  ContainerView,
  ExplainView,
  HostView,
  OfEngine,
  OrderView,
  OrphanView,
  PlanLine,
  PlanView,
  RecordView,
  ServiceView,
  StatusSource,
  StatusView,
  TargetPlan,
} from '../core/status.ts';
import type { Member, MemberAssembly, Members } from './members.ts';
import { membersMeant } from './naming.ts';
import { ProxyStatus } from './proxy-status.ts';
import { unseenView } from './unseen-view.ts';

export interface SeveralStatusOptions {
  readonly members: Members;
  readonly identity: Pick<StatusView, 'version' | 'instance' | 'startedAt'>;
  /** Names of the registries, which all engines share. */
  readonly targets: readonly string[];
  readonly clock: Clock;
}

/** What several engines show together: each row says whose it is, and what all see alike is shown once. */
export class SeveralStatus implements StatusSource {
  readonly #options: SeveralStatusOptions;
  /** They serve the records of all engines. */
  readonly proxyStatus: ProxyStatus;

  constructor(options: SeveralStatusOptions) {
    this.#options = options;
    this.proxyStatus = new ProxyStatus(options.clock);
  }

  status(): StatusView {
    const { members, identity, clock } = this.#options;
    const each = members.all.map((member) => ({ member, view: member.assembly?.status.status() }));
    const engines = each.map(({ member, view }) => {
      const { name, waitingFor } = member;
      const ready = waitingFor.length === 0;
      return { name, owner: view?.owner, instance: view?.instance, ready, waitingFor };
    });
    const waitingFor = [
      ...engines.flatMap(({ name, waitingFor: its }) => its.map((what) => `${name}: ${what}`)),
      ...this.proxyStatus.waitingFor(),
    ];
    return {
      ...identity,
      owner: engines.flatMap(({ owner }) => owner ?? []).join(','),
      now: clock.now(),
      ready: waitingFor.length === 0,
      waitingFor,
      sources: each.flatMap(({ member: { name: engine }, view }) =>
        (view?.sources ?? []).map((row) => ({ ...row, engine })),
      ),
      targets: each.flatMap(({ member: { name: engine }, view }) =>
        (view?.targets ?? []).map((row) => ({ ...row, engine })),
      ),
      proxies: this.proxies(),
      containers: sum(each.map(({ view }) => view?.containers)),
      services: sum(each.map(({ view }) => view?.services)),
      engines,
    };
  }

  services(): readonly ServiceView[] {
    const rows = this.#rows(({ status }) => status.services());
    return rows.sort(
      (a, b) =>
        compareText(a.path, b.path) ||
        compareText(a.container, b.container) ||
        compareText(a.address, b.address),
    );
  }

  containers(): readonly ContainerView[] {
    return this.#rows(({ status }) => status.containers());
  }

  proxies(): readonly ProxyView[] {
    return this.proxyStatus.proxies();
  }

  routes(signal: AbortSignal): Promise<readonly RouteView[]> {
    return this.proxyStatus.routes(signal);
  }

  orders(): readonly OrderView[] {
    return this.#rows(({ status }) => status.orders());
  }

  /** Every engine sees the hosts of all; about itself each knows best. */
  async hosts(signal: AbortSignal): Promise<readonly HostView[]> {
    const rows = await this.#readRows(
      ({ status }) => status.hosts(signal),
      ({ self }) => self,
    );
    return onePer(
      rows,
      ({ target, owner }) => `${target} ${owner}`,
      ({ self }) => self,
    ).sort((a, b) => compareText(a.target, b.target) || compareText(a.owner, b.owner));
  }

  async orphans(signal: AbortSignal): Promise<readonly OrphanView[]> {
    const lists = this.#options.members.assemblies.map(({ status }) => status.orphans(signal));
    const rows = (await Promise.all(lists)).flat();
    return onePer(
      rows,
      ({ target, owner, key }) => `${target} ${owner} ${key}`,
      () => false,
    );
  }

  /** What no engine of this agent has or wants is foreign to all of them. */
  async records(signal: AbortSignal): Promise<readonly RecordView[]> {
    const isOwn = ({ state }: RecordView): boolean => state !== 'foreign';
    const rows = await this.#readRows(({ status }) => status.records(signal), isOwn);
    const own = rows.filter(isOwn);
    const at = ({ target, key }: RecordView): string => `${target} ${key}`;
    const known = new Set(own.map(at));
    const foreign = rows.filter((row) => !isOwn(row) && !known.has(at(row)));
    return [...own, ...onePer(foreign, at, () => false)].sort(
      (a, b) => compareText(a.target, b.target) || compareText(a.key, b.key),
    );
  }

  async plan(signal: AbortSignal): Promise<PlanView> {
    const targets = this.#targetPlans();
    const owners = new Set(this.#options.members.assemblies.map(({ status }) => status.owner));
    return { targets, proxies: await this.proxyStatus.plans({ targets, owners }, signal) };
  }

  #targetPlans(): readonly TargetPlan[] {
    const said = new Set<string>();
    const fresh = (target: string, line: PlanLine): boolean => {
      const text = JSON.stringify([target, line]);
      return !said.has(text) && said.add(text).size > 0;
    };
    const plans = this.#options.members.all.flatMap((member) => this.#planOf(member));
    // What is left of a lost host every engine would remove, but only one will.
    return plans.map((plan) => ({
      ...plan,
      lines: plan.lines.filter((line) => fresh(plan.target, line)),
    }));
  }

  history(): readonly HistoryRow[] {
    return this.#rows(({ status }) => status.history()).sort((a, b) => b.at - a.at);
  }

  historyOf(reference: string): readonly HistoryView[] {
    const { meant, container } = membersMeant(reference, this.#options.members);
    return meant.flatMap(({ name, assembly }) =>
      (assembly?.status.historyOf(container) ?? []).map((view) => ({ ...view, engine: name })),
    );
  }

  async explain(reference: string, signal: AbortSignal): Promise<ExplainView> {
    const { meant, container } = membersMeant(reference, this.#options.members);
    const views = await Promise.all(
      meant.map(async ({ name, assembly, waitingFor }) =>
        assembly === undefined
          ? unseenView(reference, `${name}: ${waitingFor.join(', ')}`)
          : ofEngine(name, await assembly.status.explain(container, signal)),
      ),
    );
    const seen = views.filter((view) => view.seen);
    const [first] = seen;
    if (first === undefined) {
      const why = views.map(({ summary, engine }) =>
        engine === undefined ? summary : `${engine}: ${summary}`,
      );
      const history = views.flatMap(({ history: its }) => its);
      return unseenView(reference, [...new Set(why)].join('; '), history);
    }
    if (seen.length === 1)
      return { ...first, proxies: await this.proxyStatus.explain(first.endpoints, signal) };
    const names = seen.map(({ engine }) => `${engine ?? ''}/${container}`).join(' or ');
    return unseenView(reference, `${reference}: several engines have such a container; write ${names}`);
  }

  onChange(changed: () => void): () => void {
    const forget = [this.#options.members.onChange(changed), this.proxyStatus.onChange(changed)];
    return () => {
      for (const stop of forget) stop();
    };
  }

  /** Until its engine has been listed nobody knows what it would change. */
  #planOf({ name, assembly, waitingFor }: Member): readonly TargetPlan[] {
    if (assembly?.loop.endpoints.listedAt !== undefined)
      return assembly.status.targetPlans().map((plan) => ({ ...plan, engine: name }));
    const message = waitingFor.join(', ') || 'The engine has not been listed yet.';
    const failure = { kind: 'transient', code: 'docker-unreachable', message } as const;
    return this.#options.targets.map((target) => ({ target, engine: name, failure, lines: [] }));
  }

  #rows<T>(read: (assembly: MemberAssembly) => readonly T[]): (T & { readonly engine: string })[] {
    return this.#options.members.all.flatMap(({ name, assembly }) =>
      assembly === undefined ? [] : read(assembly).map((row) => ({ ...row, engine: name })),
    );
  }

  /** `own`: the rows that are about the engine that shows them. */
  async #readRows<T extends OfEngine>(
    read: (assembly: MemberAssembly) => Promise<readonly T[]>,
    own: (row: T) => boolean,
  ): Promise<readonly T[]> {
    const lists = this.#options.members.all.map(async ({ name, assembly }) => {
      const rows = assembly === undefined ? [] : await read(assembly);
      return rows.map((row) => (own(row) ? { ...row, engine: name } : row));
    });
    return (await Promise.all(lists)).flat();
  }
}

/** The first row of each, or the best one. */
function onePer<T>(rows: readonly T[], by: (row: T) => string, best: (row: T) => boolean): T[] {
  const kept = new Map<string, T>();
  for (const row of rows) if (!kept.has(by(row)) || best(row)) kept.set(by(row), row);
  return [...kept.values()];
}

function ofEngine(engine: string, view: ExplainView): ExplainView {
  return { ...view, engine, history: view.history.map((its) => ({ ...its, engine })) };
}

function sum(counts: readonly (number | undefined)[]): number {
  return counts.reduce<number>((all, count) => all + (count ?? 0), 0);
}
