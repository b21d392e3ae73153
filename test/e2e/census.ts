import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { expect } from 'vitest';
import type { Agent } from '../kit/agent.ts';
import { testLabels } from '../kit/docker.ts';
import { type EventuallyOptions, eventually } from '../kit/eventually.ts';
import { repository } from '../kit/paths.ts';
import type { RegistryView } from '../kit/registry-view.ts';
import { ADDRESS, type RunningContainer, type World } from './world.ts';

/** Key to value. A record that hangs on a lease says so, for none of ours may. */
type Content = ReadonlyMap<string, string>;

type Inspection = Awaited<ReturnType<RunningContainer['inspect']>>;

interface Offer {
  readonly port: number;
  readonly protocol: string;
  readonly hostPort: number;
}

const version = (JSON.parse(readFileSync(`${repository}package.json`, 'utf8')) as { version: string })
  .version;

/** The ports that others reach: what the engine has bound for IPv4, and on the host's network whatever is exposed. */
const offersOf = ({ Config, HostConfig, NetworkSettings }: Inspection): readonly Offer[] => {
  const { ExposedPorts } = Config as { readonly ExposedPorts?: Readonly<Record<string, object>> };
  const direct = HostConfig.NetworkMode === 'host';
  const names = Object.keys(direct ? (ExposedPorts ?? {}) : NetworkSettings.Ports);
  return names.flatMap((name) => {
    const [digits = '', protocol = 'tcp'] = name.split('/');
    const bound = NetworkSettings.Ports[name]?.find(({ HostIp }) => HostIp === '0.0.0.0');
    const hostPort = direct ? digits : bound?.HostPort;
    return hostPort === undefined ? [] : [{ port: Number(digits), protocol, hostPort: Number(hostPort) }];
  });
};

const pathOf = (inspection: Inspection, { port, protocol }: Offer, offers: number): string => {
  const labelled = inspection.Config.Labels['portolan.path'];
  if (labelled !== undefined) return labelled;
  if (offers === 1) return inspection.Name;
  return `${inspection.Name}/${port}${protocol === 'tcp' ? '' : `-${protocol}`}`;
};

/** The fields that a path's segments become; only shapes that these tests use. */
const fieldsOf = (path: string): Readonly<Record<string, string>> => {
  const segments = path.split('/').slice(1);
  const names = { 1: ['SERVICE'], 2: ['APP', 'SERVICE'], 4: ['', 'APP', 'ENV', 'SERVICE'] }[segments.length];
  if (names === undefined) throw new Error(`not a path of these tests: ${path}`);
  return Object.fromEntries(
    names.flatMap((name, n) => (name === '' ? [] : [[name, segments[n] ?? ''] as const])),
  );
};

/** What the records of one container must say, byte for byte. */
const recordsOfContainer = (owner: string, inspection: Inspection): Content => {
  const records = new Map<string, string>();
  const { Config, State } = inspection;
  if (!State.Running) return records;
  const offers = offersOf(inspection);
  const ID = inspection.Id.slice(0, 12);
  for (const offer of offers) {
    const path = pathOf(inspection, offer, offers.length);
    const TYPE = Config.Labels['portolan.type'] ?? offer.protocol.toUpperCase();
    const announced = { ID, ...fieldsOf(path), PORT: String(offer.port), TYPE };
    const place = { IP: ADDRESS, EXT_PORT: String(offer.hostPort), owner, state: 'registered', tags: [] };
    records.set(`/announce${path}/${ID}`, JSON.stringify(announced));
    if (!State.Paused) records.set(`/services${path}/${ID}`, JSON.stringify({ ...announced, ...place }));
  }
  return records;
};

