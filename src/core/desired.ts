import { chooseAddresses } from './address.ts';
import type { AddressChoice, ChosenAddress } from './address-choice.ts';
import { type AnnouncedContext, type Gate, withAnnouncements } from './announced.ts';
import { type Container, isRunning } from './container.ts';
import { ENABLE_LABEL, parseWish } from './enable.ts';
import { type Endpoint, endpointId, keyIdOf, keyIds } from './endpoint.ts';
import { networkOwnerOf } from './network.ts';
import { compareText } from './order.ts';
import type { ProbePlan, ProbeSpec } from './probe.ts';
import { planProbe } from './probe-plan.ts';
import { type Reason, reason } from './reason.ts';
import type {
  Dialect,
  DialectName,
  DialectReading,
  ProbeRule,
  ReservedPort,
  RouteRule,
  Service,
} from './service.ts';

/** What an agent brings to the description of a container, beside the container itself. */
export interface DescribeContext extends AnnouncedContext {
  /** Publish one-off containers of compose (`docker compose run`) too. */
  readonly oneOff: boolean;
  readonly dialects: readonly Dialect[];
  readonly disabledDialects: readonly DialectName[];
  /** Why some layouts cannot show an endpoint that others do. */
  readonly objections?: (endpoint: Endpoint) => readonly Reason[];
}

interface DescribedEndpoint {
  readonly endpoint: Endpoint;
  /** Which address was chosen and why. */
  readonly address: Reason;
  /** How it is found out to be ready, where a label asks for that. */
  readonly probe?: ProbePlan;
  /** The announcement of the container itself that it needs; undefined where the agent announces it. */
  readonly gate?: Gate;
}

/** What one container offers, and why it does not offer more. */
export interface Description {
  readonly readings: readonly DialectReading[];
  readonly endpoints: readonly DescribedEndpoint[];
  /** The most telling first; what the dialects themselves have to say stands in their readings. */
  readonly reasons: readonly Reason[];
  /** Every key under which the container may announce itself. */
  readonly announcementKeys?: readonly string[];
  /** What it offers is not known before these keys have been read: unknown, not nothing. */
  readonly undecided?: boolean;
}

/** Explicit metadata outranks plain names, and labels outrank the environment of the image. */
const PRECEDENCE: readonly DialectName[] = ['portolan', 'announce', 'registrar', 'published'];
/** They offer whatever is published, so they say nothing where somebody said something. */
const GENERAL: readonly DialectName[] = ['registrar', 'published'];

/** Describes one container. Pure: the same facts give the same description, whatever the order of labels, ports and networks. */
export function describe(container: Container, context: DescribeContext): Description {
  const read = readAll(container, context);
  const refusals = refuse(container, context);
  if (refusals.length > 0) return { readings: read, endpoints: [], reasons: refusals };
  const announced = withAnnouncements(read, container, context);
  const { readings, keys, undecided, gateOf } = announced;
  const { services: merged, reasons } = merge(readings);
  const services = withRoutes(merged, readings);
  const probeOf = probesOf(readings);
  const choices = services.map((service) => ({
    service,
    choice: chooseAddresses(service, container, context),
  }));
  const endpoints = endpointsOf(container, choices);
  const objections = endpoints.flatMap(({ endpoint }) => context.objections?.(endpoint) ?? []);
  return {
    readings,
    endpoints: endpoints.map((described) => {
      const { service, ip } = described.endpoint;
      const [spec, gate] = [probeOf(service), gateOf(service)];
      const probe = spec && planProbe(spec, service, ip, container, context);
      return {
        ...described,
        ...(probe === undefined ? {} : { probe }),
        ...(gate === undefined ? {} : { gate }),
      };
    }),
    reasons: [
      ...announced.reasons,
      ...choices.flatMap(({ choice }) => choice.reasons),
      ...reasons,
      ...services.flatMap(unheeded),
      ...objections,
    ],
    ...(keys.length === 0 ? {} : { announcementKeys: keys, undecided }),
  };
}

