import type { Failure } from '../core/failure.ts';
import { hostAndPort } from '../core/ip.ts';
import { compareText } from '../core/order.ts';
import type { Proxy, ProxyServerView } from '../core/proxy.ts';
import type { ProxyView, RouteView } from '../core/proxy-view.ts';
import type { RouteServer, RouteService } from '../core/route-service.ts';
import type { RouteLoop } from './route.ts';
import { serversByPath } from './running-servers.ts';

/** A proxy with its loop, as far as it is shown. */
export interface ShownRoute {
  readonly proxy: Pick<Proxy, 'name' | 'running' | 'counters' | 'servers' | 'nameOf'>;
  readonly loop: Pick<RouteLoop, 'table' | 'failure' | 'refusals' | 'listed' | 'standing' | 'load'>;
  readonly registry: { readonly name: string };
  readonly paths: readonly string[];
}

export function proxyView({ proxy, loop, registry, paths }: ShownRoute): ProxyView {
  const { state, since } = loop.standing;
  const { size: services, servers } = loop.table;
  return {
    ...{ name: proxy.name, registry: registry.name, paths, state, since, why: whyNot(loop) },
    process: proxy.running?.process,
    version: proxy.running?.version,
    services,
    servers,
    ...proxy.counters,
  };
}

/** Why a proxy is not what the records say. */
export function whyNot({ failure, refusals, listed, standing }: ShownRoute['loop']): string | undefined {
  if (standing.state === 'converged') return undefined;
  const cause = failure ?? refusals.summary;
  if (cause !== undefined) return cause.message;
  if (!listed) return 'the registry has not been read yet';
  return standing.state === 'waiting' ? 'the first complete pass' : 'a pass is under way';
}

/** What a proxy should serve beside what it runs. Of one that does not answer, the servers' states are not known. */
export async function routeViews(
  { proxy, loop }: ShownRoute,
  signal: AbortSignal,
): Promise<readonly RouteView[]> {
  const read = await proxy.servers(signal);
  const running = serversByPath(read.ok ? read.value : []);
  const services = new Map(servicesOf(loop).map((service) => [service.path, service]));
  const unseen = read.ok ? undefined : read.failure;
  return [...new Set([...services.keys(), ...running.keys()])].sort(compareText).flatMap((path) => {
    const obstacle = unseen ?? loop.refusals.of(path);
    const known = { running: running.get(path) ?? new Map(), unseen: !read.ok, obstacle };
    return pathViews(proxy, path, services.get(path), known);
  });
}

function servicesOf({ table }: Pick<RouteLoop, 'table'>): readonly RouteService[] {
  return [...table.paths()].flatMap((path) => table.service(path) ?? []);
}

interface Known {
  /** By name. */
  readonly running: ReadonlyMap<string, ProxyServerView>;
  /** The proxy does not answer. */
  readonly unseen: boolean;
  /** What keeps the service from being as it should be. */
  readonly obstacle: Failure | undefined;
}

function pathViews(
  { name, nameOf }: Pick<Proxy, 'name' | 'nameOf'>,
  path: string,
  service: RouteService | undefined,
  { running, unseen, obstacle }: Known,
): readonly RouteView[] {
  const [first] = running.values();
  const notes = [...(service?.notes ?? []), ...(obstacle === undefined ? [] : [obstacle.message])];
  const all = { proxy: name, path, hosts: service?.hosts ?? [], backend: first?.backend, notes };
  const wanted = new Map((service?.servers ?? []).map((server) => [nameOf(server.id), server]));
  // A service whose names all belong to others gets no backend.
  const absent = all.hosts.length === 0 ? 'not served' : 'missing';
  const missing = unseen ? 'unknown' : absent;
  return [...new Set([...wanted.keys(), ...running.keys()])].sort(compareText).map((server) => ({
    ...all,
    server,
    ...serverView(wanted.get(server), running.get(server), missing),
  }));
}

function serverView(wanted: RouteServer | undefined, running: ProxyServerView | undefined, missing: string) {
  return {
    address: running?.address ?? (wanted && hostAndPort(wanted.ip, wanted.port)),
    weight: running?.weight ?? wanted?.weight,
    state: `${running?.state ?? missing}${wanted === undefined ? ', leaving' : ''}`,
    why: wanted?.why,
    sessions: running?.sessions,
    since: running?.since,
  };
}
