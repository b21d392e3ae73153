import type { Binding, Container, ContainerNetwork } from './container.ts';
import type { Scope } from './endpoint.ts';
import { familyOf, hostAndPort, type IpFamily, isLoopback, isWildcard } from './ip.ts';
import { INGRESS, isDirect, isSwarmTask, networkOwnerOf, usesHostNetwork } from './network.ts';
import { compareText } from './order.ts';
import type { HostAddresses } from './ports.ts';
import { printable, quote } from './quote.ts';
import { type Reason, reason } from './reason.ts';
import type { AddressFamily, AddressMode, Service } from './service.ts';

/** Address and port, chosen together from one binding or one network. */
export interface ChosenAddress {
  readonly ip: string;
  readonly port: number;
  readonly family: IpFamily;
  readonly scope: Scope;
  /** Which binding of the port, from 0; of addresses without a binding, 0 is IPv4 and 1 is IPv6. */
  readonly n: number;
  readonly why: Reason;
}

export interface AddressChoice {
  readonly chosen: readonly ChosenAddress[];
  /** Why there is none, or what was left out. */
  readonly reasons: readonly Reason[];
}

/** What holds where a service says nothing itself. */
export interface AddressDefaults {
  readonly address: AddressMode;
  readonly network: string | undefined;
  readonly family: AddressFamily;
}

export interface AddressContext {
  /** undefined: no address of this host is known; nothing is guessed. */
  readonly host: HostAddresses | undefined;
  readonly defaults: AddressDefaults;
  /** The container whose network another one shares. */
  readonly find: (containerId: string) => Container | undefined;
}

/** One service, where it really runs, and what may be told of it. */
interface Question {
  readonly service: Service;
  /** The container whose ports and networks count: the container itself, or the one whose network it shares. */
  readonly owner: Container;
  /** ` of <name>`, when the owner is another container. */
  readonly ofOwner: string;
  readonly host: HostAddresses | undefined;
  readonly defaults: AddressDefaults;
  readonly family: AddressFamily;
  /** `80/tcp` */
  readonly about: string;
}

const FAMILIES = ['ipv4', 'ipv6'] as const;
const SHOWN: Readonly<Record<AddressFamily, string>> = { ipv4: 'IPv4', ipv6: 'IPv6', both: 'IPv4 or IPv6' };
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
  const ofOwner = owner === container ? '' : ` of ${printable(owner.name)}`;
  const family = service.family ?? defaults.family;
  const question: Question = { service, owner, ofOwner, host, defaults, family, about };
  if (usesHostNetwork(owner)) return onHostNetwork(question);
  if ((service.address ?? defaults.address) === 'container') return onOwnNetwork(question);
  const bindings = bindingsOf(owner, service);
  return bindings.length > 0 ? onBindings(question, bindings) : withoutBinding(question);
}

