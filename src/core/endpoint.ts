import { type Container, type Protocol, shortId } from './container.ts';
import { checkSegment } from './segment.ts';
import type { Service } from './service.ts';

/**
 * Who can use an address. `host` addresses (loopback) reach only this machine and are never written to a registry that
 * other hosts read.
 */
export type Scope = 'routable' | 'host';

/**
 * What else layouts may tell of the container. The environment is full of secrets: a layout copies what it names of it, and
 * nothing else does.
 */
interface ContainerFacts {
  readonly hostname: string;
  readonly image: string;
  readonly env: ReadonlyMap<string, string>;
}

/** One address of one service. Address and port were chosen together. */
export interface Endpoint {
  /** Stable for the life of the container: `<container id>/<path>/<port>-<protocol>-<n>`. */
  readonly id: string;
  readonly containerId: string;
  readonly containerName: string;
  readonly container: ContainerFacts;
  readonly service: Service;
  /** IP literal without brackets. */
  readonly ip: string;
  readonly port: number;
  readonly scope: Scope;
  /** Of the addresses of its container port this one stands for all, where a layout shows only one. */
  readonly first: boolean;
  /** Last segment of its keys: `<id>`, or `<id>-<port>-<proto>-<n>` for what is not the first of its path. */
  readonly keyId: string;
  /** Epoch milliseconds of the container's creation: the older claim keeps a disputed key. */
  readonly createdAt: number;
}

/** Where the life of an endpoint stands; `core/lifecycle.ts` moves it. */
export type LifecycleState = 'announced' | 'registered' | 'draining' | 'dormant' | 'expired';

export type DrainCause = 'stop-signal' | 'unhealthy' | 'command';

export interface Phase {
  readonly state: LifecycleState;
  readonly cause: DrainCause | undefined;
  /** Epoch milliseconds since when the state holds. */
  readonly since: number;
  /** Epoch milliseconds at which the drain ends by itself. */
  readonly until: number | undefined;
  /** The container's start that the phase belongs to; undefined until it has been read. */
  readonly startedAt: string | undefined;
  /** It is, or was when its drain began, in rotation: one that never was has no consumers to be told. */
  readonly offered: boolean;
}

export function endpointId(
  containerId: string,
  path: readonly string[],
  port: number,
  protocol: Protocol,
  n: number,
): string {
  return `${containerId}/${path.join('/')}/${port}-${protocol}-${n}`;
}

/** The last segments of one container's keys, asked for in the order of its endpoints: the first of a path gets the bare id. */
export function keyIds(
  base: string,
): (service: Pick<Service, 'path' | 'port' | 'protocol'>, n: number) => string {
  const taken = new Set<string>();
  return ({ path, port, protocol }, n) => {
    const name = path.join('/');
    const id = taken.has(name) ? `${base}-${String(port)}-${protocol}-${String(n)}` : base;
    taken.add(name);
    return id;
  };
}

/** The kernel's limit; leaves room for a suffix within the limit of a segment. */
const LONGEST_HOSTNAME = 64;

/**
 * The id that keys carry: the first 12 digits of the container's id (Docker's default host name), or the host name if
 * one was set explicitly. Containers that share another's network share its host name, so they keep their own id.
 */
export function keyIdOf(container: Pick<Container, 'id' | 'hostname' | 'networkMode'>): string {
  const shared = container.networkMode === 'host' || container.networkMode.startsWith('container:');
  const { hostname } = container;
  return !shared && hostname.length <= LONGEST_HOSTNAME && checkSegment(hostname) === undefined
    ? hostname
    : shortId(container.id);
}
