import type { LifecycleState } from '../core/endpoint.ts';
import { hostAndPort } from '../core/ip.ts';
import { compareText } from '../core/order.ts';
import type { ContainerView, RecordState, RecordView, ServiceView, TargetView } from '../core/status.ts';
import type { Endpoints } from './endpoints.ts';
import { hostCounts } from './fleet-views.ts';
import type { Janitor } from './janitor.ts';
import type { LiveEndpoint } from './publication.ts';
import type { Target } from './target.ts';

export function serviceView(live: LiveEndpoint, endpoints: Pick<Endpoints, 'health'>): ServiceView {
  const { endpoint, phase } = live;
  const { service } = endpoint;
  const health = endpoints.health(live);
  return {
    path: `/${service.path.join('/')}`,
    type: service.type,
    address: hostAndPort(endpoint.ip, endpoint.port),
    container: endpoint.containerName,
    containerId: endpoint.containerId,
    containerPort: `${String(service.port)}/${service.protocol}`,
    dialect: service.dialect,
    ...(health?.gate === undefined ? {} : { announcement: health.gate.key }),
    state: phase.state,
    cause: phase.cause,
    since: phase.since,
    why: health?.vitals.why,
    outUntil: health?.outUntil,
    tags: service.tags,
    weight: service.weight,
  };
}

export function serviceViews(endpoints: Endpoints): readonly ServiceView[] {
  const views = [...endpoints.containers()].flatMap(({ live }) =>
    [...live.values()].map((one) => serviceView(one, endpoints)),
  );
  return views.sort(
    (a, b) =>
      compareText(a.path, b.path) ||
      compareText(a.container, b.container) ||
      compareText(a.address, b.address),
  );
}

/** How many endpoints are in each state. */
export function serviceCounts(endpoints: Pick<Endpoints, 'containers'>): Record<LifecycleState, number> {
  const counts = { announced: 0, registered: 0, draining: 0, dormant: 0, expired: 0 };
  for (const { live } of endpoints.containers())
    for (const { phase } of live.values()) counts[phase.state] += 1;
  return counts;
}

export function containerViews(endpoints: Endpoints): readonly ContainerView[] {
  const views = [...endpoints.containers()].map(({ container, why, live }): ContainerView => {
    const { name, id, image, state, health } = container;
    return {
      name,
      id,
      image,
      state,
      health,
      services: live.size,
      published: live.size > 0,
      why,
    };
  });
  return views.sort((a, b) => compareText(a.name, b.name));
}

export function targetView(target: Target, janitor: Janitor | undefined): TargetView {
  return {
    target: target.name,
    known: target.cache.known,
    session: target.session,
    owned: target.cache.owned,
    hosts: janitor === undefined ? undefined : hostCounts(janitor),
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
    ...outcomeOf(target, key, desired === undefined && !owned && endpoints.announcements.has(key)),
  };
}

/** `announced`: it is a container's own word about itself. */
function outcomeOf(target: Target, key: string, announced: boolean) {
  const announcedBy = announced ? 'announced by the container itself' : undefined;
  const journal = target.journal.get(key);
  const unseen = target.failure?.message ?? 'the registry has not been read yet';
  return {
    lastOutcome: journal?.outcome,
    lastOutcomeAt: journal?.at,
    nextTryAt: journal?.nextTryAt,
    why: target.cache.known ? (journal?.why ?? announcedBy) : unseen,
  };
}
