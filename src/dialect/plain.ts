import type { Container, ContainerPort } from '../core/container.ts';
import { isSwarmTask, networkOwnerOf } from '../core/network.ts';
import { quote } from '../core/quote.ts';
import { type Reason, reason } from '../core/reason.ts';
import { comparePorts, type PortRef, portName, portNames } from './port.ts';

/** Its ports are another container's. */
export function sharesNetwork(container: Container): Reason | undefined {
  const owner = networkOwnerOf(container);
  if (owner === undefined) return undefined;
  const message = `it shares the network of container ${quote(owner.slice(0, 12))}, and that one publishes the ports`;
  return reason('not-published', message);
}

/** Why its other ports are not offered; `remedy`: what makes a port that is only exposed one that is. */
export function leftOut(
  container: Container,
  offered: readonly PortRef[],
  remedy: string,
): readonly Reason[] {
  const names = portNames(offered);
  const rest = container.ports.filter((port) => !names.has(portName(port)));
  if (rest.length === 0 && offered.length === 0)
    return [reason('no-service', 'it exposes no port and publishes none')];
  const publishesOthers = offered.length > 0;
  return [...rest].sort(comparePorts).map((port) => whyLeftOut(container, port, { publishesOthers, remedy }));
}

function whyLeftOut(
  container: Container,
  port: ContainerPort,
  { publishesOthers, remedy }: { readonly publishesOthers: boolean; readonly remedy: string },
): Reason {
  const about = portName(port);
  if (port.protocol === 'sctp')
    return reason('protocol-unsupported', `${about}: SCTP cannot be registered`, { about });
  if (isSwarmTask(container)) {
    const message = `${about} belongs to a Swarm service, whose ingress publishes it; publish it with mode=host to have it registered`;
    return reason('swarm-ingress', message, { about });
  }
  if (publishesOthers)
    return reason('unpublished-port', `${about} is exposed but not published; ${remedy}`, { about });
  return reason('not-published', `${about} is exposed, but the container publishes no port; ${remedy}`, {
    about,
  });
}
