import {
  type AddressChoice,
  type AddressContext,
  type ChosenAddress,
  FAMILIES,
  FAMILY_NAMES,
  none,
  noneOfFamily,
  type Question,
  wants,
} from './address-choice.ts';
import type { Binding, Container, ContainerNetwork } from './container.ts';
import { familyOf, hostAndPort, type IpFamily, isLoopback, isWildcard } from './ip.ts';
import { INGRESS, isDirect, isSwarmTask, networkOwnerOf, usesHostNetwork } from './network.ts';
import { compareText } from './order.ts';
import { onNetworks } from './own-address.ts';
import type { HostAddresses } from './ports.ts';
import { quote, shown } from './quote.ts';
import { type Reason, reason } from './reason.ts';
import type { AddressFamily, Service } from './service.ts';

const ADVERTISE = 'set advertise (PORTOLAN_ADVERTISE) to an address, iface:<name> or cidr:<network>';

/** Every address under which a service can be reached. The same facts give the same answer, whatever their order. */
export function chooseAddresses(
  service: Service,
  container: Container,
  context: AddressContext,
): AddressChoice {
  const about = `${String(service.port)}/${service.protocol}`;
  if (service.protocol === 'sctp')
    return none(
      reason('protocol-unsupported', `${about}: SCTP cannot be registered; offer it over TCP or UDP`, {
        about,
      }),
    );
  const owner = networkOwner(container, context.find);
  if ('code' in owner) return none(owner);
  const { host, defaults } = context;
  const ofOwner = owner === container ? '' : ` of ${shown(owner.name)}`;
  const family = service.family ?? defaults.family;
  const question: Question = { service, owner, ofOwner, host, defaults, family, about };
  if (usesHostNetwork(owner)) return onHostNetwork(question);
  if ((service.address ?? defaults.address) === 'container') return onOwnNetwork(question);
  const bindings = bindingsOf(owner, service);
  return bindings.length > 0 ? onBindings(question, bindings) : withoutBinding(question);
}

/** Followed once: the engine itself refuses longer chains. */
export function networkOwner(container: Container, find: AddressContext['find']): Container | Reason {
  const id = networkOwnerOf(container);
  if (id === undefined) return container;
  const refuse = (why: string): Reason =>
    reason('network-owner-unknown', `it shares the network of container ${quote(id.slice(0, 12))}, ${why}`, {
      about: shown(id),
    });
  const owner = find(id);
  if (owner === undefined) return refuse('which the engine did not report');
  if (owner.state !== 'running' && owner.state !== 'paused')
    return refuse(`which is ${owner.state}; start that one first`);
  if (networkOwnerOf(owner) !== undefined) return refuse('which itself has no network of its own');
  return owner;
}

/** Each binding of the port once, in one order: IPv4 before IPv6, what others can reach before loopback. */
function bindingsOf(owner: Container, { port, protocol }: Service): readonly Binding[] {
  const unique = new Map<string, Binding>();
  for (const candidate of owner.ports) {
    if (candidate.port !== port || candidate.protocol !== protocol) continue;
    for (const { hostIp, hostPort } of candidate.bindings) {
      // The engine says "" for every IPv4 address when it was asked for no particular one.
      const ip = hostIp === '' ? '0.0.0.0' : hostIp.toLowerCase();
      unique.set(`${ip} ${String(hostPort)}`, { hostIp: ip, hostPort });
    }
  }
  const rank = ({ hostIp }: Binding): number => (hostIp.includes(':') ? 2 : 0) + (isLoopback(hostIp) ? 1 : 0);
  return [...unique.values()].sort(
    (a, b) => rank(a) - rank(b) || compareText(a.hostIp, b.hostIp) || a.hostPort - b.hostPort,
  );
}

function onBindings(question: Question, bindings: readonly Binding[]): AddressChoice {
  const { host, family, about } = question;
  const chosen: ChosenAddress[] = [];
  const reasons: Reason[] = [];
  for (const [n, { hostIp, hostPort }] of bindings.entries()) {
    const its = familyOf(hostIp);
    const at = hostAndPort(shown(hostIp), hostPort);
    if (its === undefined || !isPort(hostPort)) {
      reasons.push(
        reason('no-host-address', `${about}: the binding ${at} is not an address and a port`, { about }),
      );
    } else if (wants(family, its)) {
      const ip = isWildcard(hostIp) ? host?.[its] : hostIp;
      if (ip === undefined) reasons.push(noHostAddress(question, its, at));
      else
        chosen.push(
          atBinding(question, { ip, family: its, n, port: hostPort, at, local: isLoopback(hostIp) }),
        );
    }
  }
  const unique = distinct(chosen);
  if (unique.length > 0 || reasons.length > 0) return { chosen: unique, reasons };
  return none(noneOfFamily(question, 'it is published only for the other family'));
}

