import { z } from 'zod';
import type { Container, ContainerNetwork, Health, PowerState } from '../../core/container.ts';
import { compareText } from '../../core/order.ts';
import { fixedPortsOf, portsOf } from './ports.ts';
import { signalName } from './signal-name.ts';

/** A field that may be absent, null or of another type than expected: then it is as if it were absent. */
const lenient = <T extends z.ZodType>(type: T) => type.nullish().catch(undefined);

const text = lenient(z.string());
const portMap = lenient(
  z.record(
    z.string(),
    z
      .array(z.object({ HostIp: z.string().optional(), HostPort: z.string().optional() }))
      .nullable()
      .catch(null),
  ),
);
const keys = lenient(z.record(z.string(), z.unknown()));

const network = z.object({ NetworkID: text, IPAddress: text, GlobalIPv6Address: text });

/** Only what is used of an inspection. Id, name and state must be there; without them nothing can be said. */
const inspection = z.object({
  Id: z.string().regex(/^[0-9a-f]{64}$/),
  Name: z.string(),
  Created: text,
  State: z.object({
    Status: z.string(),
    StartedAt: text,
    Health: lenient(z.object({ Status: text })),
  }),
  HostConfig: lenient(
    z.object({ NetworkMode: text, PortBindings: portMap, PublishAllPorts: lenient(z.boolean()) }),
  ),
  Config: lenient(
    z.object({
      Hostname: text,
      Image: text,
      Env: lenient(z.array(z.string())),
      Labels: lenient(z.record(z.string(), z.string())),
      ExposedPorts: keys,
      Healthcheck: lenient(z.object({ Test: lenient(z.array(z.string())) })),
      StopSignal: text,
      StopTimeout: lenient(z.number().nonnegative()),
    }),
  ),
  NetworkSettings: lenient(
    z.object({ Ports: portMap, Networks: lenient(z.record(z.string(), network.nullish().catch(undefined))) }),
  ),
});

export type Inspection = z.infer<typeof inspection>;

export type InspectionResult =
  | { readonly ok: true; readonly inspection: Inspection }
  | { readonly ok: false; readonly problem: string };

export function readInspection(json: unknown): InspectionResult {
  const parsed = inspection.safeParse(json);
  if (parsed.success) return { ok: true, inspection: parsed.data };
  const [issue] = parsed.error.issues;
  return { ok: false, problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}` };
}

/** The driver of a network, by id or name; undefined while it is not known. */
export type DriverLookup = (network: { readonly id: string; readonly name: string }) => string | undefined;

/** Full facts. */
export function toContainer(from: Inspection, driverOf: DriverLookup): Container {
  return containerOf(from, {
    state: powerState(from.State.Status),
    health: healthOf(from),
    startedAt: startedAt(from.State.StartedAt),
    networks: networksOf(from, driverOf),
    ports: portsOf(exposedOf(from), from.NetworkSettings?.Ports ?? {}),
    provisional: false,
  });
}

/** What will be true at the start, from an inspection before it. */
export function toProvisional(from: Inspection): Container {
  const config = from.HostConfig;
  const exposed = exposedOf(from);
  const requested = config?.PortBindings ?? {};
  const ports = fixedPortsOf(exposed, requested, config?.PublishAllPorts ?? false);
  return containerOf(from, {
    state: 'running',
    health: hasHealthcheck(from) ? 'starting' : 'none',
    startedAt: undefined,
    networks: [],
    ports,
    portsIncomplete: ports.length < new Set([...exposed, ...Object.keys(requested)]).size,
    provisional: true,
  });
}

/** With another container's network, or an unknown one, nothing can be said about addresses before the start. */
export function mayBeProvisional({ networkMode }: Container): boolean {
  return networkMode !== '' && !networkMode.startsWith('container:');
}

const DEFAULT_STOP_SECONDS = 10;
/** Ten years: any number may be asked for, but a moment has to come of it. */
const LONGEST_STOP_SECONDS = 3650 * 24 * 3600;

type FactsOfStart = Pick<
  Container,
  'state' | 'health' | 'startedAt' | 'networks' | 'ports' | 'provisional' | 'portsIncomplete'
>;

/** Every field by name: V8 gives each object that is begun as a copy of another a hidden class of its own, and keeps it. */
function containerOf(from: Inspection, facts: FactsOfStart): Container {
  const created = Date.parse(from.Created ?? '');
  const config: Partial<NonNullable<Inspection['Config']>> = from.Config ?? {};
  const container: Container = {
    id: from.Id,
    name: from.Name.replace(/^\//, ''),
    hostname: config.Hostname ?? '',
    image: config.Image ?? '',
    labels: sortedMap(Object.entries(config.Labels ?? {})),
    env: sortedMap((config.Env ?? []).map(splitVariable)),
    createdAt: Number.isNaN(created) ? 0 : created,
    networkMode: from.HostConfig?.NetworkMode ?? '',
    stopSignal: signalName(config.StopSignal ?? undefined),
    stopTimeoutMs: Math.min(config.StopTimeout ?? DEFAULT_STOP_SECONDS, LONGEST_STOP_SECONDS) * 1000,
    state: facts.state,
    health: facts.health,
    startedAt: facts.startedAt,
    networks: facts.networks,
    ports: facts.ports,
    provisional: facts.provisional,
  };
  return facts.portsIncomplete === undefined
    ? container
    : { ...container, portsIncomplete: facts.portsIncomplete };
}

function exposedOf(from: Inspection): string[] {
  return Object.keys(from.Config?.ExposedPorts ?? {});
}

function networksOf(from: Inspection, driverOf: DriverLookup): ContainerNetwork[] {
  return Object.entries(from.NetworkSettings?.Networks ?? {})
    .map(([name, settings]) => ({
      name,
      driver: driverOf({ id: settings?.NetworkID ?? '', name }),
      ipv4: presentOf(settings?.IPAddress),
      ipv6: presentOf(settings?.GlobalIPv6Address),
    }))
    .sort((a, b) => compareText(a.name, b.name));
}

/** The networks that a container names, for those who look up drivers. */
export function networkReferences(from: Inspection): { readonly id: string; readonly name: string }[] {
  return Object.entries(from.NetworkSettings?.Networks ?? {}).map(([name, settings]) => ({
    id: settings?.NetworkID ?? '',
    name,
  }));
}

const STATES = new Map<string, PowerState>(
  (['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'] as const).map((state) => [
    state,
    state,
  ]),
);

/** Words of other engines (`configured`, `stopped`, `stopping`) all mean that it offers nothing. */
export function powerState(word: string): PowerState {
  return STATES.get(word) ?? 'exited';
}

function hasHealthcheck(from: Inspection): boolean {
  const test = from.Config?.Healthcheck?.Test ?? [];
  return test.length > 0 && test[0] !== '' && test[0] !== 'NONE';
}

function healthOf(from: Inspection): Health {
  const word = from.State.Health?.Status;
  if (!hasHealthcheck(from) || word === 'none') return 'none';
  return word === 'healthy' || word === 'unhealthy' ? word : 'starting';
}

function startedAt(time: string | null | undefined): string | undefined {
  return time === null || time === undefined || time === '' || time.startsWith('0001-') ? undefined : time;
}

function presentOf(value: string | null | undefined): string | undefined {
  return value === null || value === undefined || value === '' ? undefined : value;
}

/** A variable without `=` is one that is set to nothing. */
function splitVariable(line: string): [string, string] {
  const at = line.indexOf('=');
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
}

function sortedMap(entries: [string, string][]): ReadonlyMap<string, string> {
  return new Map(entries.sort(([a], [b]) => compareText(a, b)));
}