/** Followed once: the engine itself refuses longer chains. */
function networkOwner(container: Container, find: AddressContext['find']): Container | Reason {
  const id = networkOwnerOf(container);
  if (id === undefined) return container;
  const refuse = (why: string): Reason =>
    reason('network-owner-unknown', `it shares the network of container ${quote(id.slice(0, 12))}, ${why}`, {
      about: printable(id),
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
    const shown = hostAndPort(printable(hostIp), hostPort);
    if (its === undefined || !isPort(hostPort)) {
      reasons.push(
        reason('no-host-address', `${about}: the binding ${shown} is not an address and a port`, { about }),
      );
    } else if (wants(family, its)) {
      const ip = isWildcard(hostIp) ? host?.[its] : hostIp;
      if (ip === undefined) reasons.push(noHostAddress(question, its, shown));
      else chosen.push(atBinding(question, { ip, family: its, n, port: hostPort, shown }));
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
  readonly shown: string;
}

function atBinding(
  { host, about, ofOwner }: Question,
  { ip, family, n, port, shown }: BindingAddress,
): ChosenAddress {
  const address = hostAndPort(ip, port);
  const from = `${about}${ofOwner} is published at ${shown}`;
  if (isLoopback(ip)) {
    const message = `${address}: ${from}, which only this host can reach; other hosts are never told`;
    return { ip, port, family, scope: 'host', n, why: reason('loopback-only', message, { about }) };
  }
  const how =
    address === shown
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
      scope: isLoopback(ip) ? 'host' : 'routable',
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
  if (service.address === undefined && direct.length > 0) return onNetworks(question, direct);
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

function onOwnNetwork(question: Question): AddressChoice {
  if (question.owner.provisional) return none(stillUnknown(question));
  return onNetworks(
    question,
    question.owner.networks.filter(({ name }) => name !== INGRESS),
  );
}

/** The container's own address on one of these networks. */
function onNetworks(question: Question, networks: readonly ContainerNetwork[]): AddressChoice {
  const { about, service, family, ofOwner } = question;
  const choice = chooseNetwork(question, networks);
  if ('code' in choice) return none(choice);
  const { network, why } = choice;
  const chosen: ChosenAddress[] = [];
  for (const [n, its] of FAMILIES.entries()) {
    const ip = wants(family, its) ? addressOn(network, its) : undefined;
    if (ip === undefined) continue;
    const message = `${hostAndPort(ip, service.port)}: the own address${ofOwner} on network ${quote(network.name)}, ${why}`;
    chosen.push({
      ip,
      port: service.port,
      family: its,
      scope: isLoopback(ip) ? 'host' : 'routable',
      n,
      why: reason('address-chosen', message, { about }),
    });
  }
  if (chosen.length > 0) return { chosen, reasons: [] };
  return none(noneOfFamily(question, `network ${quote(network.name)} gives none`));
}

function chooseNetwork(
  { about, service, defaults, ofOwner }: Question,
  networks: readonly ContainerNetwork[],
): { readonly network: ContainerNetwork; readonly why: string } | Reason {
  const sorted = [...networks].sort((a, b) => compareText(a.name, b.name));
  const wanted = service.network ?? defaults.network;
  if (wanted !== undefined) {
    const network = sorted.find(({ name }) => name === wanted);
    const by = service.network === undefined ? 'the setting network' : 'portolan.network';
    if (network !== undefined) return { network, why: `chosen by ${by}` };
    const there = sorted.length === 0 ? 'there is none' : `there are: ${names(sorted)}`;
    const message = `${about}: ${by} names ${quote(wanted)}, and the container is not on it; ${there}`;
    return reason('network-not-found', message, { about: printable(wanted) });
  }
  const addressed = sorted.filter((network) => FAMILIES.some((its) => addressOn(network, its) !== undefined));
  const [network, ...more] = addressed;
  if (network === undefined)
    return reason('no-network', `${about}: no network${ofOwner} has an address; connect it to one`, {
      about,
    });
  if (more.length === 0) return { network, why: 'the only one' };
  return {
    network,
    why: `the first by name of ${names(addressed)}; choose another with portolan.network`,
  };
}

function addressOn(network: ContainerNetwork, family: IpFamily): string | undefined {
  const ip = network[family];
  return ip !== undefined && familyOf(ip) === family && !isWildcard(ip) ? ip : undefined;
}

function noHostAddress({ host, about }: Question, family: AddressFamily, what: string): Reason {
  const lack =
    host === undefined
      ? 'no address of this host is known'
      : `this host has no ${SHOWN[family]} address (${originOf(host)})`;
  return reason('no-host-address', `${about}: ${what} is left out, for ${lack}; ${ADVERTISE}`, { about });
}

function noneOfFamily({ about, family, service }: Question, why: string): Reason {
  const by = service.family === undefined ? 'the setting family' : 'portolan.family';
  const message = `${about}: no ${SHOWN[family]} address, for ${why}; ${by} says which families count`;
  return reason('no-address-of-family', message, { about });
}

function stillUnknown({ about }: Question): Reason {
  return reason('provisional', `${about}: the container has only just started; its addresses come next`, {
    about,
  });
}

function none(why: Reason): AddressChoice {
  return { chosen: [], reasons: [why] };
}

/** A host address that is bound twice on one port (once by name, once by wildcard) is one address. */
function distinct(chosen: readonly ChosenAddress[]): readonly ChosenAddress[] {
  const seen = new Set<string>();
  return chosen.filter(({ ip, port }) => {
    const address = hostAndPort(ip, port);
    return !seen.has(address) && seen.add(address);
  });
}

function wants(family: AddressFamily, its: IpFamily): boolean {
  return family === 'both' || family === its;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function originOf(host: HostAddresses | undefined): string {
  return printable(host?.origin ?? 'unknown');
}

function names(networks: readonly ContainerNetwork[]): string {
  return networks.map(({ name }) => quote(name)).join(', ');
}

function portName({ port, protocol }: { readonly port: number; readonly protocol: string }): string {
  return `${String(port)}/${protocol}`;
}