interface BindingAddress {
  readonly ip: string;
  readonly family: IpFamily;
  readonly n: number;
  readonly port: number;
  readonly at: string;
  /** The binding itself is on loopback; an advertised loopback address is the operator's own word. */
  readonly local: boolean;
}

function atBinding(
  { host, about, ofOwner }: Question,
  { ip, family, n, port, at, local }: BindingAddress,
): ChosenAddress {
  const address = hostAndPort(ip, port);
  const from = `${about}${ofOwner} is published at ${at}`;
  if (local) {
    const message = `${address}: ${from}, which only this host can reach; other hosts are never told`;
    return { ip, port, family, scope: 'host', n, why: reason('loopback-only', message, { about }) };
  }
  const how =
    address === at
      ? 'that very address'
      : `every address of the host, and ${ip} is the host's (${originOf(host)})`;
  return {
    ip,
    port,
    family,
    scope: 'routable',
    n,
    why: reason('address-chosen', `${address}: ${from}, ${how}`, { about }),
  };
}

/** The container uses the host's network: its port is the host's. */
function onHostNetwork(question: Question): AddressChoice {
  const { host, family, about, service, ofOwner } = question;
  const { port } = service;
  const chosen: ChosenAddress[] = [];
  for (const [n, its] of FAMILIES.entries()) {
    const ip = wants(family, its) ? host?.[its] : undefined;
    if (ip === undefined) continue;
    const who = ofOwner === '' ? 'the container uses' : `the network${ofOwner} is`;
    const message = `${hostAndPort(ip, port)}: ${who} the host's network, and ${ip} is the host's (${originOf(host)})`;
    chosen.push({
      ip,
      port,
      family: its,
      scope: 'routable',
      n,
      why: reason('address-chosen', message, { about }),
    });
  }
  if (chosen.length > 0) return { chosen, reasons: [] };
  return none(noHostAddress(question, family, "the host's network"));
}

function withoutBinding(question: Question): AddressChoice {
  const { owner, service, about, ofOwner } = question;
  if (owner.provisional) return none(stillUnknown(question));
  const direct = owner.networks.filter(
    (network) => isDirect(network) && (service.network === undefined || network.name === service.network),
  );
  // Whoever wrote `address: host` wants a published port and nothing else.
  if (service.address === undefined && direct.length > 0)
    return onNetworks(withoutForeignDefault(question, direct), direct);
  if (isSwarmTask(owner)) {
    const message = `${about} belongs to a Swarm service: Swarm's ingress publishes it on every node, so no container owns it; publish it with mode=host to have it registered`;
    return none(reason('swarm-ingress', message, { about }));
  }
  const other = owner.ports.filter(({ bindings }) => bindings.length > 0).map(portName);
  const published =
    other.length === 0 ? 'nothing is published' : `published: ${other.sort(compareText).join(', ')}`;
  const message = `${about}${ofOwner} is not published on the host (${published}); publish it, or set portolan.address=container to use the container's own address`;
  return none(reason('not-published', message, { about }));
}

/** The default network is one of Docker's own; it says nothing about containers on the outer network. */
function withoutForeignDefault(question: Question, networks: readonly ContainerNetwork[]): Question {
  const { defaults } = question;
  if (networks.some(({ name }) => name === defaults.network)) return question;
  return { ...question, defaults: { ...defaults, network: undefined } };
}

function onOwnNetwork(question: Question): AddressChoice {
  if (question.owner.provisional) return none(stillUnknown(question));
  return onNetworks(
    question,
    question.owner.networks.filter(({ name }) => name !== INGRESS),
  );
}

function noHostAddress({ host, about }: Question, family: AddressFamily, what: string): Reason {
  const lack =
    host === undefined
      ? 'no address of this host is known'
      : `this host has no ${FAMILY_NAMES[family]} address (${originOf(host)})`;
  return reason('no-host-address', `${about}: ${what} is left out, for ${lack}; ${ADVERTISE}`, { about });
}

function stillUnknown({ about }: Question): Reason {
  return reason('provisional', `${about}: the container has only just started; its addresses come next`, {
    about,
  });
}

/** A host address that is bound twice on one port (once by name, once by wildcard) is one address. */
function distinct(chosen: readonly ChosenAddress[]): readonly ChosenAddress[] {
  const seen = new Set<string>();
  return chosen.filter(({ ip, port }) => {
    const address = hostAndPort(ip, port);
    return !seen.has(address) && seen.add(address);
  });
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function originOf(host: HostAddresses | undefined): string {
  return shown(host?.origin ?? 'unknown');
}

function portName({ port, protocol }: { readonly port: number; readonly protocol: string }): string {
  return `${String(port)}/${protocol}`;
}