function readAll(container: Container, { dialects, disabledDialects }: DescribeContext): DialectReading[] {
  const rank = ({ name }: Dialect): number => PRECEDENCE.indexOf(name);
  return [...dialects]
    .sort((a, b) => rank(a) - rank(b))
    .map((dialect) => {
      if (!disabledDialects.includes(dialect.name)) return dialect.read(container);
      const off = reason('dialect-off', `the dialect ${dialect.name} is switched off by the configuration`);
      return { dialect: dialect.name, services: [], used: [], reasons: [off] };
    });
}

/** The rule of a port stands before the common one. Sorted once for all ports: there may be ten thousand. */
function ruleFor<R extends ProbeRule | RouteRule>(rules: readonly R[]): (service: Service) => R | undefined {
  const own = new Map<string, R>();
  let common: R | undefined;
  for (const rule of rules)
    if (rule.port === undefined) common = rule;
    else own.set(portOf(rule.port), rule);
  return (service) => own.get(portOf(service)) ?? common;
}

/** A probe belongs to a port, whichever dialect gave it a path. */
function probesOf(readings: readonly DialectReading[]): (service: Service) => ProbeSpec | undefined {
  const ruleOf = ruleFor(readings.flatMap(({ probes = [] }) => probes));
  return (service) => {
    const spec = ruleOf(service)?.spec;
    return service.protocol === 'udp' && spec?.port === undefined ? undefined : spec;
  };
}

/** What is asked of proxies belongs to a port, too. */
function withRoutes(services: readonly Service[], readings: readonly DialectReading[]): readonly Service[] {
  const ruleOf = ruleFor(readings.flatMap(({ routes = [] }) => routes));
  return services.map((service) => {
    const route = ruleOf(service)?.settings ?? {};
    return Object.keys(route).length === 0 ? service : { ...service, route };
  });
}

function unheeded({ path, port, protocol, type, route }: Service): readonly Reason[] {
  if (route === undefined || type === 'HTTP') return [];
  const about = portOf({ port, protocol });
  const message = `${about}: /${path.join('/')} has type ${type}, so proxies do not heed its portolan.route labels; write portolan.type=HTTP if it speaks HTTP`;
  return [reason('bad-value', message, { about })];
}

/** Why nothing at all is offered, whatever the dialects found. */
function refuse(container: Container, { oneOff, find }: DescribeContext): readonly Reason[] {
  const reasons: Reason[] = [];
  const wish = parseWish(container.labels.get(ENABLE_LABEL));
  if (!isRunning(container))
    reasons.push(reason('not-running', `it does not run (${container.state}); start it`));
  if (wish === 'leave-out')
    reasons.push(
      reason('disabled', `its label ${ENABLE_LABEL}=false leaves it out`, { about: ENABLE_LABEL }),
    );
  if (wish === 'unclear') {
    const message = `its label ${ENABLE_LABEL} is neither true nor false, so it is left out; write one of them`;
    reasons.push(reason('bad-value', message, { about: ENABLE_LABEL }));
  }
  if (isOneOff(container) && !oneOff && wish !== 'publish') {
    const message = `it is a one-off container of compose; label it ${ENABLE_LABEL}=true or set docker.oneOff to publish it`;
    reasons.push(reason('one-off', message, { about: ONE_OFF_LABEL }));
  }
  const owner = networkOwnerOf(container);
  if (isIncomplete(container) || (owner !== undefined && isIncomplete(find(owner))))
    reasons.push(reason('provisional', 'the engine is still choosing its host ports; they come next'));
  return reasons;
}

const ONE_OFF_LABEL = 'com.docker.compose.oneoff';

function isOneOff({ labels }: Container): boolean {
  return labels.get(ONE_OFF_LABEL)?.slice(0, 8).toLowerCase() === 'true';
}

function isIncomplete(container: Container | undefined): boolean {
  return container?.portsIncomplete === true;
}

