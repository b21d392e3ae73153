import type { Cause } from '../core/cause.ts';
import type { Container } from '../core/container.ts';
import type { Description } from '../core/desired.ts';
import { explainChange } from '../core/plan.ts';
import { forbids, type Policy } from '../core/policy.ts';
import type { Clock } from '../core/ports.ts';
import type { Reason } from '../core/reason.ts';
import type {
  ContainerView,
  ExplainedEndpoint,
  ExplainView,
  PlanLine,
  RecordState,
  RecordView,
  ServiceView,
  TargetPlan,
  TargetView,
} from '../core/status.ts';
import type { Endpoints, LiveEndpoint } from './endpoints.ts';
import type { Target } from './target.ts';

function serviceView({ endpoint, phase }: LiveEndpoint): ServiceView {
  const { service } = endpoint;
  const host = endpoint.ip.includes(':') ? `[${endpoint.ip}]` : endpoint.ip;
  return {
    path: `/${service.path.join('/')}`,
    type: service.type,
    address: `${host}:${String(endpoint.port)}`,
    container: endpoint.containerName,
    containerId: endpoint.containerId,
    containerPort: `${String(service.port)}/${service.protocol}`,
    dialect: service.dialect,
    state: phase.state,
    cause: phase.cause,
    since: phase.since,
    tags: service.tags,
    weight: service.weight,
  };
}

export function serviceViews(endpoints: Endpoints): readonly ServiceView[] {
  const views = [...endpoints.containers()].flatMap(({ live }) => [...live.values()].map(serviceView));
  return views.sort(
    (a, b) => compare(a.path, b.path) || compare(a.container, b.container) || compare(a.address, b.address),
  );
}

export function containerViews(endpoints: Endpoints): readonly ContainerView[] {
  const views = [...endpoints.containers()].map(({ container, description, live }): ContainerView => {
    const { name, id, image, state, health } = container;
    return {
      name,
      id,
      image,
      state,
      health,
      services: live.size,
      published: live.size > 0,
      why: live.size > 0 ? undefined : whyNot(description),
    };
  });
  return views.sort((a, b) => compare(a.name, b.name));
}

/** The most telling reason for which nothing is offered. */
function whyNot({ reasons, readings }: Description): string {
  const dialects = readings
    .flatMap((reading) => reading.reasons)
    .filter(({ code }) => code !== 'dialect-absent' && code !== 'dialect-off');
  const [first] = [...reasons, ...dialects].sort((a, b) => vagueness(a) - vagueness(b));
  return first?.message ?? 'it publishes no port and carries no metadata';
}

/** A word that we do not know may mean nothing, and a port that a dialect claims is left out for that dialect's own reason. */
function vagueness({ code, suggestion }: Reason): number {
  if (code === 'claimed-by-other-dialect') return 2;
  return code === 'unknown-key' && suggestion === undefined ? 1 : 0;
}

export function targetView(target: Target): TargetView {
  return {
    target: target.name,
    known: target.cache.known,
    session: target.session,
    owned: target.cache.owned,
    pending: target.pending,
    conflicts: target.journal.count('conflict'),
    failing: target.journal.count('failed') + target.journal.count('retrying'),
    brakeEngaged: target.brakeEngaged,
    writes: target.journal.writes,
    differencesFound: target.differences,
    lastFailure: target.failure,
  };
}

export function recordView(target: Target, endpoints: Endpoints, key: string): RecordView {
  const desired = endpoints.claims.desired(key, target.audience);
  const record = target.cache.get(key)?.record;
  const journal = target.journal.get(key);
  const owned = target.cache.isOwned(key);
  const synced = record !== undefined && owned && record.value === desired?.value;
  const fallback: RecordState = desired === undefined && !owned ? 'foreign' : 'pending';
  return {
    target: target.name,
    key,
    value: record?.value,
    owned,
    state: synced ? 'synced' : (journal?.state ?? fallback),
    endpoint: desired?.group,
    revision: record?.modRevision,
    ...outcomeOf(target, key),
  };
}

function outcomeOf(target: Target, key: string) {
  const journal = target.journal.get(key);
  const unseen = target.failure?.message ?? 'the registry has not been read yet';
  return {
    lastOutcome: journal?.outcome,
    lastOutcomeAt: journal?.at,
    nextTryAt: journal?.nextTryAt,
    why: target.cache.known ? journal?.why : unseen,
  };
}

