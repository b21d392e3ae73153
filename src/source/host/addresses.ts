import type { HostAddresses } from '../../core/ports.ts';
import { compareBytes, isGlobal, isHost, isWithin, parseCidr, parseIp } from './ip.ts';
import { type DefaultRoute, defaultRoutesV4, defaultRoutesV6, fleetingAddresses } from './routes.ts';

/** How the host is looked at; `node:os` and the file system in the agent, plain data in a test. */
export interface HostReaders {
  /** As `os.networkInterfaces()`. */
  interfaces(): Readonly<
    Record<string, readonly { readonly address: string; readonly internal: boolean }[] | undefined>
  >;
  /** A file's text; undefined if it cannot be read. */
  readText(path: string): string | undefined;
}

export interface AdvertiseProblem {
  readonly code:
    | 'bad-advertise'
    | 'no-such-interface'
    | 'no-address-in-cidr'
    | 'no-address-on-interface'
    | 'no-default-route'
    | 'inside-container';
  /** For people; says what to set. */
  readonly message: string;
}

export type AddressResult =
  | { readonly ok: true; readonly value: HostAddresses }
  | { readonly ok: false; readonly problem: AdvertiseProblem };

type Family = 4 | 6;

interface Candidate {
  readonly device: string;
  readonly address: string;
  readonly bytes: readonly number[];
  readonly family: Family;
}

/** Which address of this host others are told; the settings' `advertise` is a list of these. */
export type AdvertiseRule =
  | { readonly type: 'literal'; readonly ip: string }
  | { readonly type: 'interface'; readonly name: string }
  | { readonly type: 'cidr'; readonly cidr: string };

const HOW = '--advertise (PORTOLAN_ADVERTISE) takes an IPv4 or IPv6 address, iface:NAME or cidr:ADDRESS/BITS';

/**
 * The addresses under which other hosts reach this one: in each family the first rule that matches; without rules those
 * of the interface with the default route. The same host gives the same answer every time.
 */
export function resolveAddresses(rules: readonly AdvertiseRule[], readers: HostReaders): AddressResult {
  if (rules.length === 0) return fromDefaultRoute(readers);
  const results = rules.map((rule) => resolveRule(rule, readers));
  const found = results.flatMap((result) => (result.ok ? [result.found] : []));
  const [problem] = results.flatMap((result) => (result.ok ? [] : [result]));
  // A rule that matches nothing is no trouble as long as another one does; a wrong one always is.
  const wrong = results.find((result) => !result.ok && result.problem.code === 'bad-advertise');
  if (wrong !== undefined && !wrong.ok) return wrong;
  return found.length === 0 && problem !== undefined ? problem : { ok: true, value: combine(found) };
}

interface Found {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly origin: string;
}

type RuleResult =
  | { readonly ok: true; readonly found: Found }
  | { readonly ok: false; readonly problem: AdvertiseProblem };

function resolveRule(rule: AdvertiseRule, readers: HostReaders): RuleResult {
  switch (rule.type) {
    case 'literal':
      return literal(rule.ip);
    case 'interface': {
      const found = choose(
        candidates(readers),
        `interface ${rule.name}`,
        ({ device }) => device === rule.name,
      );
      if (found !== undefined) return found;
      return readers.interfaces()[rule.name] === undefined
        ? refuse(
            'no-such-interface',
            `this host has no interface "${rule.name}" that is up and has an address`,
          )
        : refuse(
            'no-address-on-interface',
            `interface "${rule.name}" has no address that other hosts can reach`,
          );
    }
    case 'cidr': {
      const cidr = parseCidr(rule.cidr);
      if (cidr === undefined) return refuse('bad-advertise', `"${rule.cidr}" is no network: ${HOW}`);
      const found = choose(candidates(readers), `cidr ${rule.cidr}`, ({ bytes }) => isWithin(bytes, cidr));
      return found ?? refuse('no-address-in-cidr', `this host has no address in ${rule.cidr}`);
    }
  }
}

/** Taken at its word, also a loopback address: on a single host that may be what is wanted. */
function literal(ip: string): RuleResult {
  const bytes = parseIp(ip);
  if (bytes === undefined || !isHost(bytes)) {
    return refuse('bad-advertise', `"${ip}" is not the address of a host: ${HOW}`);
  }
  const v4 = familyOf(bytes) === 4;
  return { ok: true, found: { ipv4: v4 ? ip : undefined, ipv6: v4 ? undefined : ip, origin: 'literal' } };
}

/** Each family goes by its own default route. */
function fromDefaultRoute(readers: HostReaders): AddressResult {
  const all = candidates(readers);
  const first = (family: Family, routes: readonly DefaultRoute[]): Candidate | undefined => {
    for (const { device } of routes) {
      const own = all.find((candidate) => candidate.device === device && candidate.family === family);
      if (own !== undefined) return own;
    }
    return undefined;
  };
  const v4 = first(4, defaultRoutesV4(readers.readText('/proc/net/route') ?? ''));
  const v6 = first(6, defaultRoutesV6(readers.readText('/proc/net/ipv6_route') ?? ''));
  if (v4 === undefined && v6 === undefined) {
    return refuse(
      'no-default-route',
      `no interface with a default route has a global address, so this host's address is not known: ${HOW}`,
    );
  }
  const devices = new Set(
    [v4, v6].flatMap((candidate) => (candidate === undefined ? [] : [candidate.device])),
  );
  const origin = `default route ${[...devices].join(', ')}`;
  return { ok: true, value: { ipv4: v4?.address, ipv6: v6?.address, origin } };
}

/** Global addresses that last, by interface and then by number. */
function candidates(readers: HostReaders): Candidate[] {
  const fleeting = fleetingAddresses(readers.readText('/proc/net/if_inet6') ?? '');
  return Object.entries(readers.interfaces())
    .flatMap(([device, addresses = []]) =>
      addresses.flatMap(({ address, internal }): Candidate[] => {
        const bytes = internal ? undefined : parseIp(address);
        if (bytes === undefined || !isGlobal(bytes) || fleeting.has(hex(bytes))) return [];
        return [{ device, address, bytes, family: familyOf(bytes) }];
      }),
    )
    .sort((a, b) => (a.device === b.device ? compareBytes(a.bytes, b.bytes) : a.device < b.device ? -1 : 1));
}

function choose(
  all: readonly Candidate[],
  origin: string,
  fits: (candidate: Candidate) => boolean,
): RuleResult | undefined {
  const fitting = all.filter(fits);
  if (fitting.length === 0) return undefined;
  const first = (family: Family): string | undefined =>
    fitting.find((candidate) => candidate.family === family)?.address;
  return { ok: true, found: { ipv4: first(4), ipv6: first(6), origin } };
}

function combine(found: readonly Found[]): HostAddresses {
  const v4 = found.find(({ ipv4 }) => ipv4 !== undefined);
  const v6 = found.find(({ ipv6 }) => ipv6 !== undefined);
  const origins = new Set([v4, v6].flatMap((one) => (one === undefined ? [] : [one.origin])));
  return { ipv4: v4?.ipv4, ipv6: v6?.ipv6, origin: [...origins].join(', ') };
}

function familyOf(bytes: readonly number[]): Family {
  return bytes.length === 4 ? 4 : 6;
}

function hex(bytes: readonly number[]): string {
  return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function refuse(
  code: AdvertiseProblem['code'],
  message: string,
): { readonly ok: false; readonly problem: AdvertiseProblem } {
  return { ok: false, problem: { code, message } };
}
