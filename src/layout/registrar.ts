import type { Endpoint } from '../core/endpoint.ts';
import type { KeyValue, Layout, OwnerFacts } from '../core/layout.ts';
import { compareText } from '../core/order.ts';
import { fillTemplate, type PathTemplate, type TemplateField } from '../core/path-template.ts';
import { type Reason, reason } from '../core/reason.ts';
import { portNameIn, tagsIn } from '../core/registrar.ts';
import { toSegment } from '../core/segment.ts';
import { type LayoutOptions, normalizePrefix } from './prefix.ts';

export interface RegistrarOptions extends LayoutOptions {
  /** What the key is made of, below the prefix. */
  readonly template: PathTemplate;
  /** Variables that enter the document, beside those of the template and `APP`, `NAME`, `ENVIRONMENT`. */
  readonly env: readonly string[];
  /** Copy the whole environment, secrets and all. */
  readonly fullEnvironment: boolean;
}

/**
 * `/services/<path by the template>`: one document for each published container port, as service-registrar wrote them. Its
 * readers know of no state, so only what is in rotation is there (hack/decisions).
 */
export function registrarLayout(options: RegistrarOptions): Layout {
  const root = normalizePrefix(options.prefix);
  const admits = admittance(options);
  return {
    name: 'registrar',
    prefix: root,
    leased: options.leased,
    encode(endpoint, phase, owner): KeyValue | undefined {
      if (!endpoint.first || (phase.state !== 'registered' && phase.state !== 'dormant')) return undefined;
      const path = keyPath(options.template, endpoint, owner);
      if ('problem' in path) return undefined;
      const key = `${root}${path.segments.join('/')}`;
      return { key, value: JSON.stringify(document(endpoint, owner, key, admits)) };
    },
    objection(endpoint, owner): Reason | undefined {
      const path = endpoint.first ? keyPath(options.template, endpoint, owner) : undefined;
      return path !== undefined && 'problem' in path
        ? reason('no-key', `it is not in the layout registrar: ${path.problem}`)
        : undefined;
    },
    encodeHost: () => undefined,
  };
}

function keyPath(
  template: PathTemplate,
  endpoint: Endpoint,
  owner: OwnerFacts,
): { readonly segments: readonly string[] } | { readonly problem: string } {
  const { env } = endpoint.container;
  const filled = fillTemplate(template, (element) => {
    if (element.type === 'string') return element.text;
    return element.type === 'environment' ? env.get(element.name) : segmentOf(element.field, endpoint, owner);
  });
  if ('segments' in filled && filled.segments.length === 0)
    return { problem: 'no element of layouts.registrar.path has a value; set one of the variables it names' };
  return filled;
}

function segmentOf(field: TemplateField, endpoint: Endpoint, owner: OwnerFacts): string {
  if (field === 'port') {
    const { port } = endpoint.service;
    return portNameIn(endpoint.container.env, port) ?? String(port);
  }
  const value = fieldsOf(endpoint, owner)[field];
  return field === 'host' ? toSegment(value) : value;
}

/** All of them texts. */
function fieldsOf(endpoint: Endpoint, owner: OwnerFacts): Readonly<Record<TemplateField, string>> {
  const { containerId, containerName, container, service, ip, port } = endpoint;
  return {
    id: containerId,
    host: owner.hostName,
    ipaddress: ip,
    name: `/${containerName}`,
    image: container.image,
    hostname: container.hostname,
    host_port: String(port),
    proto: service.protocol,
    port: String(service.port),
  };
}

/** The fields in the order of the original. */
function document(endpoint: Endpoint, owner: OwnerFacts, path: string, admits: Admittance): object {
  const { id, host, ipaddress, ...rest } = fieldsOf(endpoint, owner);
  const { name, image, hostname, host_port, proto, port } = rest;
  const env = environment(endpoint.container.env, admits);
  return {
    ...{ id, host, ipaddress, env, tags: tagsOf(endpoint), name, image, hostname },
    ...{ host_port, proto, port, path },
  };
}

/** In the order in which they were written; tags of a label count where the variables have none. */
function tagsOf({ container, service }: Endpoint): readonly string[] {
  return tagsIn(container.env, service.port)?.tags ?? service.tags;
}

type Admittance = (name: string) => boolean;

function admittance({ template, env, fullEnvironment }: RegistrarOptions): Admittance {
  if (fullEnvironment) return () => true;
  const named = template.flatMap((element) => (element.type === 'environment' ? [element.name] : []));
  const names = new Set(['APP', 'NAME', 'ENVIRONMENT', ...named, ...env]);
  return (name) => names.has(name);
}

/** A longer value would make the document too large for a registry, and nobody routes by it. */
const LONGEST_VALUE = 32_768;

/** Sorted by name, so that the same facts give the same bytes. */
function environment(env: ReadonlyMap<string, string>, admits: Admittance): object {
  const told = [...env].filter(([name, value]) => admits(name) && value.length <= LONGEST_VALUE);
  return Object.fromEntries(told.sort(([a], [b]) => compareText(a, b)));
}
