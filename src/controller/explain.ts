import type { Container } from '../core/container.ts';
import type { Description } from '../core/desired.ts';
import type { ExplainedEndpoint, ExplainView, RecordView } from '../core/status.ts';
import { describeProbe } from '../core/vitals.ts';
import type { Endpoints } from './endpoints.ts';
import type { LiveEndpoint } from './publication.ts';
import type { Target } from './target.ts';
import { recordView, serviceView } from './views.ts';
import { whyNot } from './why.ts';

/** The story of a container that the loop knows, or that was looked up because the loop has no reason to know it. */
export function explainView(
  reference: string,
  container: Container,
  description: Description,
  live: ReadonlyMap<string, LiveEndpoint>,
  endpoints: Endpoints,
  targets: readonly Target[],
): Omit<ExplainView, 'orders' | 'proxies' | 'history'> {
  const explained = description.endpoints.flatMap(({ endpoint, address, probe }): ExplainedEndpoint[] => {
    const now = live.get(endpoint.id);
    if (now === undefined) return [];
    const keys = now.records.map(({ key }) => key);
    const records = targets.flatMap((target) =>
      keys.map((key) => asClaimed(recordView(target, endpoints, key), target, endpoints, now)),
    );
    return [{ service: serviceView(now, endpoints), address, probe: probe && describeProbe(probe), records }];
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
