import type { Container, ContainerPort } from '../core/container.ts';
import { isSwarmTask, networkOwnerOf } from '../core/network.ts';
import { quote } from '../core/quote.ts';
import { type Reason, reason } from '../core/reason.ts';
import type { Dialect, DialectReading, Service, UsedKey } from '../core/service.ts';
import { composeNames, defaultPaths, PROJECT_LABEL, SERVICE_LABEL } from './naming.ts';
import { comparePorts, offeredPorts, type PortRef, portName, portNames } from './port.ts';

/** Published ports of containers that say nothing about themselves. */
export const publishedDialect: Dialect = { name: 'published', read };

function read(container: Container): DialectReading {
  const owner = networkOwnerOf(container);
  if (owner !== undefined) {
    const message = `it shares the network of container ${quote(owner.slice(0, 12))}, and that one publishes the ports`;
    return {
      dialect: 'published',
      services: [],
      used: [],
      reasons: [reason('not-published', message)],
    };
  }
  const offered = offeredPorts(container);
  const pathOf = defaultPaths(container);
  return {
    dialect: 'published',
    services: offered.map((port) => plainService(pathOf(port), port)),
    used: offered.length > 0 ? usedKeys(container) : [],
    reasons: leftOut(container, offered),
  };
}

function plainService(path: readonly string[], { port, protocol }: PortRef): Service {
  return {
    dialect: 'published',
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

function usedKeys(container: Container): readonly UsedKey[] {
  if (composeNames(container) === undefined) return [];
  return [
    { from: 'label', key: PROJECT_LABEL, meaning: 'first segment of the default path' },
    { from: 'label', key: SERVICE_LABEL, meaning: 'second segment of the default path' },
  ];
}

function leftOut(container: Container, offered: readonly PortRef[]): readonly Reason[] {
  const names = portNames(offered);
  const rest = container.ports.filter((port) => !names.has(portName(port)));
  if (rest.length === 0 && offered.length === 0)
    return [reason('no-service', 'it exposes no port and publishes none')];
  return [...rest].sort(comparePorts).map((port) => whyLeftOut(container, port, offered.length > 0));
}

function whyLeftOut(container: Container, port: ContainerPort, publishesOthers: boolean): Reason {
  const about = portName(port);
  if (port.protocol === 'sctp')
    return reason('protocol-unsupported', `${about}: SCTP cannot be registered`, { about });
  if (isSwarmTask(container)) {
    const message = `${about} belongs to a Swarm service, whose ingress publishes it; publish it with mode=host to have it registered`;
    return reason('swarm-ingress', message, { about });
  }
  const remedy = 'publish it, or use portolan.address=container';
  if (publishesOthers)
    return reason('unpublished-port', `${about} is exposed but not published; ${remedy}`, { about });
  return reason('not-published', `${about} is exposed, but the container publishes no port; ${remedy}`, {
    about,
  });
}
