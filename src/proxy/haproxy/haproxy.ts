import { fail, failure, messageOf, ok, type Result } from '../../core/failure.ts';
import type { Clock, Log } from '../../core/ports.ts';
import type {
  Proxy,
  ProxyCounters,
  ProxyOutcome,
  ProxyProcess,
  ProxyServerView,
  ProxyWriter,
  WantedServices,
} from '../../core/proxy.ts';
import { Applier } from './apply.ts';
import { Assignment } from './assignment.ts';
import { ProxyFolder, renderAll } from './folder.ts';
import { readLeaving } from './leaving.ts';
import { serverName } from './names.ts';
import { nothingRuns, type Observed } from './observed.ts';
import { type HaproxyPlan, makePlan } from './plan.ts';
import { readInfo, readLoad, readObserved } from './reader.ts';
import { type Placed, renderBase } from './render.ts';
import { type HaproxySettings, quarantineMs } from './settings.ts';
import { AdminSocket } from './socket.ts';
import { serverViews } from './views.ts';

export interface HaproxyOptions {
  readonly name: string;
  readonly settings: HaproxySettings;
  /** False: a dry run; then nothing exists that could write. */
  readonly writing: boolean;
  /** One that does not answer counts as one that runs nothing: a dry run shows what it would be started with. */
  readonly startable?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** One HAProxy: reads what it runs, and brings it to what the services want. */
export class Haproxy implements Proxy<HaproxyPlan> {
  readonly name: string;
  readonly writer: ProxyWriter<HaproxyPlan> | undefined;
  readonly #options: HaproxyOptions;
  readonly #socket: AdminSocket;
  readonly #assignment: Assignment;
  readonly #placed = new Map<string, Placed>();
  readonly #folder: ProxyFolder;
  readonly #marker: string;
  readonly #applier: Applier | undefined;
  #observed: Observed | undefined;
  #restKnown = false;

  constructor(options: HaproxyOptions) {
    const { name, settings, writing, clock, log } = options;
    this.name = name;
    this.#options = options;
    this.#socket = new AdminSocket(settings.socket, clock);
    this.#assignment = new Assignment(settings.pool);
    this.#folder = new ProxyFolder(settings.folder);
    this.#marker = renderBase(settings, settings.folder).marker;
    if (!writing) return;
    this.#applier = new Applier({
      ...{ name, settings, clock, log },
      socket: this.#socket,
      folder: this.#folder,
      assignment: this.#assignment,
      placed: this.#placed,
      marker: this.#marker,
    });
    this.writer = { prepare: () => this.#prepare(), apply: (plan, signal) => this.#apply(plan, signal) };
  }

  get counters(): ProxyCounters {
    return {
      reloads: this.#applier?.reloads ?? 0,
      commands: this.#socket.commands,
      lastReload: this.#applier?.lastReload,
      lastReloadAt: this.#applier?.lastReloadAt,
    };
  }

  get running(): ProxyProcess | undefined {
    return this.#observed && { process: this.#observed.process, version: this.#observed.version };
  }

  async probe(signal: AbortSignal): Promise<Result<string>> {
    const info = await readInfo(this.#socket, signal);
    return info.ok ? ok(info.value.id) : info;
  }

  async observe(signal: AbortSignal): Promise<Result<void>> {
    const { settings } = this.#options;
    const found = await readObserved(this.#socket, settings.folder, signal);
    const read = this.#absent(found) ? ok(nothingRuns()) : found;
    if (!read.ok) {
      this.#observed = undefined;
      return read;
    }
    this.#observed = read.value;
    this.#assignment.adopt(read.value.maps.services.entries);
    await this.#folder.look();
    return read === found ? await this.#rest(signal) : ok(undefined);
  }

  /** Which freed backends may serve again; those that an earlier process of ours freed rest from its successor's start on. */
  async #rest(signal: AbortSignal): Promise<Result<void>> {
    const { settings, clock } = this.#options;
    if (this.#restKnown && this.#assignment.resting.size === 0) return ok(undefined);
    const load = await readLoad(this.#socket, false, signal);
    if (!load.ok) {
      // Without it nobody knows which spare backend is really free.
      if (!this.#restKnown) this.#observed = undefined;
      return this.#restKnown ? ok(undefined) : load;
    }
    const now = clock.monotonic();
    if (!this.#restKnown) {
      // Nobody can still be retrying in a backend that had no session since this HAProxy began.
      const used = [...load.value].filter(([, { total }]) => total > 0).map(([backend]) => backend);
      this.#assignment.restOn(used, now);
    }
    this.#restKnown = true;
    this.#assignment.wake(now, quarantineMs(settings), (backend) => {
      const { sessions, queued } = load.value.get(backend) ?? { sessions: 0, queued: 0 };
      return sessions + queued === 0;
    });
    return ok(undefined);
  }

  #absent(read: Result<Observed>): boolean {
    return this.#options.startable === true && !read.ok && read.failure.code === 'proxy-unreachable';
  }

  plan(wanted: WantedServices, paths: readonly string[] | undefined): HaproxyPlan {
    const { settings, clock } = this.#options;
    const observed = this.#observed;
    if (observed === undefined) throw new Error('a plan needs an observation');
    const plan = makePlan({
      ...{ settings, observed, wanted, paths },
      assignment: this.#assignment,
      placed: this.#placed,
      marker: this.#marker,
      now: clock.monotonic(),
    });
    if (paths !== undefined) return plan;
    const files = this.#folder.differences(
      renderAll(settings, this.#assignment, this.#placed, settings.folder),
    );
    return { ...plan, files, lines: [...plan.lines, ...files] };
  }

  async servers(signal: AbortSignal): Promise<Result<readonly ProxyServerView[]>> {
    const { settings, clock } = this.#options;
    const read = await readObserved(this.#socket, settings.folder, signal);
    if (!read.ok) return read;
    const load = await readLoad(this.#socket, true, signal);
    const leaving = await readLeaving(settings, clock, signal);
    const earlier = leaving.ok ? leaving.value : undefined;
    return ok(serverViews(this.name, read.value, load.ok ? load.value : new Map(), earlier, clock.now()));
  }

  nameOf(id: string): string {
    return serverName(id);
  }

  /**
   * Before HAProxy has ever run with our files there has to be something that it can start with. What an earlier process
   * wrote stays, except for the part that is the same whatever the services are.
   */
  async #prepare(): Promise<Result<void>> {
    const { settings } = this.#options;
    await this.#folder.look();
    try {
      if (this.#folder.files.size === 0)
        await this.#folder.bring(renderAll(settings, this.#assignment, this.#placed, settings.folder));
      for (const [name, text] of renderBase(settings, settings.folder).files)
        await this.#folder.put(name, text);
      return ok(undefined);
    } catch (error) {
      return fail('proxy-files', messageOf(error));
    }
  }

  async #apply(plan: HaproxyPlan, signal: AbortSignal): Promise<ProxyOutcome> {
    const observed = this.#observed;
    if (this.#applier === undefined || observed === undefined)
      return {
        paths: new Map(),
        rest: { type: 'retry', failure: failure('proxy-unreachable', 'not observed') },
      };
    const done = await this.#applier.apply(plan, observed, signal);
    // What runs after a reload, or after a lost answer, has to be read.
    if (done.stale) this.#observed = undefined;
    return done.outcome;
  }
}
