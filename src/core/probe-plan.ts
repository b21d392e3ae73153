import { networkOwner } from './address.ts';
import type { AddressContext } from './address-choice.ts';
import type { Container, ContainerNetwork } from './container.ts';
import { familyOf, type IpFamily } from './ip.ts';
import { INGRESS, usesHostNetwork } from './network.ts';
import { compareText } from './order.ts';
import { addressOn } from './own-address.ts';
import type { ProbePlan, ProbeSpec } from './probe.ts';
import type { Service } from './service.ts';

/** Why a host may not get through to a container's own address, by the driver of its network. */
const OUT_OF_REACH: Readonly<Record<string, string>> = {
  macvlan:
    'a host does not reach its own macvlan containers, unless it has an address of its own in that network',
  ipvlan:
    'a host does not reach its own ipvlan containers, unless it has an address of its own in that network',
  overlay: 'a host has no way into an overlay network',
};

/**
 * Where the probe of an endpoint at `ip` goes: to the container itself, for whoever connects to a published port meets
 * the engine's proxy, which accepts before the container does.
 */
export function planProbe(
  spec: ProbeSpec,
  service: Service,
  ip: string,
  container: Container,
  context: AddressContext,
): ProbePlan {
  const plan = (addresses: readonly string[], hint?: string): ProbePlan => ({
    spec,
    addresses,
    port: spec.port ?? service.port,
    hint,
  });
  const owner = networkOwner(container, context.find);
  if ('code' in owner) return plan([], owner.message);
  const family = familyOf(ip) ?? 'ipv4';
  // The first is right for what listens everywhere, the second for what listens on the host's address alone.
  if (usesHostNetwork(owner)) return plan([...new Set([family === 'ipv4' ? '127.0.0.1' : '::1', ip])]);
  if (owner.provisional) return plan([], 'its address is not known yet');
  const network = networkOf(owner, service, ip, context.defaults.network);
  if (network === undefined) return plan([], 'it has no address of its own to be probed at');
  const address = addressOn(network, family) ?? addressOn(network, family === 'ipv4' ? 'ipv6' : 'ipv4');
  const driver = network.driver ?? '';
  const hint = Object.hasOwn(OUT_OF_REACH, driver) ? OUT_OF_REACH[driver] : undefined;
  return plan(address === undefined ? [] : [address], hint);
}

/** The network of the address that is registered; else the one that was asked for; else one that the host reaches. */
function networkOf(
  { networks }: Container,
  service: Service,
  ip: string,
  preferred: string | undefined,
): ContainerNetwork | undefined {
  const rank = (network: ContainerNetwork): number => {
    if (network.ipv4 === ip || network.ipv6 === ip) return 0;
    if (network.name === service.network) return 1;
    if (network.name === preferred) return 2;
    return Object.hasOwn(OUT_OF_REACH, network.driver ?? '') ? 4 : 3;
  };
  const [first] = networks
    .filter((network) => network.name !== INGRESS && FAMILIES.some((family) => addressOn(network, family)))
    .sort((a, b) => rank(a) - rank(b) || compareText(a.name, b.name));
  return first;
}

const FAMILIES: readonly IpFamily[] = ['ipv4', 'ipv6'];