/** One service for each port and path. Plain names go only to ports that no metadata speaks about. */
function merge(readings: readonly DialectReading[]): {
  readonly services: readonly Service[];
  readonly reasons: readonly Reason[];
} {
  const services = new Map<string, Service>();
  const spokenFor = new Map<string, DialectName>();
  const disabled = new Map<string, DialectName>();
  const reasons: Reason[] = [];
  for (const { dialect, services: found, reserved = [] } of readings) {
    for (const service of found) {
      const port = portOf(service);
      const identity = `${port} ${service.path.join('/')}`;
      const rival =
        disabled.get(port) ??
        services.get(identity)?.dialect ??
        (GENERAL.includes(dialect) ? spokenFor.get(port) : undefined);
      if (rival === undefined) services.set(identity, service);
      else if (rival !== dialect) reasons.push(claimed(service, rival, disabled.has(port)));
    }
    for (const service of found) if (!spokenFor.has(portOf(service))) spokenFor.set(portOf(service), dialect);
    for (const port of reserved) {
      if (!spokenFor.has(portOf(port))) spokenFor.set(portOf(port), dialect);
      if (port.why === 'disabled') disabled.set(portOf(port), dialect);
    }
  }
  return { services: [...services.values()], reasons };
}

function claimed(service: Service, rival: DialectName, isDisabled: boolean): Reason {
  const about = portOf(service);
  const path = `/${service.path.join('/')}`;
  if (isDisabled)
    return reason('disabled', `${about}: a label leaves this port out, so ${path} is not offered`, { about });
  const message = `${about}: the dialect ${rival} speaks for this port, so ${path} of ${service.dialect} is not offered`;
  return reason('claimed-by-other-dialect', message, { about });
}

function portOf({ port, protocol }: Pick<Service | ReservedPort, 'port' | 'protocol'>): string {
  return `${String(port)}/${protocol}`;
}

interface Located {
  readonly service: Service;
  readonly address: ChosenAddress;
}

function endpointsOf(
  container: Container,
  choices: readonly { readonly service: Service; readonly choice: AddressChoice }[],
): readonly DescribedEndpoint[] {
  const located = choices
    .flatMap(({ service, choice }) => choice.chosen.map((address): Located => ({ service, address })))
    .sort(compareLocated);
  const keyIdFor = keyIds(keyIdOf(container));
  const { hostname, image, env } = container;
  const facts = { hostname, image, env };
  const first = firstOfPorts(located);
  return located.map((it) => {
    const { service, address } = it;
    const { path, port, protocol } = service;
    const keyId = keyIdFor(service, address.n);
    const endpoint: Endpoint = {
      id: endpointId(container.id, path, port, protocol, address.n),
      containerId: container.id,
      containerName: container.name,
      container: facts,
      service,
      ip: address.ip,
      port: address.port,
      scope: address.scope,
      first: first.has(it),
      keyId,
      createdAt: container.createdAt,
    };
    return { endpoint, address: address.why };
  });
}

/** One address of each container port, whatever its paths: one that other hosts can use, if there is one. */
function firstOfPorts(located: readonly Located[]): ReadonlySet<Located> {
  const first = new Map<string, Located>();
  const byScope = located.toSorted((a, b) => scopeRank(a) - scopeRank(b));
  for (const it of byScope) if (!first.has(portOf(it.service))) first.set(portOf(it.service), it);
  return new Set(first.values());
}

const scopeRank = ({ address }: Located): number => (address.scope === 'host' ? 1 : 0);

/** The first of a path gets the bare id: an address that other hosts can use, if there is one, so that they always see it. */
function compareLocated(a: Located, b: Located): number {
  return (
    compareText(a.service.path.join('/'), b.service.path.join('/')) ||
    scopeRank(a) - scopeRank(b) ||
    a.service.port - b.service.port ||
    compareText(a.service.protocol, b.service.protocol) ||
    compareText(a.address.family, b.address.family) ||
    a.address.n - b.address.n
  );
}
