import type { Container, Protocol } from '../core/container.ts';
import { isDirect, usesHostNetwork } from '../core/network.ts';
import { compareText } from '../core/order.ts';

/** A container port as metadata or the engine names it. */
export interface PortRef {
  readonly port: number;
  readonly protocol: Protocol;
}

export function portName({ port, protocol }: PortRef): string {
  return `${String(port)}/${protocol}`;
}

export function portNames(ports: readonly PortRef[]): ReadonlySet<string> {
  return new Set(ports.map(portName));
}

/** By number, TCP before UDP. */
export function comparePorts(a: PortRef, b: PortRef): number {
  return a.port - b.port || compareText(a.protocol, b.protocol);
}

/** A port without a protocol is TCP, unless the container has it for UDP alone. */
export function protocolsOf({ ports }: Pick<Container, 'ports'>): (port: number) => Protocol {
  const having = (wanted: Protocol): ReadonlySet<number> =>
    new Set(ports.filter(({ protocol }) => protocol === wanted).map(({ port }) => port));
  const [tcp, udp] = [having('tcp'), having('udp')];
  return (port) => (udp.has(port) && !tcp.has(port) ? 'udp' : 'tcp');
}

/** Every port that the image or the run command exposes, SCTP left out. */
export function exposedPorts(container: Pick<Container, 'ports'>): readonly PortRef[] {
  return inOrder(container.ports);
}

/**
 * The ports that the container offers without further words: the published ones and, where nothing has to be published
 * (the host's network, macvlan), the exposed ones.
 */
export function offeredPorts(
  container: Pick<Container, 'ports' | 'networks' | 'networkMode'>,
): readonly PortRef[] {
  const direct = usesHostNetwork(container) || container.networks.some(isDirect);
  return inOrder(container.ports.filter(({ bindings }) => direct || bindings.length > 0));
}

/** The ports that have an address on the host. */
export function publishedPorts(container: Pick<Container, 'ports'>): readonly PortRef[] {
  return inOrder(container.ports.filter(({ bindings }) => bindings.length > 0));
}

function inOrder(ports: readonly PortRef[]): readonly PortRef[] {
  const unique = new Map<string, PortRef>();
  for (const { port, protocol } of ports)
    if (protocol !== 'sctp') unique.set(portName({ port, protocol }), { port, protocol });
  return [...unique.values()].sort(comparePorts);
}
