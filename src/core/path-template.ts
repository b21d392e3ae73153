import { nearest } from './nearest.ts';
import { quote } from './quote.ts';
import { withoutValue } from './secretive.ts';
import { checkSegment, parsePath } from './segment.ts';

/** Fields of the document that a key can be made of. */
const TEMPLATE_FIELDS = [
  'id',
  'host',
  'ipaddress',
  'name',
  'image',
  'hostname',
  'host_port',
  'proto',
  'port',
] as const;

export type TemplateField = (typeof TEMPLATE_FIELDS)[number];

/** One element of a `prefix_path` as service-registrar had it: `environment:X`, `string:x`, `service:FIELD`. */
export type TemplateElement =
  | { readonly type: 'environment'; readonly name: string }
  | { readonly type: 'string'; readonly text: string }
  | { readonly type: 'service'; readonly field: TemplateField };

/** At least one element. */
export type PathTemplate = readonly TemplateElement[];

export const DEFAULT_TEMPLATE =
  'environment:ENVIRONMENT environment:NAME service:PORT service:HOST_PORT service:HOSTNAME';

/** Names of variables as programs use them; what else an environment may hold, nobody can name in a template. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/;

const TYPES = ['environment', 'string', 'service'] as const;
const FORM = 'write environment:VARIABLE, string:text or service:FIELD';
const FIELD_NAMES = TEMPLATE_FIELDS.map((field) => field.toUpperCase());

interface TemplateProblem {
  readonly error: string;
  readonly remedy: string;
}

export function parseElement(text: string): { readonly element: TemplateElement } | TemplateProblem {
  const [, type = '', rest = ''] = /^([^:]*):(.*)$/s.exec(text.slice(0, 400)) ?? [];
  switch (type) {
    case 'environment':
      return VARIABLE_NAME.test(rest)
        ? { element: { type, name: rest } }
        : { error: `${quote(text)} names no variable`, remedy: 'write such as environment:NAME' };
    case 'string': {
      const parsed = parsePath(rest);
      return 'error' in parsed
        ? { error: `${quote(text)} ${parsed.error}`, remedy: 'write such as string:prod' }
        : { element: { type, text: parsed.segments.join('/') } };
    }
    case 'service':
      return parseField(text, rest);
    default:
      return { error: `${quote(text)} is no element of a path`, remedy: remedyFor(type) };
  }
}

function parseField(text: string, name: string): { readonly element: TemplateElement } | TemplateProblem {
  const field = TEMPLATE_FIELDS.find((candidate) => candidate === name.toLowerCase());
  if (field !== undefined) return { element: { type: 'service', field } };
  const near = nearest(name, FIELD_NAMES);
  const hint = near === undefined ? '' : `did you mean service:${near}? `;
  return {
    error: `${quote(text)} names no field of the document that a key can have`,
    remedy: `${hint}the fields are ${FIELD_NAMES.join(', ')}`,
  };
}

/** Releases of service-registrar before the last had other names for some of it. */
function remedyFor(type: string): string {
  if (type === 'container')
    return 'write service:FIELD, such as service:HOSTNAME; that is what container: became';
  if (type === 'provider') return 'write service:HOST or service:IPADDRESS; that is what provider: became';
  const near = nearest(type, TYPES);
  return near === undefined ? FORM : `did you mean ${near}:? ${FORM}`;
}

/** As it is written. */
export function elementName(element: TemplateElement): string {
  switch (element.type) {
    case 'environment':
      return `environment:${element.name}`;
    case 'string':
      return `string:${element.text}`;
    case 'service':
      return `service:${element.field.toUpperCase()}`;
  }
}

const LONGEST_VALUE = 4096;
const MOST_SEGMENTS = 16;

/**
 * The segments that the elements come to; what has no value is left out, and a value with slashes gives several. Values are
 * hostile and may be secrets: each segment is checked, and no message shows one.
 */
export function fillTemplate(
  template: PathTemplate,
  valueOf: (element: TemplateElement) => string | undefined,
): { readonly segments: readonly string[] } | { readonly problem: string } {
  const segments: string[] = [];
  for (const element of template) {
    const value =
      valueOf(element)
        ?.slice(0, LONGEST_VALUE + 1)
        .trim() ?? '';
    if (value.length > LONGEST_VALUE)
      return {
        problem: `${elementName(element)}: the value is longer than ${String(LONGEST_VALUE)} characters`,
      };
    for (const segment of value.split('/')) {
      if (segment === '') continue;
      const problem = checkSegment(segment);
      if (problem !== undefined)
        return { problem: `${elementName(element)}: ${withoutValue(value)} ${problem}` };
      segments.push(segment);
    }
    if (segments.length > MOST_SEGMENTS)
      return { problem: `the path has more than ${String(MOST_SEGMENTS)} segments` };
  }
  return { segments };
}
