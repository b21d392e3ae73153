import type { DrainCause } from './endpoint.ts';
import type { Revision } from './record.ts';
import type { ServiceType } from './service.ts';

/** How the servers of a service are chosen; each takes servers at run time in every version of HAProxy that counts. */
export const BALANCES = ['roundrobin', 'leastconn', 'random', 'first'] as const;
type Balance = (typeof BALANCES)[number];

/** Path of a health check, with query: nothing that a proxy's file could take for anything else. */
export const CHECK_PATH = /^\/[A-Za-z0-9._~:@+=/?&%-]{0,255}$/;

/** What a service may ask of proxies; everything is optional and was checked when it was read. */
export interface RouteSettings {
  /** Further host names; `*.` at the beginning stands for any name below. */
  readonly aliases?: readonly string[] | undefined;
  readonly balance?: Balance | undefined;
  /** How long the server may take for an answer, in milliseconds. */
  readonly timeoutMs?: number | undefined;
  /** Path that a health check asks for; without one a check only connects. */
  readonly check?: string | undefined;
  /** Requests that are not safe to repeat may be sent a second time as well. */
  readonly retry?: boolean | undefined;
}

/** One endpoint of one service as the route loop needs it, whoever wrote its record. */
export interface RouteRecord {
  readonly key: string;
  /** `/internal/app1/dev/web`: records of one path are servers of one service. */
  readonly path: string;
  /** Last segment of the key. */
  readonly id: string;
  readonly owner: string | undefined;
  readonly type: ServiceType;
  /** The host name that the record gives; not checked. */
  readonly name: string | undefined;
  readonly ip: string;
  readonly port: number;
  /** 0 to 256. */
  readonly weight: number | undefined;
  readonly state: 'registered' | 'draining' | 'dormant';
  /** Why it drains, where the record says so. */
  readonly cause?: DrainCause | undefined;
  readonly settings: RouteSettings;
  /** When the registry created it: its age among all records of that registry. */
  readonly since: Revision;
}
