import type { Container } from '../core/container.ts';
import { nearest } from '../core/nearest.ts';
import { compareText } from '../core/order.ts';
import { parsePortNumber } from '../core/port-number.ts';
import { shown } from '../core/quote.ts';
import { type Reason, reason } from '../core/reason.ts';
import { withoutValue } from '../core/secretive.ts';
import { parsePath } from '../core/segment.ts';
import {
  type Dialect,
  type DialectReading,
  type Portless,
  plainService,
  type ReservedPort,
  type Service,
  type ServiceType,
  type UsedKey,
} from '../core/service.ts';
import { exposedPorts, offeredPorts } from './port.ts';
import { VARIABLES } from './variables.ts';

/** `ANNOUNCE_PATH`, `PORT` and `TYPE` in the environment, as `announce-service` read them. */
export const announceDialect: Dialect = { name: 'announce', read };

/** Collects what is found on the way; one for each container. */
interface Draft {
  readonly services: Service[];
  readonly reserved: ReservedPort[];
  readonly used: UsedKey[];
  readonly reasons: Reason[];
  portless?: readonly Portless[];
}

const NUMBERED = /^ANNOUNCE_(\d{1,9})_(PATH|TYPE)$/;

function read(container: Container): DialectReading {
  const draft: Draft = { services: [], reserved: [], used: [], reasons: [] };
  const names = [...container.env.keys()].filter((name) => /^announce_/i.test(name)).sort(compareText);
  readBare(container, draft);
  for (const [port, variables] of numberedPorts(names, draft))
    readNumbered(container, port, variables, draft);
  for (const name of names)
    if (name !== VARIABLES.path.name && !NUMBERED.test(name)) draft.reasons.push(unknownVariable(name));
  if (draft.services.length === 0 && draft.reasons.length === 0)
    draft.reasons.push(reason('dialect-absent', 'it has no ANNOUNCE_PATH in its environment'));
  return { dialect: 'announce', ...draft };
}

const LONGEST = 4096;

