import type { Container } from '../core/container.ts';
import { nearest } from '../core/nearest.ts';
import { compareText } from '../core/order.ts';
import {
  fillTemplate,
  type PathTemplate,
  type TemplateElement,
  type TemplateField,
} from '../core/path-template.ts';
import { parsePortNumber } from '../core/port-number.ts';
import { shown } from '../core/quote.ts';
import { type Reason, reason } from '../core/reason.ts';
import { portNameIn, portNameVariable, tagsIn } from '../core/registrar.ts';
import {
  type Dialect,
  type DialectReading,
  plainService,
  type ReservedPort,
  type Service,
  type UsedKey,
} from '../core/service.ts';
import { defaultPaths, portSegment } from './naming.ts';
import { leftOut, sharesNetwork } from './plain.ts';
import { exposedPorts, type PortRef, publishedPorts } from './port.ts';
import { REGISTRAR_VARIABLES } from './registrar-variables.ts';

/** They tell one container from another, so they have no place in a path that containers share. */
const OF_ONE_CONTAINER: readonly TemplateField[] = [
  'id',
  'host',
  'ipaddress',
  'name',
  'hostname',
  'host_port',
];

/** Published ports with `SERVICE_<port>_NAME` and `SERVICE_<port>_TAGS`, as service-registrar read them. */
export function registrarDialect(template: PathTemplate): Dialect {
  const shared = template.filter(
    (element) => element.type !== 'service' || !OF_ONE_CONTAINER.includes(element.field),
  );
  return { name: 'registrar', read: (container) => read(container, shared) };
}

/** Collects what is found on the way; one for each container. */
interface Draft {
  readonly services: Service[];
  readonly reserved: ReservedPort[];
  readonly used: Map<string, UsedKey>;
  readonly reasons: Map<string, Reason>;
}

function read(container: Container, template: PathTemplate): DialectReading {
  const shared = sharesNetwork(container);
  if (shared !== undefined) return { dialect: 'registrar', services: [], used: [], reasons: [shared] };
  const draft: Draft = { services: [], reserved: [], used: new Map(), reasons: new Map() };
  const offered = publishedPorts(container);
  const readPort = portReader(container, template, offered, draft);
  for (const port of offered) readPort(port);
  for (const why of leftOut(container, offered, 'publish it')) tell(draft, why);
  readNames(container, draft);
  const { services, reserved, used, reasons } = draft;
  return {
    dialect: 'registrar',
    services,
    reserved,
    used: [...used.values()],
    reasons: [...reasons.values()],
  };
}

function portReader(
  container: Container,
  template: PathTemplate,
  offered: readonly PortRef[],
  draft: Draft,
): (port: PortRef) => void {
  const plain = defaultPaths(container);
  const namesPort = template.some((element) => element.type === 'service' && element.field === 'port');
  return (port) => {
    const filled = fillTemplate(template, (element) => valueOf(element, container, port, draft));
    if ('problem' in filled) {
      tell(draft, reason('bad-path', `${filled.problem}; write such as web or prod/web`));
      draft.reserved.push({ ...port, why: 'mistaken' });
      return;
    }
    // Different ports must never join one backend only because the template does not name them.
    const more = namesPort || offered.length === 1 ? [] : [portSegment(port)];
    const path = filled.segments.length === 0 ? plain(port) : [...filled.segments, ...more];
    draft.services.push({ ...plainService('registrar', path, port), tags: readTags(container, port, draft) });
  };
}

function valueOf(
  element: TemplateElement,
  container: Container,
  port: PortRef,
  draft: Draft,
): string | undefined {
  if (element.type === 'string') return element.text;
  if (element.type === 'environment') {
    const value = container.env.get(element.name);
    if (value !== undefined) use(draft, element.name, 'an element of the path');
    return value;
  }
  if (element.field === 'image') return container.image;
  if (element.field === 'proto') return port.protocol;
  const name = portNameIn(container.env, port.port);
  if (name !== undefined) use(draft, portNameVariable(port.port), REGISTRAR_VARIABLES.name.sentence);
  return name ?? String(port.port);
}

function readTags({ env }: Container, { port }: PortRef, draft: Draft): readonly string[] {
  const found = tagsIn(env, port);
  if (found === undefined) return [];
  const { variable: about, tags, refused } = found;
  const { portTags, tags: common } = REGISTRAR_VARIABLES;
  use(draft, about, about === common.name ? common.sentence : portTags.sentence);
  const remedy = 'write at most 64 of A-Z a-z 0-9 . _ ~ : @ + = / - with commas between them';
  if (refused) tell(draft, reason('bad-value', `${about}: what is no tag is left out; ${remedy}`, { about }));
  return tags.toSorted(compareText);
}

const OURS = /^SERVICE_(\d{1,9})_(?:NAME|TAGS)$/;

/** Others have variables that begin with `SERVICE_` too, so only what is near to ours was meant for us. */
function readNames(container: Container, draft: Draft): void {
  const exposed = new Set(exposedPorts(container).map(({ port }) => port));
  for (const name of [...container.env.keys()].filter((key) => /^service_/i.test(key)).sort(compareText)) {
    const [, digits] = OURS.exec(name) ?? [];
    if (digits === undefined) {
      const suggestion = suggestionFor(name.slice(0, 64).toUpperCase());
      if (suggestion === undefined) continue;
      const about = shown(name);
      const message = `${about} is not a variable of the registrar dialect; did you mean ${suggestion}?`;
      tell(draft, reason('unknown-key', message, { about, suggestion }));
    } else if (!exposed.has(parsePortNumber(digits) ?? 0)) {
      const message = `${name}: the container has no port ${digits}; write the number of one that it publishes`;
      tell(draft, reason('missing-port', message, { about: name }));
    }
  }
}

function suggestionFor(name: string): string | undefined {
  const stem = name.slice('SERVICE_'.length);
  const [, swapped, behind] = /^(NAME|TAGS)_(\d{1,5})$/.exec(stem) ?? [];
  if (swapped !== undefined && behind !== undefined) return `SERVICE_${behind}_${swapped}`;
  const [, digits, rest] = /^(\d{1,5})_?(\D.*)$/.exec(stem) ?? [];
  if (digits === undefined || rest === undefined) return undefined;
  const near = nearest(rest, ['NAME', 'TAGS']);
  return near && `SERVICE_${digits}_${near}`;
}

/** What is so for several ports is told once. */
function tell({ reasons }: Draft, why: Reason): void {
  if (!reasons.has(why.message)) reasons.set(why.message, why);
}

function use({ used }: Draft, key: string, meaning: string): void {
  if (!used.has(key)) used.set(key, { from: 'env', key, meaning });
}
