import { type Container, isRunning } from './container.ts';
import type { Description } from './desired.ts';
import { type Finding, finding } from './doctor.ts';
import { shown } from './quote.ts';
import type { ReasonCode } from './reason.ts';

/** Metadata of other tools: names of labels and variables, never their values. */
const FOREIGN: readonly (readonly [tool: string, name: RegExp])[] = [
  ['Traefik', /^traefik\.(?:enable|http|tcp|udp|port|frontend)/],
  ['nginx-proxy', /^VIRTUAL_(?:HOST|PORT|PATH)$/],
  ['caddy-docker-proxy', /^caddy(?:_\d+)?(?:\.|$)/],
  ['Registrator or service-registrar', /^SERVICE_(?:\d+_)?(?:NAME|TAGS|ID)$/],
  ['the announce scripts', /^ANNOUNCE_(?:PATH|PORT|TYPE|\d+)/],
  ['a HAProxy of dockercloud', /^(?:VIRTUAL_HOST_WEIGHT|EXCLUDE_PORTS)$/],
];

/** What a person got wrong about metadata. */
const MISTAKES: ReadonlySet<ReasonCode> = new Set(['bad-value', 'bad-path', 'missing-path', 'missing-port']);

/** Whether a container that runs is published as it seems to be meant, and if not, why. `why`: what `explain` says. */
export function doubtsOf(container: Container, description: Description, why: string): readonly Finding[] {
  if (!isRunning(container)) return [];
  const subject = `container ${container.name}`;
  const reasons = description.readings.flatMap((reading) => reading.reasons);
  const misspelt = reasons
    .filter(({ code, suggestion }) => code === 'unknown-key' && suggestion !== undefined)
    .map(({ message }) => finding('container-misspelt', subject, message));
  const mistaken = reasons
    .filter(({ code }) => MISTAKES.has(code))
    .map(({ message }) => finding('container-metadata', subject, message));
  return [...misspelt, ...mistaken, ...unseen(container, description, subject, why)];
}

/** It is offered to nobody, or only to this host. */
function unseen(
  container: Container,
  { endpoints, readings, reasons }: Description,
  subject: string,
  why: string,
): readonly Finding[] {
  if (endpoints.some(({ endpoint }) => endpoint.scope !== 'host')) return [];
  const local = endpoints.length > 0 || reasons.some(({ code }) => code === 'loopback-only');
  const used = new Set(readings.flatMap((reading) => reading.used.map(({ key }) => key)));
  const foreign = foreignOf(container, used).map(([tool, name]) =>
    finding('container-foreign', subject, `has ${shown(name)}, which ${tool} reads; not published: ${why}`),
  );
  if (local) return [...foreign, finding('container-loopback', subject, 'is published at 127.0.0.1 only')];
  if (foreign.length > 0) return foreign;
  const idle = reasons.some(({ code }) => code === 'not-published' || code === 'unpublished-port');
  return idle ? [finding('container-unpublished', subject, `is not published: ${why}`)] : [];
}

/** One name for each tool. */
function foreignOf(
  { labels, env }: Container,
  used: ReadonlySet<string>,
): readonly (readonly [tool: string, name: string])[] {
  const names = [...labels.keys(), ...env.keys()].filter((name) => !used.has(name)).sort();
  return FOREIGN.flatMap(([tool, pattern]) => {
    const name = names.find((one) => pattern.test(one));
    return name === undefined ? [] : [[tool, name] as const];
  });
}