/** What a pass over one target would do, and what it would leave alone. */
export function targetPlan(target: Target, policy: Policy, clock: Clock): TargetPlan {
  if (!target.cache.known)
    return {
      target: target.name,
      failure: target.failure ?? {
        kind: 'transient',
        code: 'registry-unreachable',
        message: 'The registry has not been read yet.',
      },
      lines: [],
    };
  const cause: Cause = { code: 'relisted', at: clock.now(), explained: false };
  return {
    target: target.name,
    failure: undefined,
    lines: target.allKeys().flatMap((key) => planLine(target, key, policy, cause)),
  };
}

function planLine(target: Target, key: string, policy: Policy, cause: Cause): readonly PlanLine[] {
  const verdict = target.verdict(key, target.causeOf(key, cause));
  if (verdict.type === 'settled') return [];
  if (verdict.type === 'foreign')
    return [
      {
        action: 'leave',
        key,
        before: verdict.record,
        after: undefined,
        reason: 'somebody else created the record at this key',
      },
    ];
  const { change } = verdict;
  const before = 'before' in change ? change.before : undefined;
  const after = 'value' in change ? change.value : undefined;
  const why = forbids(policy, change);
  if (why !== undefined) return [{ action: 'leave', key, before, after, reason: why }];
  return [{ action: change.action, key, before, after, reason: explainChange(change) }];
}

/** The story of a container that the loop knows, or that was looked up because the loop has no reason to know it. */
export function explainView(
  reference: string,
  container: Container,
  description: Description,
  live: ReadonlyMap<string, LiveEndpoint>,
  endpoints: Endpoints,
  targets: readonly Target[],
): ExplainView {
  const explained = description.endpoints.flatMap(({ endpoint, address }): ExplainedEndpoint[] => {
    const now = live.get(endpoint.id);
    if (now === undefined) return [];
    const keys = now.records.map(({ key }) => key);
    const records = targets.flatMap((target) =>
      keys.map((key) => asClaimed(recordView(target, endpoints, key), target, endpoints, now)),
    );
    return [{ service: serviceView(now), address, records }];
  });
  const published = explained.length > 0;
  return {
    reference,
    seen: true,
    container: shown(container),
    published,
    summary: published
      ? summaryOf(container.name, explained)
      : `${container.name} is not published: ${whyNot(description)}`,
    dialects: description.readings,
    reasons: description.reasons,
    endpoints: explained,
  };
}

/** The facts that may be told: labels and environment stay out, they may be secrets. */
function shown(container: Container): NonNullable<ExplainView['container']> {
  const { id, name, hostname, image, createdAt, startedAt } = container;
  const { state, health, networkMode, stopSignal, stopTimeoutMs, provisional } = container;
  return {
    id,
    name,
    hostname,
    image,
    createdAt,
    startedAt,
    state,
    health,
    networkMode,
    stopSignal,
    stopTimeoutMs,
    provisional,
  };
}

/** The record as this endpoint has to see it: kept from a shared registry, or held by an older endpoint of this host. */
function asClaimed(
  view: RecordView,
  target: Target,
  endpoints: Endpoints,
  { endpoint }: LiveEndpoint,
): RecordView {
  if (endpoint.scope === 'host' && target.audience === 'shared')
    return { ...view, state: 'blocked', why: 'a loopback address is never announced to other hosts' };
  const winner = endpoints.claims.lostTo(view.key, endpoint.id, target.audience);
  if (winner === undefined) return view;
  return {
    ...view,
    state: 'conflict',
    why: `${endpoints.live(winner)?.endpoint.containerName ?? winner} claims the same key and is older`,
  };
}

function summaryOf(name: string, explained: readonly ExplainedEndpoint[]): string {
  const rotating = explained.filter(({ service }) => service.state === 'registered').length;
  const records = explained.flatMap((endpoint) => endpoint.records);
  const synced = records.filter(({ state }) => state === 'synced').length;
  return `${name} offers ${String(explained.length)} endpoint(s), ${String(rotating)} in rotation; ${String(synced)} of ${String(records.length)} record(s) are as they should be`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
