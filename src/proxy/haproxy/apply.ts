import { type Failure, failure, messageOf, type Outcome } from '../../core/failure.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type { ProxyOutcome } from '../../core/proxy.ts';
import { isDenied, parseServers, parseVersion, refusals } from './answers.ts';
import type { Assignment } from './assignment.ts';
import { backendCommands } from './commands.ts';
import { type ProxyFolder, renderAll } from './folder.ts';
import type { MapChange } from './maps.ts';
import { byBackend, type Observed, observedMap } from './observed.ts';
import type { HaproxyPlan } from './plan.ts';
import { checkFiles, reload } from './reload.ts';
import {
  fileOf,
  MAPS,
  mapEntries,
  mapFile,
  type Placed,
  renderBackend,
  renderMap,
  renderSpares,
} from './render.ts';
import type { HaproxySettings } from './settings.ts';
import { type AdminSocket, denied } from './socket.ts';

/** A server that could not be deleted yet, because it has connections, is looked at again after this. */
const LEAVING_MS = 1000;

export interface ApplierOptions {
  readonly name: string;
  readonly settings: HaproxySettings;
  readonly socket: AdminSocket;
  readonly folder: ProxyFolder;
  readonly assignment: Assignment;
  readonly placed: ReadonlyMap<string, Placed>;
  readonly marker: string;
  readonly clock: Clock;
  readonly log: Log;
}

interface Applied {
  readonly outcome: ProxyOutcome;
  /** What is held as observed is no longer to be trusted. */
  readonly stale: boolean;
}

/** Does what a plan says: first what adds, then names, then what takes away; last the files, and a reload if it must be. */
export class Applier {
  readonly #options: ApplierOptions;
  #reloads = 0;
  #lastReload: string | undefined;
  #lastReloadAt: number | undefined;

  constructor(options: ApplierOptions) {
    this.#options = options;
  }

  get reloads(): number {
    return this.#reloads;
  }

  get lastReload(): string | undefined {
    return this.#lastReload;
  }

  get lastReloadAt(): number | undefined {
    return this.#lastReloadAt;
  }

  async apply(plan: HaproxyPlan, observed: Observed, signal: AbortSignal): Promise<Applied> {
    const commands = await this.#commands(plan, observed, signal);
    if ('failure' in commands) return { outcome: all(commands.failure), stale: true };
    if (plan.reload !== undefined) return await this.#reload(plan.reload, signal);
    const files = await this.#files(plan);
    if (files !== undefined) return { outcome: all(files), stale: false };
    return { outcome: { paths: commands.paths, rest: { type: 'settled' } }, stale: false };
  }

