import { hostAndPort } from '../../core/ip.ts';
import type { RouteServer, RouteService } from '../../core/route-service.ts';
import type { RouteProtocol } from '../../core/route-settings.ts';
import { isPool, markerName, poolName, serverName } from './names.ts';
import type { HaproxySettings } from './settings.ts';

// Everything that enters a file has been checked: names are hashes or of a safe alphabet, hosts and paths of their grammar.

/** A section of each kind with a name of its own: newer versions of HAProxy do not take one name for two. */
const DEFAULTS = 'portolan-defaults';
const HEAD = '# Written by Portolan. Changes are overwritten.\n';
const ms = (value: number): string => `${String(value)}ms`;

/** Path below the folder, and content. */
export type Files = ReadonlyMap<string, string>;

/** A service and the backend that serves it. */
export interface Placed {
  readonly service: RouteService;
  readonly backend: string;
}

export const MAPS = ['hosts', 'wildcards', 'services'] as const;
export type MapName = (typeof MAPS)[number];

export const mapFile = (folder: string, name: MapName): string => `${folder}/maps/${name}.map`;
export const fileOf = (backend: string): string => `conf/20-${backend}.cfg`;

/** The part that is the same whatever the services are. `marker`: the empty backend that proves that it runs. */
export function renderBase(settings: HaproxySettings, folder: string): { files: Files; marker: string } {
  const files = new Map<string, string>();
  files.set('conf/00-defaults.cfg', renderDefaults(settings));
  if (settings.frontend !== undefined) files.set('conf/10-frontend.cfg', renderFrontend(settings, folder));
  // The folder is another one while the files are being checked; the name must not tell.
  const text = renderDefaults(settings) + renderFrontend(settings, '');
  return { files, marker: markerName(`${text}${String(settings.pool)}`) };
}

/** Backends that are declared ahead and serve nobody. */
export function renderSpares(settings: HaproxySettings, taken: ReadonlySet<string>, marker: string): string {
  const spares: string[] = [];
  for (let index = 0; index < settings.pool; index += 1) {
    const name = poolName(index);
    if (!taken.has(name)) spares.push(`\n${renderHead(name, undefined, settings)}`);
  }
  return `${HEAD}\nbackend ${marker} from ${DEFAULTS}\n${spares.join('')}`;
}

function renderDefaults({
  connectMs,
  serverMs,
  queueMs,
  tunnelMs,
  retries,
  redispatch,
  retryOn,
  forwardedFor,
  frontend,
}: HaproxySettings): string {
  const client = frontend === undefined ? [] : [`timeout client ${ms(frontend.clientMs)}`];
  return section(`defaults ${DEFAULTS}`, [
    'mode http',
    'balance roundrobin',
    ...(forwardedFor ? ['option forwardfor'] : []),
    `retries ${String(retries)}`,
    redispatch === 0 ? 'no option redispatch' : `option redispatch ${String(redispatch)}`,
    `retry-on ${retryOn.length === 0 ? 'none' : retryOn.join(' ')}`,
    `timeout connect ${ms(connectMs)}`,
    `timeout server ${ms(serverMs)}`,
    `timeout queue ${ms(queueMs)}`,
    `timeout tunnel ${ms(tunnelMs)}`,
    ...client,
  ]);
}

/** Sockets, front end, and the choice of a backend by host name. */
function renderFrontend({ socket, frontend, domainMatch }: HaproxySettings, folder: string): string {
  if (frontend === undefined) return '';
  const found = '{ var(txn.portolan_backend) -m found }';
  const lookUp = (map: MapName, converter: string): string =>
    `http-request set-var(txn.portolan_backend) var(txn.portolan_host),${converter}(${mapFile(folder, map)})`;
  return [
    section('global', [
      `stats socket unix@${socket} mode 600 level admin expose-fd listeners`,
      'stats timeout 30s',
    ]),
    section(`frontend portolan from ${DEFAULTS}`, [
      ...frontend.bind.map((address) => `bind ${address}`),
      'timeout http-request 10s',
      'timeout http-keep-alive 30s',
      'http-request set-var(txn.portolan_host) req.hdr(host),field(1,:),lower,rtrim(.)',
      lookUp('hosts', 'map'),
      `${lookUp('wildcards', 'map_end')} unless ${found}`,
      ...(domainMatch ? [`${lookUp('hosts', 'map_dom')} unless ${found}`] : []),
      `http-request set-var(txn.portolan_service) var(txn.portolan_backend),map(${mapFile(folder, 'services')})`,
      `http-request return status 404 content-type text/plain string "There is no such host here." unless ${found}`,
      'use_backend %[var(txn.portolan_backend)]',
    ]),
  ].join('\n');
}

