/** How HAProxy is reloaded when there is no other way. */
export type ReloadWay =
  /** The socket of a master process (`haproxy -W -S <socket>`). */
  | { readonly type: 'master'; readonly socket: string }
  /** A program with its arguments; no shell. It has to end by itself. */
  | { readonly type: 'command'; readonly argv: readonly string[] }
  /** Nobody may: what needs a reload waits for somebody else's. */
  | { readonly type: 'none' };

/** What a shared front end of ours is; a front end of the user's own takes none of it. */
interface FrontendSettings {
  /** `*:80`, `127.0.0.1:8080`. */
  readonly bind: readonly string[];
  readonly clientMs: number;
}

export interface HaproxySettings {
  /** Admin socket. */
  readonly socket: string;
  /** Our own folder, below which `conf` and `maps` are written. Absolute, without blanks or quotes. */
  readonly folder: string;
  /** Backends that are declared ahead. */
  readonly pool: number;
  /** Names of one domain match as the original did: any part of the host name. */
  readonly domainMatch: boolean;
  /** undefined: no health checks. */
  readonly checkMs: number | undefined;
  readonly slowStartMs: number;
  readonly retries: number;
  /** At every n-th retry another server is tried; 0: never. */
  readonly redispatch: number;
  /** What is worth a retry, in HAProxy's words; empty: nothing. */
  readonly retryOn: readonly string[];
  /** Requests that are not safe to repeat are sent again as well, whether a service allows it or not. */
  readonly retryUnsafe: boolean;
  /** Servers are told the client's address (`X-Forwarded-For`). */
  readonly forwardedFor: boolean;
  readonly connectMs: number;
  readonly serverMs: number;
  readonly queueMs: number;
  readonly tunnelMs: number;
  /** undefined: the user's own configuration has front end, sockets and so on. */
  readonly frontend: FrontendSettings | undefined;
  readonly reload: ReloadWay;
  /** Checks a folder of configuration before it is loaded: program and arguments, the folder's `conf` is added. */
  readonly check: readonly string[];
}

/** A freed backend is not used again before this is over: no request of its former service can still be retried by then. */
export function quarantineMs({ serverMs, queueMs, connectMs, retries }: HaproxySettings): number {
  return Math.max(serverMs, queueMs, connectMs * (retries + 1));
}
