import type { Container } from './container.ts';
import type { Scope } from './endpoint.ts';
import type { IpFamily } from './ip.ts';
import type { HostAddresses } from './ports.ts';
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
interface AddressDefaults {
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
export interface Question {
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

export const FAMILIES = ['ipv4', 'ipv6'] as const;
export const FAMILY_NAMES: Readonly<Record<AddressFamily, string>> = {
  ipv4: 'IPv4',
  ipv6: 'IPv6',
  both: 'IPv4 or IPv6',
};

export function none(why: Reason): AddressChoice {
  return { chosen: [], reasons: [why] };
}

export function wants(family: AddressFamily, its: IpFamily): boolean {
  return family === 'both' || family === its;
}

export function noneOfFamily({ about, family, service }: Question, why: string): Reason {
  const by = service.family === undefined ? 'the setting family' : 'portolan.family';
  const message = `${about}: no ${FAMILY_NAMES[family]} address, for ${why}; ${by} says which families count`;
  return reason('no-address-of-family', message, { about });
}
