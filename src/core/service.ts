import type { Announcer } from './announcer.ts';
import type { Container, Protocol } from './container.ts';
import type { ProbeSpec } from './probe.ts';
import type { Reason } from './reason.ts';
import type { RouteSettings } from './route-settings.ts';

/** How the traffic is to be understood by whoever routes it. */
export type ServiceType = 'HTTP' | 'TCP' | 'UDP';

/** Where consumers reach the service: through the published host port, or on the container's own address. */
export type AddressMode = 'host' | 'container';

export type AddressFamily = 'ipv4' | 'ipv6' | 'both';

/** What one container port offers, as one dialect read it. Two services of a container may share a port. */
export interface Service {
  readonly dialect: DialectName;
  /** Path segments, each checked by `checkSegment`; at least one. `/a/b` is `['a', 'b']`. */
  readonly path: readonly string[];
  readonly port: number;
  readonly protocol: Protocol;
  readonly type: ServiceType;
  /** Sorted, without duplicates. */
  readonly tags: readonly string[];
  /** 0 to 256; undefined leaves it to the consumer. */
  readonly weight: number | undefined;
  /** undefined: the agent's default, or the container's own address where nothing else is possible (macvlan). */
  readonly address: AddressMode | undefined;
  readonly network: string | undefined;
  readonly family: AddressFamily | undefined;
  /** What it asks of proxies; absent where it asks for nothing. */
  readonly route?: RouteSettings;
  /** `container`: it is announced by the container itself, and never by the agent. */
  readonly announcer?: Announcer;
}

/** A service that says nothing of itself but where it is. */
export function plainService(
  dialect: DialectName,
  path: readonly string[],
  { port, protocol }: Pick<Service, 'port' | 'protocol'>,
): Service {
  return {
    dialect,
    path,
    port,
    protocol,
    type: protocol === 'udp' ? 'UDP' : 'TCP',
    tags: [],
    weight: undefined,
    address: undefined,
    network: undefined,
    family: undefined,
  };
}

/** A path of which metadata does not say which port it means; an announcement of the container itself may. */
export interface Portless {
  readonly path: readonly string[];
  readonly type: ServiceType;
}

export type DialectName = 'portolan' | 'announce' | 'registrar' | 'published';

/** A label or variable that a dialect used. The value is never kept: it may be a secret. */
export interface UsedKey {
  readonly from: 'label' | 'env';
  readonly key: string;
  readonly meaning: string;
}

/** A port that metadata speaks about and of which nothing came. */
export interface ReservedPort {
  readonly port: number;
  readonly protocol: Protocol;
  /** `disabled`: no later dialect may offer it. `mistaken`: only the plain name is withheld; it was not what was asked for. */
  readonly why: 'disabled' | 'mistaken';
}

/** How a port is probed, whichever dialect names it. */
export interface ProbeRule {
  /** undefined: every port that no other rule is about; of UDP ports only if the probe goes to another port. */
  readonly port: { readonly port: number; readonly protocol: Protocol } | undefined;
  /** undefined: not at all. */
  readonly spec: ProbeSpec | undefined;
}

/** What a port asks of proxies, whichever dialect names it. */
export interface RouteRule {
  /** undefined: every port that no other rule is about. */
  readonly port: { readonly port: number; readonly protocol: Protocol } | undefined;
  readonly settings: RouteSettings;
}

/** What one dialect made of one container. */
export interface DialectReading {
  readonly dialect: DialectName;
  readonly services: readonly Service[];
  readonly reserved?: readonly ReservedPort[];
  /** The rule of a port stands before the common one. */
  readonly probes?: readonly ProbeRule[];
  readonly routes?: readonly RouteRule[];
  readonly portless?: readonly Portless[];
  /** Who announces the container, where a label says so. */
  readonly announcer?: Announcer;
  readonly used: readonly UsedKey[];
  /** Why it found nothing, what it left out, and what looks misspelt. */
  readonly reasons: readonly Reason[];
}

/** A metadata grammar. Pure: the same container gives the same reading, in the same order. */
export interface Dialect {
  readonly name: DialectName;
  read(container: Container): DialectReading;
}

/** The parts of a path by the announce convention: `/zone/app/env/service[/name]`; shorter paths lack the outer parts. */
export interface PathParts {
  readonly app: string | undefined;
  readonly env: string | undefined;
  readonly service: string;
  readonly name: string | undefined;
}

/**
 * Names the parts of a service path (`reference: /internal/app1/dev/web/ghost.example`).
 * One segment is the service; two are app and service; three add the environment; four the zone; more the name.
 */
export function pathParts(path: readonly string[]): PathParts {
  const [first = '', second, third, fourth, ...rest] = path;
  if (second === undefined) return { app: undefined, env: undefined, service: first, name: undefined };
  if (third === undefined) return { app: first, env: undefined, service: second, name: undefined };
  if (fourth === undefined) return { app: first, env: second, service: third, name: undefined };
  return { app: second, env: third, service: fourth, name: rest.length > 0 ? rest.join('/') : undefined };
}
