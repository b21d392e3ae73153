export interface DefaultRoute {
  readonly device: string;
  readonly metric: number;
}

const UP = 0x1;
const REJECT = 0x200;

/** Default routes in `/proc/net/route`, the best first. */
export function defaultRoutesV4(text: string): DefaultRoute[] {
  return ranked(
    text.split('\n').flatMap((line) => {
      const [device = '', destination, , flags = '0', , , metric = '0', mask] = line.trim().split(/\s+/);
      if (destination !== '00000000' || mask !== '00000000' || !isUsable(flags)) return [];
      return [{ device, metric: Number(metric) }];
    }),
  );
}

/** Default routes in `/proc/net/ipv6_route`, the best first. */
export function defaultRoutesV6(text: string): DefaultRoute[] {
  return ranked(
    text.split('\n').flatMap((line) => {
      const [destination, length, , , , metric = '0', , , flags = '0', device = 'lo'] = line
        .trim()
        .split(/\s+/);
      const isDefault = destination === '0'.repeat(32) && length === '00';
      if (!isDefault || device === 'lo' || !isUsable(flags)) return [];
      return [{ device, metric: Number.parseInt(metric, 16) }];
    }),
  );
}

function isUsable(flags: string): boolean {
  const bits = Number.parseInt(flags, 16);
  return (bits & UP) !== 0 && (bits & REJECT) === 0;
}

function ranked(routes: DefaultRoute[]): DefaultRoute[] {
  return routes.sort(
    (a, b) => a.metric - b.metric || (a.device < b.device ? -1 : Number(a.device > b.device)),
  );
}

const TEMPORARY = 0x01;
const DEPRECATED = 0x20;
const TENTATIVE = 0x40;
const FAILED = 0x08;

/** IPv6 addresses in `/proc/net/if_inet6` that do not last (privacy extensions) or are not in use, as 32 hex digits. */
export function fleetingAddresses(text: string): ReadonlySet<string> {
  return new Set(
    text.split('\n').flatMap((line) => {
      const [address = '', , , , flags = '0'] = line.trim().split(/\s+/);
      const bits = Number.parseInt(flags, 16);
      return (bits & (TEMPORARY | DEPRECATED | TENTATIVE | FAILED)) === 0 ? [] : [address];
    }),
  );
}