const entryOf = (owner: string, key: string): string =>
  `/portolan/owners/${owner}/${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;

const gone = (error: unknown): undefined => {
  if (typeof error === 'object' && error !== null && 'statusCode' in error && error.statusCode === 404)
    return undefined;
  throw error;
};

/**
 * All that the registry must hold for this world's owner, worked out from `docker inspect` alone: nothing of the program
 * under test has a part in it. The heartbeat stands as one word, for only its process knows what is in it; its card too.
 */
const expectedContent = async ({ docker, owner }: World): Promise<Content> => {
  const label = Object.entries(testLabels).map(([name, value]) => `${name}=${value}`);
  const rows = await docker.api.listContainers({ all: true, filters: { label } });
  const inspections = await Promise.all(
    rows.map(({ Id }) => docker.api.getContainer(Id).inspect().catch(gone)),
  );
  const host = { owner, name: hostname(), addresses: [ADDRESS], version };
  const records = new Map([[`/hosts/${owner}`, JSON.stringify(host)]]);
  for (const inspection of inspections)
    if (inspection !== undefined)
      for (const [key, value] of recordsOfContainer(owner, inspection)) records.set(key, value);
  const entries = [...records.keys()].map((key) => [entryOf(owner, key), key] as const);
  const beat = [`/portolan/hosts/${owner}`, 'heartbeat'] as const;
  return sorted([...records, ...entries, beat, [`/portolan/cards/${owner}`, 'card']]);
};

/** Everything that the registry holds, but what `isForeign`. */
const actualContent = async (
  { owner, view: own }: World,
  view: RegistryView = own,
  isForeign: (key: string) => boolean = () => false,
): Promise<Content> => {
  const found: (readonly [string, string])[] = [];
  for (const { key, value, lease } of (await view.list()).values()) {
    if (isForeign(key)) continue;
    if (key === `/portolan/cards/${owner}` && lease === '0') found.push([key, 'card']);
    else if (key !== `/portolan/hosts/${owner}`)
      found.push([key, lease === '0' ? value : `${value} under a lease`]);
    else found.push([key, isHeartbeat(value, lease) ? 'heartbeat' : `${value} under lease ${lease}`]);
  }
  return sorted(found);
};

const isHeartbeat = (value: string, lease: string): boolean => {
  const said = JSON.parse(value) as Readonly<Record<string, unknown>>;
  return (
    lease !== '0' && said['lease'] === lease && said['handover'] === false && said['version'] === version
  );
};

const sorted = (entries: readonly (readonly [string, string])[]): Content =>
  new Map([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

const differencesOf = (wanted: Content, found: Content): readonly string[] => [
  ...[...wanted].filter(([key]) => !found.has(key)).map(([key]) => `lacking ${key}`),
  ...[...found].filter(([key]) => !wanted.has(key)).map(([key, value]) => `surplus ${key}: ${value}`),
  ...[...found].flatMap(([key, value]) => {
    const right = wanted.get(key);
    return right === undefined || right === value ? [] : [`wrong ${key}: ${value} instead of ${right}`];
  }),
];

export interface AgreesOptions extends EventuallyOptions {
  readonly view?: RegistryView;
  readonly isForeign?: (key: string) => boolean;
}

/** Waits until the registry holds exactly what the engine says it must: keys, values and ledger. */
export const agrees = async (world: World, options: AgreesOptions = {}): Promise<void> => {
  const { view = world.view, isForeign, ...waiting } = options;
  await eventually(
    async () => {
      const wanted = await expectedContent(world);
      const differences = differencesOf(wanted, await actualContent(world, view, isForeign));
      if (differences.length > 0) throw new Error(differences.join('\n'));
    },
    { deadlineMs: 25_000, everyMs: 200, what: 'the registry equal to what the engine says', ...waiting },
  );
};

/** Longer than a probe of the registry, several resyncs of one second, and a third of any lease. */
const QUIET_MS = 6_000;

/** From now on nothing at all is written, not even what is there already; the heartbeat apart. */
export const staysQuiet = async (world: World, view = world.view, forMs = QUIET_MS): Promise<void> => {
  await quietSince(world, view, await view.revision(), forMs);
};

const quietSince = async (world: World, view: RegistryView, since: number, forMs: number): Promise<void> => {
  const end = performance.now() + forMs;
  await eventually(() => performance.now() >= end, { deadlineMs: forMs + 2_000, everyMs: 250 });
  const written = (await view.changesSince(since)).filter(({ key }) => !world.isHeartbeat(key));
  expect(written).toEqual([]);
};

/**
 * Nothing is written any more: not by the agent that went through it all, nor by its successor, which reads everything
 * again each second. (The first must not, or its resync would mend what it has missed.)
 */
export const endsQuietly = async (
  world: World,
  agent: Agent,
  options: Parameters<World['launch']>[0] = {},
  view = world.view,
): Promise<void> => {
  await staysQuiet(world, view, 3_000);
  const since = await view.revision();
  await agent.stop('SIGKILL');
  const args = [...(options.args ?? []), '--resync', '1s'];
  await world.ready({ ...options, args, stateDir: agent.stateDir });
  await quietSince(world, view, since, QUIET_MS);
};

/** Whatever happened to the records and ledger entries of some containers after a revision. */
export const disturbances = async (
  world: World,
  containers: readonly RunningContainer[],
  since: number,
  view: RegistryView = world.view,
): Promise<readonly string[]> => {
  const keys = new Set<string>();
  for (const container of containers)
    for (const key of recordsOfContainer(world.owner, await container.inspect()).keys())
      keys.add(key).add(entryOf(world.owner, key));
  if (keys.size < containers.length * 4) throw new Error('some container has no records to be disturbed');
  const changes = await view.changesSince(since);
  return changes.filter(({ key }) => keys.has(key)).map((change) => JSON.stringify(change));
};
