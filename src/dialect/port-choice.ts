import type { Container } from '../core/container.ts';
import { shown } from '../core/quote.ts';
import { type Reason, reason } from '../core/reason.ts';
import type { ReservedPort } from '../core/service.ts';
import type { Group, Groups } from './label-group.ts';
import type { LabelKey } from './labels.ts';
import {
  comparePorts,
  exposedPorts,
  offeredPorts,
  type PortRef,
  portName,
  portNames,
  protocolsOf,
} from './port.ts';
import { isProbeKey } from './probe-rules.ts';
import { isRouteKey } from './route-rules.ts';

/** The ports that the labels of a container speak about. */
export interface Choice {
  readonly ports: readonly PortRef[];
  /** The names of those that `portolan.path` means. */
  readonly common: ReadonlySet<string>;
  readonly reserved: readonly ReservedPort[];
  readonly reasons: readonly Reason[];
}

const NONE: ReadonlySet<string> = new Set();

const SETTINGS: readonly LabelKey[] = ['type', 'tags', 'weight', 'address', 'network', 'family'];

/**
 * - `portolan.port` names one port: `portolan.path` means that port alone.
 * - Without it, `portolan.path` means the ports that have labels of their own, or else the only port there is.
 * - Any other label of the container means every port that it offers, beside those with labels of their own.
 */
export function choosePorts(container: Container, groups: Groups): Choice {
  const { common } = groups;
  const named = [...groups.ports.values()].flatMap((group) => (namesPort(group) ? (group.port ?? []) : []));
  if (common.problems.has('port')) return withheld(container, named, []);
  const { port: meant } = common.settings;
  if (meant !== undefined) {
    const port = { port: meant.port, protocol: meant.protocol ?? protocolsOf(container)(meant.port) };
    return { ports: union(named, [port]), common: portNames([port]), reserved: [], reasons: [] };
  }
  const forAll = SETTINGS.some((key) => common.labels.has(key));
  if (named.length > 0) {
    const ports = forAll ? union(named, offeredPorts(container)) : named;
    return { ports, common: portNames(named), reserved: [], reasons: [] };
  }
  const candidates = candidatesOf(container, groups);
  if (common.labels.has('path')) return onlyPort(container, candidates);
  if (!forAll) return { ports: [], common: NONE, reserved: [], reasons: [] };
  const none = reason('missing-port', 'it exposes no port; name the one meant with portolan.port', {
    about: 'portolan.port',
  });
  return {
    ports: candidates,
    common: portNames(candidates),
    reserved: [],
    reasons: candidates.length === 0 ? [none] : [],
  };
}

/** How a port is probed, and what it asks of proxies, says nothing about where it appears. */
function namesPort({ labels }: Group): boolean {
  return [...labels.keys()].some((key) => !isProbeKey(key) && !isRouteKey(key));
}

/** What the container offers; what it exposes, if nothing has to be published or nothing is. */
function candidatesOf(container: Container, { common }: Groups): readonly PortRef[] {
  const offered = common.settings.address === 'container' ? [] : offeredPorts(container);
  return offered.length > 0 ? offered : exposedPorts(container);
}

function onlyPort(container: Container, candidates: readonly PortRef[]): Choice {
  const [only, ...more] = candidates;
  if (only !== undefined && more.length === 0)
    return { ports: [only], common: portNames([only]), reserved: [], reasons: [] };
  const what =
    only === undefined
      ? 'the container exposes no port'
      : `the container has several ports (${shown(candidates.map(portName).join(', '))})`;
  const message = `${what}, so portolan.path means none of them; name the one meant with portolan.port, or write portolan.<port>.path`;
  return withheld(container, [], [reason('missing-port', message, { about: 'portolan.port' })]);
}

/** Somebody gave a name to one of the ports, and we do not know which: none may appear under a name nobody asked for. */
function withheld(container: Container, named: readonly PortRef[], reasons: readonly Reason[]): Choice {
  const known = portNames(named);
  const rest = offeredPorts(container).filter((port) => !known.has(portName(port)));
  return {
    ports: named,
    common: NONE,
    reserved: rest.map((port) => ({ ...port, why: 'mistaken' })),
    reasons,
  };
}

function union(a: readonly PortRef[], b: readonly PortRef[]): readonly PortRef[] {
  const known = portNames(a);
  const rest = b.filter((port) => !known.has(portName(port)));
  return [...a, ...rest].sort(comparePorts);
}
