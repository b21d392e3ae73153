import type { ProxyPlan, WantedServices } from '../../core/proxy.ts';
import type { RouteService } from '../../core/route-service.ts';
import type { PlanLine } from '../../core/status.ts';
import type { Assignment } from './assignment.ts';
import { backendCommands } from './commands.ts';
import { type MapChange, mapChange, mapCommands } from './maps.ts';
import { NOBODY, type Observed } from './observed.ts';
import { isOrdered, MAPS, type MapName, mapEntries, mapFile, type Placed } from './render.ts';
import type { HaproxySettings } from './settings.ts';

export interface HaproxyPlan extends ProxyPlan {
  readonly grow: readonly string[];
  readonly shrink: readonly string[];
  readonly maps: readonly MapChange[];
  /** Backends that the commands touch, and the path of each; undefined: no service has it (any more). */
  readonly touched: ReadonlyMap<string, string | undefined>;
  /** Backends whose files are to be looked at; undefined: all of them. */
  readonly backends: ReadonlySet<string> | undefined;
}

export interface PlanInput {
  readonly settings: HaproxySettings;
  readonly observed: Observed;
  readonly assignment: Assignment;
  /** What each service became at its last plan; brought up to date here. */
  readonly placed: Map<string, Placed>;
  readonly wanted: WantedServices;
  readonly paths: readonly string[] | undefined;
  readonly marker: string;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** What has to be done so that the running proxy is what the services want. */
export function makePlan(input: PlanInput): HaproxyPlan {
  const { observed, assignment, placed, wanted, paths } = input;
  const before = new Map<string, Placed>();
  const freed: string[] = [];
  const named: string[] = [];
  for (const path of paths ?? new Set([...wanted.paths(), ...assignment.paths(), ...placed.keys()])) {
    // A backend that nobody has any more is asked for by its own name: servers leave it when their connections are over.
    if (isOurs(path)) {
      named.push(path);
      continue;
    }
    const earlier = placed.get(path);
    if (earlier !== undefined) before.set(path, earlier);
    const held = assignment.backendOf(path);
    const backend = place(path, wanted.service(path), input);
    if (held !== undefined && held !== backend) freed.push(held);
  }
  const looked = paths ?? [...placed.keys()];
  const targets = new Map<string, string | undefined>(
    [...freed, ...named].map((backend) => [backend, assignment.pathOf(backend)]),
  );
  if (paths === undefined)
    // Servers in backends of ours that nobody has: somebody else's doing, or left over.
    for (const backend of observed.servers.keys()) if (isOurs(backend)) targets.set(backend, undefined);
  for (const path of looked) {
    const backend = assignment.backendOf(path);
    if (backend !== undefined) targets.set(backend, path);
  }
  const commands = commandsOf(targets, input);
  const maps = mapsOf(input, before);
  const reload = reloadReason(input);
  return {
    paths,
    ...{ grow: commands.grow, shrink: commands.shrink, touched: commands.touched },
    maps,
    lines: [...commands.lines, ...maps.flatMap(({ lines }) => lines), ...reloadLine(reload)],
    commands: [
      ...commands.grow,
      ...maps.flatMap((change) => mapCommands(change, mapFile(input.settings.folder, change.name))),
      ...commands.shrink,
    ],
    files: [],
    reload,
    backends: paths === undefined ? undefined : new Set(targets.keys()),
  };
}

const isOurs = (backend: string): boolean => /^(?:pool-\d+|own-[0-9a-f]+-[0-9a-f]+)$/.test(backend);

function place(path: string, service: RouteService | undefined, input: PlanInput): string | undefined {
  const { observed, assignment, placed, now } = input;
  // A service without a name cannot be asked for.
  if (service === undefined || service.hosts.length === 0) {
    assignment.release(path, now);
    placed.delete(path);
    return undefined;
  }
  // What is started on our files has the whole pool.
  const usable = (name: string): boolean => observed.process === NOBODY || observed.backends.has(name);
  const backend = assignment.place(service, now, usable);
  placed.set(path, { service, backend });
  return backend;
}

function commandsOf(
  targets: ReadonlyMap<string, string | undefined>,
  { settings, observed, placed }: PlanInput,
): Pick<HaproxyPlan, 'grow' | 'shrink' | 'lines' | 'touched'> {
  const grow: string[] = [];
  const shrink: string[] = [];
  const lines: PlanLine[] = [];
  const touched = new Map<string, string | undefined>();
  for (const [backend, path] of targets) {
    // It comes with the reload, and its servers with it.
    if (!observed.backends.has(backend)) continue;
    const service = path === undefined ? undefined : placed.get(path)?.service;
    const commands = backendCommands(backend, service, observed.servers.get(backend), settings);
    if (commands.grow.length + commands.shrink.length === 0) continue;
    grow.push(...commands.grow);
    shrink.push(...commands.shrink);
    lines.push(...commands.lines);
    touched.set(backend, path);
  }
  return { grow, shrink, lines, touched };
}

/** Entries may only name backends that run: others come with the reload, by file. */
function mapsOf(input: PlanInput, before: ReadonlyMap<string, Placed>): readonly MapChange[] {
  const { observed, placed, paths } = input;
  const runs = ({ backend }: Placed): boolean => observed.backends.has(backend);
  if (paths === undefined) {
    const wanted = mapEntries([...placed.values()].filter(runs));
    return MAPS.map((name) => mapOf(name, input, wanted[name], undefined)).filter(
      (change) => change !== undefined,
    );
  }
  const mine = paths.map((path) => placed.get(path)).filter((one) => one !== undefined);
  const earlier = mapEntries(before.values());
  const now = mapEntries(mine.filter(runs));
  // The order of patterns concerns all of them, and a name that one service lost another may have won.
  let all: ReturnType<typeof mapEntries> | undefined;
  return MAPS.map((name) => {
    const keys = new Set([...earlier[name].keys(), ...now[name].keys()]);
    const same = [...keys].every((key) => now[name].get(key) === observed.maps[name].entries.get(key));
    if (same) return undefined;
    all ??= mapEntries([...placed.values()].filter(runs));
    return mapOf(name, input, all[name], isOrdered(name, input.settings) ? undefined : keys);
  }).filter((change) => change !== undefined);
}

function mapOf(
  name: MapName,
  { settings, observed }: PlanInput,
  wanted: ReadonlyMap<string, string>,
  keys: ReadonlySet<string> | undefined,
): MapChange | undefined {
  const running = observed.maps[name];
  if (running.missing) return undefined;
  const map = { name, file: mapFile(settings.folder, name), ordered: isOrdered(name, settings) };
  return mapChange(map, wanted, running, keys);
}

function reloadReason({ observed, placed, marker }: PlanInput): string | undefined {
  if (observed.process === NOBODY) return 'it does not run yet; it would be started';
  if (!observed.backends.has(marker)) return 'the general part of the configuration does not run yet';
  for (const { service, backend } of placed.values())
    if (!observed.backends.has(backend))
      return `${service.path} needs a backend of its own (its settings, or the pool is used up)`;
  return undefined;
}

function reloadLine(reload: string | undefined): readonly PlanLine[] {
  if (reload === undefined) return [];
  return [{ action: 'update', key: 'reload', before: undefined, after: undefined, reason: reload }];
}
