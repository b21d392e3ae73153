import type { ServerState } from './answers.ts';
import type { MapName } from './render.ts';

/** A map as it runs, in its order. `doubled`: a key stands in it twice, which single commands cannot mend. */
export interface ObservedMap {
  readonly entries: Map<string, string>;
  readonly doubled: boolean;
  /** The running configuration does not use it. */
  readonly missing: boolean;
}

/** What HAProxy really runs, as it was read last. Updated in place by the answers to commands. */
export interface Observed {
  /** The process and its start. */
  readonly process: string;
  readonly version: string;
  readonly backends: ReadonlySet<string>;
  /** By backend, then by name. */
  readonly servers: Map<string, Map<string, ServerState>>;
  readonly maps: Record<MapName, ObservedMap>;
}

/** The process of a proxy that does not run. */
export const NOBODY = '';

/** What a proxy runs that does not run. */
export function nothingRuns(): Observed {
  const map = (): ObservedMap => ({ entries: new Map(), doubled: false, missing: true });
  return {
    ...{ process: NOBODY, version: '', backends: new Set<string>(), servers: new Map() },
    maps: { hosts: map(), wildcards: map(), services: map() },
  };
}

export function observedMap(entries: readonly (readonly [string, string])[]): ObservedMap {
  const map = new Map<string, string>();
  // The first of two entries counts for HAProxy.
  for (const [key, value] of entries) if (!map.has(key)) map.set(key, value);
  return { entries: map, doubled: map.size !== entries.length, missing: false };
}

export function byBackend(servers: Iterable<ServerState>): Map<string, Map<string, ServerState>> {
  const backends = new Map<string, Map<string, ServerState>>();
  for (const server of servers) {
    const own = backends.get(server.backend) ?? new Map<string, ServerState>();
    own.set(server.name, server);
    backends.set(server.backend, own);
  }
  return backends;
}

/** One spelling for one address, however registry and proxy write it. */
export function sameAddress(a: string, b: string): boolean {
  return a === b || canonical(a) === canonical(b);
}

function canonical(ip: string): string {
  if (!ip.includes(':')) return ip;
  const url = `http://[${ip}]/`;
  return URL.canParse(url) ? new URL(url).hostname : ip;
}
