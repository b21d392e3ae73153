/** How the servers of a service are chosen; each takes servers at run time in every version of HAProxy that counts. */
export const BALANCES = ['roundrobin', 'leastconn', 'random', 'first'] as const;
export type Balance = (typeof BALANCES)[number];

/** What the servers speak: HTTP/1.1, or HTTP/2 without TLS, as gRPC needs it. */
export const ROUTE_PROTOCOLS = ['http1', 'h2c'] as const;
export type RouteProtocol = (typeof ROUTE_PROTOCOLS)[number];

/** Path of a health check, with query: nothing that a proxy's file could take for anything else. */
export const CHECK_PATH = /^\/[A-Za-z0-9._~:@+=/?&%-]{0,255}$/;

export const MAX_ALIASES = 64;
export const MAX_TIMEOUT_MS = 86_400_000;

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
  readonly protocol?: RouteProtocol | undefined;
}

/** Settings with one spelling for what means the same, without aliases, in a fixed order. */
export function backendSettings({ balance, timeoutMs, check, retry, protocol }: RouteSettings) {
  return {
    balance: balance ?? 'roundrobin',
    timeoutMs,
    check,
    retry: retry === true,
    protocol: protocol ?? 'http1',
  } as const;
}

/** Two services with equal text ask for the same. */
export function settingsText(settings: RouteSettings): string {
  return JSON.stringify([settings.aliases ?? [], backendSettings(settings)]);
}