/** A variable that is set to nothing counts as not set: images unset variables like that. */
function valueOf({ env }: Container, name: string): string | undefined {
  const value = env.get(name);
  // A hostile value may be megabytes long; nothing valid is. The mark keeps its beginning from passing for the whole.
  if (value !== undefined && value.length > LONGEST) return `${value.slice(0, LONGEST)}…`;
  const trimmed = value?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** `ANNOUNCE_PATH`, `PORT`, `TYPE`: one port. */
function readBare(container: Container, draft: Draft): void {
  const path = valueOf(container, VARIABLES.path.name);
  if (path === undefined) return;
  use(draft, VARIABLES.path.name, VARIABLES.path.sentence);
  const port = barePort(container, draft);
  if (port === undefined) {
    const parsed = parsePath(path);
    if ('segments' in parsed)
      draft.portless = [{ path: parsed.segments, type: typeOf(container, [VARIABLES.type.name], draft) }];
    // One of the ports was to have another name, and we do not know which.
    for (const offered of offeredPorts(container))
      if (offered.protocol === 'tcp') draft.reserved.push({ ...offered, why: 'mistaken' });
    return;
  }
  const type = typeOf(container, [VARIABLES.type.name, `ANNOUNCE_${String(port)}_TYPE`], draft);
  add(draft, VARIABLES.path.name, path, { port, type });
}

function barePort(container: Container, draft: Draft): number | undefined {
  const about = VARIABLES.port.name;
  const text = valueOf(container, about);
  if (text !== undefined) {
    use(draft, about, VARIABLES.port.sentence);
    const port = parsePortNumber(text);
    if (port === undefined)
      draft.reasons.push(
        reason('bad-value', `${about}: ${withoutValue(text)} is not a port; write a number from 1 to 65535`, {
          about,
        }),
      );
    return port;
  }
  const exposed = exposedPorts(container).filter(({ protocol }) => protocol === 'tcp');
  const [only, ...more] = exposed;
  if (only !== undefined && more.length === 0) return only.port;
  const what =
    only === undefined
      ? 'the container exposes no TCP port'
      : `the container exposes several (${shown(exposed.map(({ port }) => String(port)).join(', '))})`;
  draft.reasons.push(reason('missing-port', `ANNOUNCE_PATH needs PORT, for ${what}`, { about }));
  return undefined;
}

/** Ports with numbered variables, in order, each with the names of its variables. */
function numberedPorts(
  names: readonly string[],
  draft: Draft,
): readonly (readonly [number, readonly string[]])[] {
  const ports = new Map<number, string[]>();
  for (const name of names) {
    const [, digits] = NUMBERED.exec(name) ?? [];
    if (digits === undefined) continue;
    const port = parsePortNumber(digits);
    if (port === undefined) {
      const message = `${name}: ${digits} is not a port; write a number from 1 to 65535`;
      draft.reasons.push(reason('bad-value', message, { about: name }));
    } else ports.set(port, [...(ports.get(port) ?? []), name]);
  }
  return [...ports].sort(([a], [b]) => a - b);
}

/** `ANNOUNCE_<port>_PATH`, `ANNOUNCE_<port>_TYPE`. */
function readNumbered(container: Container, port: number, variables: readonly string[], draft: Draft): void {
  const pathName = `ANNOUNCE_${String(port)}_PATH`;
  const typeName = `ANNOUNCE_${String(port)}_TYPE`;
  const path = valueOf(container, pathName);
  if (path !== undefined) {
    use(draft, pathName, VARIABLES.portPath.sentence);
    add(draft, pathName, path, { port, type: typeOf(container, [typeName, VARIABLES.type.name], draft) });
    return;
  }
  const used = draft.services.some((service) => service.port === port);
  if (variables.includes(typeName) && !used) {
    const message = `${typeName} is set, but no path for port ${String(port)}; set ${pathName}`;
    draft.reasons.push(reason('missing-path', message, { about: typeName }));
  }
}

/** The first of the variables that is set decides; one that is not understood counts as not set. */
function typeOf(container: Container, names: readonly string[], draft: Draft): ServiceType {
  for (const name of names) {
    const text = valueOf(container, name);
    if (text === undefined) continue;
    const type = text.toUpperCase();
    if (type === 'HTTP' || type === 'TCP') {
      use(draft, name, name === VARIABLES.type.name ? VARIABLES.type.sentence : VARIABLES.portType.sentence);
      return type;
    }
    const message = `${name}: ${withoutValue(text)} is neither HTTP nor TCP; it counts as not set`;
    if (!draft.reasons.some((known) => known.message === message))
      draft.reasons.push(reason('bad-value', message, { about: name }));
  }
  return 'TCP';
}

function add(
  draft: Draft,
  variable: string,
  text: string,
  { port, type }: { readonly port: number; readonly type: ServiceType },
): void {
  const parsed = parsePath(text);
  if ('error' in parsed) {
    const message = `${variable}: ${withoutValue(text)} ${parsed.error}; write a path such as /internal/app1/dev/web`;
    draft.reasons.push(reason('bad-path', message, { about: variable }));
    draft.reserved.push({ port, protocol: 'tcp', why: 'mistaken' });
    return;
  }
  const plain = plainService('announce', parsed.segments, { port, protocol: 'tcp' });
  draft.services.push({ ...plain, type });
}

function use(draft: Draft, key: string, meaning: string): void {
  if (!draft.used.some((known) => known.key === key)) draft.used.push({ from: 'env', key, meaning });
}

/** Every name that begins with `ANNOUNCE_` was meant for us; the value is not told, for it may be a secret. */
function unknownVariable(name: string): Reason {
  const about = shown(name);
  const suggestion = suggestionFor(name.slice(0, 64).toUpperCase());
  const hint =
    suggestion === undefined
      ? `the names are ${Object.values(VARIABLES)
          .map((variable) => variable.name)
          .join(', ')}`
      : `did you mean ${suggestion}?`;
  return reason('unknown-key', `${about} is not a variable of the announce dialect; ${hint}`, {
    about,
    ...(suggestion === undefined ? {} : { suggestion }),
  });
}

function suggestionFor(name: string): string | undefined {
  const stem = name.slice('ANNOUNCE_'.length);
  if (stem === VARIABLES.port.name || stem === VARIABLES.type.name) return stem;
  const [, swapped, behind] = /^(PATH|TYPE)_(\d{1,5})$/.exec(stem) ?? [];
  if (swapped !== undefined && behind !== undefined) return `ANNOUNCE_${behind}_${swapped}`;
  const [, digits, rest] = /^(\d{1,5})_(.+)$/.exec(stem) ?? [];
  if (digits === undefined || rest === undefined) return nearest(stem, ['PATH']) && VARIABLES.path.name;
  const near = nearest(rest, ['PATH', 'TYPE']);
  return near && `ANNOUNCE_${digits}_${near}`;
}
