import type { Protocol } from '../core/container.ts';
import { nearest } from '../core/nearest.ts';
import { parsePortNumber } from '../core/port-number.ts';
import { shown } from '../core/quote.ts';
import { type Reason, reason } from '../core/reason.ts';
import { isLabelKey, LABEL_KEYS, LABELS, type LabelKey } from './labels.ts';
import { type PortRef } from './port.ts';

const PREFIX = 'portolan.';

/** The protocol that a port without one has. */
type ProtocolOf = (port: number) => Protocol;

/** What the name of a label says. `port` undefined: the label speaks for the whole container. */
export interface LabelName {
  readonly port: PortRef | undefined;
  readonly key: LabelKey;
}

/** Also in other spellings of the prefix, which are misspelt and worth telling. */
export function isOurs(label: string): boolean {
  return label.slice(0, PREFIX.length).toLowerCase() === PREFIX;
}

/** Reads `portolan.<key>`, `portolan.<port>.<key>` and `portolan.<port>/<protocol>.<key>`, or says what is wrong. */
export function parseLabelName(label: string, protocolOf: ProtocolOf): LabelName | Reason {
  if (!label.startsWith(PREFIX)) return unknownKey(label, PREFIX + label.slice(PREFIX.length));
  const rest = label.slice(PREFIX.length);
  if (isLabelKey(rest)) return { port: undefined, key: rest };
  const [, digits, protocol, key] = /^(\d{1,9})(?:\/([^./]{1,9}))?\.(.+)$/.exec(rest) ?? [];
  if (digits === undefined || key === undefined) return unknownKey(label, suggestionFor(rest));
  return parsePortLabel({ label, digits, protocol, key }, protocolOf);
}

interface PortLabel {
  readonly label: string;
  readonly digits: string;
  readonly protocol: string | undefined;
  readonly key: string;
}

function parsePortLabel(
  { label, digits, protocol, key }: PortLabel,
  protocolOf: ProtocolOf,
): LabelName | Reason {
  const about = shown(label);
  const port = parsePortNumber(digits);
  if (port === undefined)
    return reason('bad-value', `${about}: ${digits} is not a port; write a number from 1 to 65535`, {
      about,
    });
  if (protocol === 'sctp')
    return reason('protocol-unsupported', `${about}: SCTP cannot be registered; use TCP or UDP`, { about });
  if (protocol !== undefined && protocol !== 'tcp' && protocol !== 'udp')
    return unknownKey(label, `${PREFIX}${digits}/${nearest(protocol, ['tcp', 'udp']) ?? 'tcp'}.${key}`);
  if (isLabelKey(key) && LABELS[key].scope === 'both')
    return { port: { port, protocol: protocol ?? protocolOf(port) }, key };
  const near = nearest(key, PORT_KEYS);
  const where = protocol === undefined ? digits : `${digits}/${protocol}`;
  return unknownKey(label, near === undefined ? undefined : `${PREFIX}${where}.${near}`);
}

const PORT_KEYS = LABEL_KEYS.filter((key) => LABELS[key].scope === 'both');

function suggestionFor(rest: string): string | undefined {
  const [, swappedKey, swappedPort] = /^([a-z]{1,16})\.(\d{1,5})$/.exec(rest) ?? [];
  if (swappedKey !== undefined && swappedPort !== undefined && isLabelKey(swappedKey))
    return `${PREFIX}${swappedPort}.${swappedKey}`;
  if (/^\d{1,5}(?:\/(?:tcp|udp))?$/.test(rest)) return `${PREFIX}${rest}.path`;
  const near = nearest(rest, LABEL_KEYS);
  const last = rest.slice(rest.lastIndexOf('.') + 1);
  if (near?.includes('.') !== true && last !== rest && isLabelKey(last)) return `${PREFIX}<port>.${last}`;
  return near === undefined ? undefined : PREFIX + near;
}

function unknownKey(label: string, suggestion: string | undefined): Reason {
  const about = shown(label);
  if (suggestion === undefined) {
    const message = `${about} is not a label of Portolan; the keys are ${LABEL_KEYS.join(', ')}`;
    return reason('unknown-key', message, { about });
  }
  const right = shown(suggestion);
  return reason('unknown-key', `${about} is not a label of Portolan; did you mean ${right}?`, {
    about,
    suggestion: right,
  });
}