  async #commands(
    plan: HaproxyPlan,
    observed: Observed,
    signal: AbortSignal,
  ): Promise<{ readonly paths: ReadonlyMap<string, Outcome> } | { readonly failure: Failure }> {
    const { socket } = this.#options;
    const look = [...plan.touched.keys()].map((backend) => `show servers state ${backend}`);
    const last = plan.maps.length === 0 && plan.shrink.length === 0;
    // What they made of it is read back on the same line: one round trip from the plan to the proof.
    const grown = await socket.run([...plan.grow, ...(last ? look : [])], signal);
    if (!grown.ok) return { failure: grown.failure };
    for (const change of plan.maps) {
      const problem = await this.#map(change, observed, signal);
      if (problem !== undefined) return { failure: problem };
    }
    const shrunk = await socket.run(last ? [] : [...plan.shrink, ...look], signal);
    if (!shrunk.ok) return { failure: shrunk.failure };
    const answer = `${grown.value}\n${shrunk.value}`;
    if (isDenied(answer)) return { failure: denied(socket.path) };
    return { paths: this.#compare(plan, observed, answer) };
  }

  /** What the touched backends have become, against what they should be. */
  #compare(plan: HaproxyPlan, observed: Observed, answer: string): ReadonlyMap<string, Outcome> {
    const { settings, placed } = this.#options;
    const { servers, other } = parseServers(answer);
    const now = byBackend(servers);
    const said = refusals(other).slice(0, 3).join(' | ');
    const outcomes = new Map<string, Outcome>();
    for (const [backend, path] of plan.touched) {
      const running = now.get(backend);
      if (running === undefined) observed.servers.delete(backend);
      else observed.servers.set(backend, running);
      const service = path === undefined ? undefined : placed.get(path)?.service;
      const left = backendCommands(backend, service, running, settings);
      // A path that is gone is asked for by its backend's name: its servers leave when their connections are over.
      const subject = path ?? backend;
      if (left.grow.length > 0)
        outcomes.set(subject, { type: 'retry', failure: failure('proxy-refused', said) });
      else if (left.shrink.length > 0)
        outcomes.set(subject, {
          type: 'recheck',
          afterMs: LEAVING_MS,
          why: 'a server still has connections',
        });
    }
    return outcomes;
  }

  async #map(
    { name, commands, replace }: MapChange,
    observed: Observed,
    signal: AbortSignal,
  ): Promise<Failure | undefined> {
    const { socket, settings, placed } = this.#options;
    const file = mapFile(settings.folder, name);
    if (replace === undefined) {
      const done = await socket.run(commands, signal);
      if (!done.ok) return done.failure;
      const refused = refusals(done.value.split('\n'));
      if (refused.length > 0) return failure('proxy-refused', refused.slice(0, 3).join(' | '));
    } else {
      const prepared = await socket.ask(`prepare map ${file}`, signal);
      if (!prepared.ok) return prepared.failure;
      const version = parseVersion(prepared.value);
      if (version === undefined) return failure('proxy-refused', prepared.value.trim());
      const filled = await socket.feed(`add map @${version} ${file}`, replace, signal);
      if (!filled.ok) return filled.failure;
      const committed = await socket.ask(`commit map @${version} ${file}`, signal);
      if (!committed.ok) return committed.failure;
      const refused = refusals([...filled.value.split('\n'), ...committed.value.split('\n')]);
      if (refused.length > 0) return failure('proxy-refused', refused.slice(0, 3).join(' | '));
    }
    const runs = [...placed.values()].filter(({ backend }) => observed.backends.has(backend));
    observed.maps[name] = observedMap([...mapEntries(runs)[name]]);
    return undefined;
  }

  /** The files of what this pass was about; only a whole pass looks at all of them. */
  async #files(plan: HaproxyPlan): Promise<Failure | undefined> {
    const { settings, folder, assignment, placed, marker } = this.#options;
    try {
      if (plan.backends === undefined) {
        await folder.bring(renderAll(settings, assignment, placed, settings.folder));
        return undefined;
      }
      for (const backend of plan.backends) {
        const one = placed.get(assignment.pathOf(backend) ?? '');
        await folder.put(fileOf(backend), one === undefined ? undefined : renderBackend(one, settings));
      }
      if (plan.maps.length === 0) return undefined;
      await folder.put('conf/90-spare.cfg', renderSpares(settings, assignment.taken, marker));
      const maps = mapEntries(placed.values());
      for (const name of MAPS) await folder.put(`maps/${name}.map`, renderMap(maps[name]));
      return undefined;
    } catch (error) {
      return failure('proxy-files', messageOf(error));
    }
  }

  async #reload(why: string, signal: AbortSignal): Promise<Applied> {
    const { name, settings, socket, folder, assignment, placed, marker, clock, log } = this.#options;
    const context = { settings, socket, clock, signal };
    const render = (where: string) => renderAll(settings, assignment, placed, where);
    const checked = await checkFiles(render, context);
    if (!checked.ok) return { outcome: all(checked.failure), stale: false };
    const good = new Map(folder.files);
    const needed = new Set([marker, ...[...placed.values()].map(({ backend }) => backend)]);
    try {
      await folder.bring(render(settings.folder));
    } catch (error) {
      return { outcome: all(failure('proxy-files', String(error))), stale: false };
    }
    this.#reloads += 1;
    this.#lastReload = why;
    this.#lastReloadAt = clock.now();
    log.info({ target: name, reason: why }, 'reloading the proxy');
    const done = await reload(needed, context);
    if (done.ok) return { outcome: { paths: new Map(), rest: again }, stale: true };
    log.warn({ target: name, reason: done.failure.message }, 'the proxy did not take its new configuration');
    // Whoever restarts it now must find what last worked; the next try writes the new files again.
    if (good.size > 0) await folder.bring(good).catch(() => undefined);
    return { outcome: all(done.failure), stale: true };
  }
}

/** A reload lets everything begin anew: what runs is read and compared once more. */
const again: Outcome = { type: 'recheck', afterMs: 0, why: 'it was reloaded' };

function all(cause: Failure): ProxyOutcome {
  return { paths: new Map(), rest: { type: 'retry', failure: cause } };
}
