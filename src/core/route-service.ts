import { hostPattern, nameOfPath } from './host-name.ts';
import { compareText } from './order.ts';
import { shown } from './quote.ts';
import { compareRevisions, type Revision } from './record.ts';
import type { RouteRecord } from './route-record.ts';
import { type RouteSettings, settingsText } from './route-settings.ts';

/** Share of the traffic of a server that asks for none; room below for a slow start, and above for those that want more. */
const DEFAULT_WEIGHT = 100;

/**
 * Why a server is in the proxy. `held`: it drains or is lost, but nothing else serves the service: better a server that
 * may answer than none.
 */
export type ServerReason = 'registered' | 'draining' | 'lost' | 'held';

export interface RouteServer {
  readonly id: string;
  readonly key: string;
  readonly owner: string | undefined;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  /** `drain`: open connections finish, new ones go elsewhere. */
  readonly mode: 'ready' | 'drain';
  readonly why: ServerReason;
}

/** What a service is to be in a proxy. Equal records give equal bytes, in whatever order they came. */
export interface RouteService {
  readonly path: string;
  /** Sorted; exact names first, then patterns beginning with `*.`. Only those that no older service claims. */
  readonly hosts: readonly string[];
  /** In the order of their ids; never empty. */
  readonly servers: readonly RouteServer[];
  readonly settings: RouteSettings;
  /** What was left out or decided against somebody, for people. */
  readonly notes: readonly string[];
}

/** A record, and since when its host is lost (monotonic milliseconds); undefined: it stands in the registry. */
export interface Member {
  readonly record: RouteRecord;
  readonly lostAt: number | undefined;
}

/** A service before its claims on host names have been weighed against those of others. */
export interface Draft extends Omit<RouteService, 'hosts'> {
  readonly wanted: readonly string[];
  /** The oldest record: the age of its claims. */
  readonly since: Revision;
}

/** Negative: `a` is older, and wins where two cannot both have their way. */
function compareAge(a: Pick<RouteRecord, 'since' | 'key'>, b: Pick<RouteRecord, 'since' | 'key'>): number {
  return compareRevisions(a.since, b.since) || compareText(a.key, b.key);
}

/** What the members of one path make together; undefined when none of them is to be served. */
export function draftService(
  path: string,
  members: readonly Member[],
  graceOver: (lostAt: number) => boolean,
) {
  const http = members.filter(({ record }) => record.type === 'HTTP');
  const serving = http.some(({ record, lostAt }) => lostAt === undefined && record.state !== 'draining');
  const kept = http.filter(({ lostAt }) => lostAt === undefined || !serving || !graceOver(lostAt));
  const [oldest, ...others] = kept.map(({ record }) => record).sort(compareAge);
  if (oldest === undefined) return undefined;
  const notes: string[] = [];
  const { settings } = oldest;
  const decided = others.length === 0 ? '' : settingsText(settings);
  for (const other of others)
    if (settingsText(other.settings) !== decided)
      notes.push(`${other.key} asks for other settings than ${oldest.key}, which is older and decides`);
  const draft: Draft = {
    path,
    wanted: wantedHosts(oldest, notes),
    since: oldest.since,
    servers: kept
      .map((member) => serverOf(member, serving))
      .sort((a, b) => compareText(a.id, b.id) || compareText(a.key, b.key)),
    settings,
    notes,
  };
  return draft;
}

function serverOf({ record, lostAt }: Member, serving: boolean): RouteServer {
  const { id, key, owner, ip, port, weight, state } = record;
  const leaving: ServerReason | undefined =
    lostAt !== undefined ? 'lost' : state === 'draining' ? 'draining' : undefined;
  // A lost host may be a matter of seconds: its servers stay in rotation until the grace is over.
  const mode = leaving === 'draining' && serving ? 'drain' : 'ready';
  const why = leaving === undefined ? 'registered' : serving ? leaving : 'held';
  return { id, key, owner, ip, port, weight: weight ?? DEFAULT_WEIGHT, mode, why };
}

function wantedHosts({ path, name, settings }: RouteRecord, notes: string[]): readonly string[] {
  const hosts = new Set<string>();
  const add = (text: string, what: string): void => {
    const host = hostPattern(text);
    if (host === undefined) notes.push(`${what} ${shown(text)} is not a host name`);
    else hosts.add(host);
  };
  if (name !== undefined) add(name, 'the name');
  for (const alias of settings.aliases ?? []) add(alias, 'the alias');
  if (hosts.size > 0) return [...hosts].sort(compareHosts);
  const fallback = nameOfPath(path);
  if (fallback === undefined)
    notes.push(
      `${shown(path)} has no name, and backwards it makes no host name either: it cannot be reached`,
    );
  return fallback === undefined ? [] : [fallback];
}

/** Exact names first, then by code unit. */
function compareHosts(a: string, b: string): number {
  return Number(a.startsWith('*.')) - Number(b.startsWith('*.')) || compareText(a, b);
}
