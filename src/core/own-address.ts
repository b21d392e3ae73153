import {
  type AddressChoice,
  type ChosenAddress,
  FAMILIES,
  none,
  noneOfFamily,
  type Question,
  wants,
} from './address-choice.ts';
import type { ContainerNetwork } from './container.ts';
import { familyOf, hostAndPort, type IpFamily, isLoopback, isWildcard } from './ip.ts';
import { compareText } from './order.ts';
import { quote, shown } from './quote.ts';
import { type Reason, reason } from './reason.ts';

/** The container's own address on one of these networks. */
export function onNetworks(question: Question, networks: readonly ContainerNetwork[]): AddressChoice {
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
      scope: 'routable',
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
    return reason('network-not-found', message, { about: shown(wanted) });
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

export function addressOn(network: ContainerNetwork, family: IpFamily): string | undefined {
  const ip = network[family];
  return ip !== undefined && familyOf(ip) === family && !isWildcard(ip) && !isLoopback(ip) ? ip : undefined;
}

function names(networks: readonly ContainerNetwork[]): string {
  return networks.map(({ name }) => quote(name)).join(', ');
}
