import { type Reason, reason } from '../core/reason.ts';
import type { ReservedPort, Service, ServiceType } from '../core/service.ts';
import type { Group, Groups } from './label-group.ts';
import { LABELS, type LabelKey, type Settings } from './labels.ts';
import { type PortRef, portName } from './port.ts';
import type { Choice } from './port-choice.ts';

/** What came of one port. */
export interface Outcome {
  readonly service?: Service;
  readonly reserved?: ReservedPort;
  readonly reasons: readonly Reason[];
}

const NOTHING: Group = { port: undefined, labels: new Map(), settings: {}, problems: new Map() };

/** Labels of the port override those of the container. `pathOf`: what a port is called without a path of its own. */
export function readPort(
  pathOf: (port: PortRef) => readonly string[],
  groups: Groups,
  choice: Choice,
  port: PortRef,
): Outcome {
  const own = groups.ports.get(portName(port)) ?? NOTHING;
  if (own.settings.enable === false) {
    const about = own.labels.get('enable') ?? portName(port);
    const why = reason('disabled', `${about}=false leaves ${portName(port)} out`, { about });
    return { reserved: { ...port, why: 'disabled' }, reasons: [why] };
  }
  const meant = choice.common.has(portName(port));
  if (isSpoilt(own, groups.common, meant))
    // What is wrong has been told with the label; the port must not appear under a name or address nobody asked for.
    return { reserved: { ...port, why: own.problems.has('enable') ? 'disabled' : 'mistaken' }, reasons: [] };
  const settings: Settings = { ...groups.common.settings, ...own.settings };
  const path = own.settings.path ?? (meant ? groups.common.settings.path : undefined);
  const { type, reasons } = typeOf(groups, choice, port, settings.type);
  const service: Service = {
    dialect: 'portolan',
    path: path ?? pathOf(port),
    port: port.port,
    protocol: port.protocol,
    type,
    tags: settings.tags ?? [],
    weight: settings.weight,
    address: settings.address,
    network: settings.network,
    family: settings.family,
  };
  return { service, reasons };
}

/** A label that decides where the service appears could not be read, and the port's own labels do not replace it. */
function isSpoilt(own: Group, common: Group, meant: boolean): boolean {
  const spoils = (key: LabelKey): boolean => LABELS[key].leavesOut;
  if ([...own.problems.keys()].some(spoils)) return true;
  return [...common.problems.keys()].some(
    (key) => spoils(key) && key !== 'port' && own.settings[key] === undefined && (key !== 'path' || meant),
  );
}

/** Ports that get a default name, published or not. */
export function unnamedPorts(groups: Groups, choice: Choice): readonly PortRef[] {
  return choice.ports.filter((port) => groups.ports.get(portName(port))?.settings.path === undefined);
}

/** A type that does not fit the protocol counts as not said; that of the container may be meant for another port. */
function typeOf(
  groups: Groups,
  choice: Choice,
  port: PortRef,
  wanted: ServiceType | undefined,
): { readonly type: ServiceType; readonly reasons: readonly Reason[] } {
  const fallback = port.protocol === 'udp' ? 'UDP' : 'TCP';
  const fits = wanted === undefined || (wanted === 'UDP') === (port.protocol === 'udp');
  if (fits) return { type: wanted ?? fallback, reasons: [] };
  const own = groups.ports.get(portName(port))?.labels.get('type');
  const about = own ?? (choice.ports.length === 1 ? groups.common.labels.get('type') : undefined);
  if (about === undefined) return { type: fallback, reasons: [] };
  const remedy =
    wanted === 'UDP'
      ? `write portolan.${String(port.port)}/udp.type if the UDP port is meant`
      : 'a UDP port is always of type UDP';
  const message = `${about}: type ${wanted} does not fit ${portName(port)}; ${remedy}; ${fallback} holds`;
  return { type: fallback, reasons: [reason('bad-value', message, { about })] };
}
