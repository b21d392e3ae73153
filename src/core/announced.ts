import { networkOwner } from './address.ts';
import type { AddressContext } from './address-choice.ts';
import {
  type Announcement,
  type AnnouncementTerms,
  announcedProtocol,
  announcementKeys,
  findAnnouncement,
} from './announcement.ts';
import type { Container } from './container.ts';
import { isDirect, usesHostNetwork } from './network.ts';
import { type Reason, reason } from './reason.ts';
import {
  type DialectReading,
  type Portless,
  plainService,
  type ReservedPort,
  type Service,
} from './service.ts';

/** The announcement that an endpoint waits for, or has. */
export interface Gate {
  /** Where it is, was, or is waited for. */
  readonly key: string;
  /** `unread`: not known yet. */
  readonly state: 'open' | 'closed' | 'unread';
  /** Why it is closed, as far as that does not change with time. */
  readonly why: string;
  /** Epoch ms since when an announcement is gone that was there. */
  readonly lapsedAt: number | undefined;
}

/** What is known of a container that announces itself. */
export interface Announced {
  readonly readings: readonly DialectReading[];
  /** undefined: the agent announces it. */
  readonly gateOf: (service: Service) => Gate | undefined;
  /** Every key under which it may announce itself. */
  readonly keys: readonly string[];
  /** What it offers cannot be told before these keys have been read. */
  readonly undecided: boolean;
  readonly reasons: readonly Reason[];
}

export interface AnnouncedContext extends AddressContext {
  /** undefined: no container announces itself. */
  readonly announcements?: AnnouncementTerms | undefined;
}

/** A path for which a container may announce itself. */
interface Heard {
  readonly path: readonly string[];
  readonly gate: Gate;
  /** The port and type that count, if any do. */
  readonly said: Announcement | undefined;
}

/** Brings announcements and metadata together: the path is the metadata's, port and type are the announcement's. */
export function withAnnouncements(
  readings: readonly DialectReading[],
  container: Container,
  context: AnnouncedContext,
): Announced {
  const { announcements } = context;
  const none = { readings, gateOf: () => undefined, keys: [], undecided: false, reasons: [] };
  if (announcements === undefined) return none;
  const paths = announcedPaths(readings, announcements);
  if (paths.size === 0) return none;
  const heard = new Map(
    [...paths].map(([name, bases]) => [name, hear(bases, container, context, announcements)]),
  );
  const lost = [...heard.values()].filter(
    ({ said, path }) => said === undefined && !hasService(readings, path),
  );
  return {
    readings: readings.map((reading) => resolve(reading, heard)),
    gateOf: ({ dialect, path }) => (dialect === 'published' ? undefined : heard.get(path.join('/'))?.gate),
    keys: [...heard.values()].flatMap(({ path }) => announcementKeys(announcements.prefix, path, container)),
    undecided: lost.some(({ gate }) => gate.state === 'unread'),
    reasons: lost.map(({ gate }) => reason('not-announced', whyClosed(gate, undefined), { about: gate.key })),
  };
}

/** Why a gate is not open. `now`: epoch ms; undefined leaves times out. */
export function whyClosed({ key, state, why, lapsedAt }: Gate, now: number | undefined): string {
  if (state === 'unread') return `it announces itself, and ${key} has not been read yet`;
  if (lapsedAt === undefined || now === undefined) return why;
  return `${why} ${String(Math.max(0, Math.round((now - lapsedAt) / 1000)))}s ago`;
}

/** The paths for which the container announces itself, each with what metadata says of it. */
function announcedPaths(
  readings: readonly DialectReading[],
  { by }: AnnouncementTerms,
): ReadonlyMap<string, readonly (Service | Portless)[]> {
  const label = readings.find(({ announcer }) => announcer !== undefined)?.announcer;
  const paths = new Map<string, (Service | Portless)[]>();
  if ((label ?? by) !== 'container') return paths;
  const named = (wanted: string) => readings.filter(({ dialect }) => dialect === wanted);
  const add = (base: Service | Portless): void => {
    const name = base.path.join('/');
    paths.set(name, [...(paths.get(name) ?? []), base]);
  };
  for (const { services, portless } of named('announce')) [...services, ...(portless ?? [])].forEach(add);
  // Who sets the label speaks of every path; who only sets ANNOUNCE_PATH, of that one.
  for (const { services } of named('portolan'))
    for (const service of services)
      if (label !== undefined || paths.has(service.path.join('/'))) add(service);
  return paths;
}