/** One backend with its servers. */
export function renderBackend({ service, backend }: Placed, settings: HaproxySettings): string {
  const servers = service.servers.map((server) => renderServer(server, service, settings));
  return `${HEAD}# ${service.path}\n${renderHead(backend, service, settings)}${servers.map((line) => `  ${line}\n`).join('')}`;
}

function renderHead(
  backend: string,
  service: RouteService | undefined,
  { retryUnsafe }: HaproxySettings,
): string {
  const { balance, timeoutMs, check, retry, protocol } = isPool(backend) ? {} : (service?.settings ?? {});
  return section(`backend ${backend} from ${DEFAULTS}`, [
    ...(balance === undefined ? [] : [`balance ${balance}`]),
    ...(timeoutMs === undefined ? [] : [`timeout server ${ms(timeoutMs)}`]),
    ...(check === undefined ? [] : httpCheck(check, protocol)),
    // What is not safe to repeat is never sent twice, unless the service says that it may be.
    ...(retry === true || retryUnsafe
      ? []
      : ['http-request disable-l7-retry if !{ method GET HEAD OPTIONS }']),
  ]);
}

/** HTTP/2 has no requests without a host. */
function httpCheck(path: string, protocol: RouteProtocol | undefined): readonly string[] {
  if (protocol !== 'h2c') return [`option httpchk GET ${path}`];
  return ['option httpchk', `http-check send meth GET uri ${path} ver HTTP/2 hdr Host localhost`];
}

function renderServer(server: RouteServer, service: RouteService, settings: HaproxySettings): string {
  const weight = server.mode === 'drain' ? 0 : server.weight;
  return `server ${serverName(server.id)} ${serverTerms({ ...server, weight }, service, settings)}`;
}

/** Address and options, the same in a file and in `add server`. */
export function serverTerms(
  { ip, port, weight }: Pick<RouteServer, 'ip' | 'port' | 'weight'>,
  { settings: { protocol } }: RouteService,
  { checkMs, slowStartMs }: HaproxySettings,
): string {
  const check =
    checkMs === undefined
      ? ''
      : ` check inter ${ms(checkMs)} fall 2 rise 1${slowStartMs > 0 ? ` slowstart ${ms(slowStartMs)}` : ''}`;
  return `${hostAndPort(ip, port)} weight ${String(weight)}${protocol === 'h2c' ? ' proto h2' : ''}${check}`;
}

/** The entries of a map in their order: the longest name comes first, for of patterns the first that fits counts. */
export function mapEntries(placed: Iterable<Placed>): Readonly<Record<MapName, ReadonlyMap<string, string>>> {
  const hosts: [string, string][] = [];
  const wildcards: [string, string][] = [];
  const services: [string, string][] = [];
  for (const { service, backend } of placed) {
    services.push([backend, service.path]);
    for (const host of service.hosts)
      if (host.startsWith('*.')) wildcards.push([host.slice(1), backend]);
      else hosts.push([host, backend]);
  }
  const byKey = (a: [string, string], b: [string, string]): number => (a[0] < b[0] ? -1 : 1);
  const longestFirst = (a: [string, string], b: [string, string]): number =>
    b[0].length - a[0].length || byKey(a, b);
  return {
    hosts: new Map(hosts.sort(longestFirst)),
    wildcards: new Map(wildcards.sort(longestFirst)),
    services: new Map(services.sort(byKey)),
  };
}

/** Whether the order of its entries decides which of them counts, and not the names alone. */
export function isOrdered(name: MapName, { domainMatch }: HaproxySettings): boolean {
  return name === 'wildcards' || (name === 'hosts' && domainMatch);
}

export function renderMap(entries: ReadonlyMap<string, string>): string {
  return [...entries].map(([key, value]) => `${key} ${value}\n`).join('');
}

function section(title: string, lines: readonly string[]): string {
  return `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