function hear(
  bases: readonly (Service | Portless)[],
  container: Container,
  context: AddressContext,
  terms: AnnouncementTerms,
): Heard {
  const path = bases[0]?.path ?? [];
  const { key, state, since, said, why: refusal } = findAnnouncement(path, container, terms);
  const gate = (its: Gate['state'], why: string): Gate => ({ key, state: its, why, lapsedAt: since });
  const belongs = said !== undefined && bases.some((base) => hasPort(said, base, container, context));
  switch (state) {
    case 'unread':
      return { path, gate: gate('unread', ''), said: undefined };
    case 'absent':
      return { path, gate: gate('closed', `no announcement at ${key} yet`), said: undefined };
    case 'lapsed': {
      const lapsed = gate('closed', `its announcement at ${key} lapsed`);
      return { path, gate: lapsed, said: belongs ? said : undefined };
    }
    case 'refused':
      return { path, gate: gate('closed', `${refusal ?? ''} (${key})`), said: undefined };
    case 'here':
      if (belongs) return { path, gate: gate('open', ''), said };
      return { path, gate: gate('closed', notItsPort(said, container, key)), said: undefined };
  }
}

function notItsPort(said: Announcement | undefined, { ports }: Container, key: string): string {
  const known = ports.map(({ port, protocol }) => `${String(port)}/${protocol}`).sort();
  const have = known.length === 0 ? 'it has none' : `it has ${known.slice(0, 8).join(', ')}`;
  return `its port ${String(said?.port)} is not a port of this container; ${have} (${key})`;
}

/** Whether an announced port can be the container's: one that it exposes or publishes, or any on an address of its own. */
function hasPort(
  said: Announcement,
  base: Service | Portless,
  container: Container,
  { find, defaults }: AddressContext,
): boolean {
  const owner = networkOwner(container, find);
  // Where it lives is not known yet: that is another reason, told elsewhere.
  if ('code' in owner) return true;
  const address = 'address' in base ? base.address : undefined;
  if (usesHostNetwork(owner) || (address ?? defaults.address) === 'container') return true;
  const protocol = announcedProtocol(said, 'protocol' in base ? base.protocol : 'tcp');
  if (owner.ports.some((port) => port.port === said.port && port.protocol === protocol)) return true;
  return address === undefined && owner.networks.some(isDirect);
}

/** The services of a reading with the ports that were announced. */
function resolve(reading: DialectReading, heard: ReadonlyMap<string, Heard>): DialectReading {
  const { dialect, services, portless = [], reserved = [], reasons } = reading;
  if (dialect === 'published') return reading;
  const at = ({ path }: Pick<Service, 'path'>): Heard | undefined => heard.get(path.join('/'));
  const saying = new Map<Heard, Announcement>();
  for (const one of [...services, ...portless].map(at))
    if (one?.said !== undefined) saying.set(one, one.said);
  const silent = services.flatMap((service): Service[] => {
    const its = at(service);
    if (its === undefined) return [service];
    return its.said === undefined ? [{ ...service, announcer: 'container' }] : [];
  });
  const told = [...saying].map(([{ path }, said]) => announcedService(baseOf(reading, path, said), said));
  const replaced = services.filter((service) => {
    const said = at(service)?.said;
    return said !== undefined && said.port !== service.port;
  });
  const withheld = replaced.map(({ port, protocol }): ReservedPort => ({ port, protocol, why: 'mistaken' }));
  return {
    ...reading,
    services: [...silent, ...told],
    reserved: [...reserved, ...withheld],
    // A port that the announcement tells need not be told by metadata.
    reasons: portless.some(at) ? reasons.filter(({ code }) => code !== 'missing-port') : reasons,
  };
}

/** What metadata says of a path beside the port; of several services, the one whose port was announced. */
function baseOf(
  { services, portless = [] }: DialectReading,
  path: readonly string[],
  { port }: Announcement,
): Service {
  const name = path.join('/');
  const group = services.filter((service) => service.path.join('/') === name);
  const [first] = group;
  const type = portless.find((one) => one.path.join('/') === name)?.type ?? 'TCP';
  return (
    group.find((service) => service.port === port) ??
    first ?? { ...plainService('announce', path, { port: 0, protocol: 'tcp' }), type }
  );
}

function announcedService(base: Service, said: Announcement): Service {
  const protocol = announcedProtocol(said, base.protocol);
  return { ...base, port: said.port, protocol, type: said.type ?? base.type, announcer: 'container' };
}

function hasService(readings: readonly DialectReading[], path: readonly string[]): boolean {
  const name = path.join('/');
  return readings.some(
    ({ dialect, services }) =>
      dialect !== 'published' && services.some((service) => service.path.join('/') === name),
  );
}
