import type { Cause } from '../core/cause.ts';
import type { Failure, Outcome } from '../core/failure.ts';
import type { QueueLoad, QueueMeter } from '../core/meter.ts';
import { type Clock, type Log, type Random, sleep } from '../core/ports.ts';
import type { Proxy, ProxyOutcome } from '../core/proxy.ts';
import type { RegistryRecord } from '../core/record.ts';
import type { FeedSignal, RecordFeed } from '../core/route-feed.ts';
import type { RouteMemory } from '../core/route-memory.ts';
import type { RouteRecord } from '../core/route-record.ts';
import { type RouteChange, RouteTable } from '../core/route-table.ts';
import { CommandedDrains } from './commanded.ts';
import { Refusals } from './refusals.ts';
import { Remembering } from './remembering.ts';
import { type TakenWork, Workqueue } from './workqueue.ts';

export interface RouteLoopOptions {
  readonly proxy: Proxy;
  readonly feed: RecordFeed;
  readonly decode: (
    key: string,
    record: RegistryRecord,
  ) => { readonly record: RouteRecord } | { readonly problem: string };
  /** Resolves when the registry is complete: an embedded one is empty until the first announce pass. */
  readonly complete: (signal: AbortSignal) => Promise<void>;
  /** What an earlier process knew; undefined: nothing outlives this one. */
  readonly memory: RouteMemory | undefined;
  /** How long the servers of a lost host stay. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter?: QueueMeter | undefined;
}

/** `waiting`: it has never been what the records say; `lagging`: it is not now. */
interface RouteStanding {
  readonly state: 'waiting' | 'converged' | 'lagging';
  /** Epoch milliseconds. */
  readonly since: number;
}

/** The key of a pass over everything. */
const EVERYTHING = '*';
const BATCH = 512;
const DEBOUNCE = { quietMs: 1, maxWaitMs: 10 };
const BACKOFF = { initialMs: 100, maxMs: 5000, factor: 2 };
/** A restart by somebody else is noticed within this time, and any other change from outside within the other. */
const PROBE_MS = 250;
const RESYNC_MS = 10_000;
/** A host that is there again has said what it offers by then. */
const RETURN_MS = 15_000;

/** The loop of one proxy: records of all owners in, services, plan, apply, outcome. It has its own queue and backoff. */
export class RouteLoop {
  readonly #options: RouteLoopOptions;
  readonly #queue: Workqueue;
  readonly #table: RouteTable;
  readonly #remembering: Remembering;
  readonly #alive = new Set<string>();
  /** Records that are no services, and why; told once. */
  readonly #problems = new Map<string, string>();
  readonly commanded = new CommandedDrains();
  readonly refusals = new Refusals();
  #passed: () => void = () => undefined;
  #listed = false;
  #complete = false;
  /** undefined: not looked yet. */
  #inSight: boolean | undefined;
  #fresh = false;
  #process: string | undefined;
  #failure: Failure | undefined;
  #said: string | undefined;
  #wasConverged = false;
  #cancelTick: (() => void) | undefined;
  #standing: RouteStanding;

  constructor(options: RouteLoopOptions) {
    this.#options = options;
    const { clock, random, graceMs, memory, proxy, log, meter } = options;
    this.#table = new RouteTable(graceMs);
    this.#remembering = new Remembering({ target: proxy.name, table: this.#table, memory, log });
    this.#standing = { state: 'waiting', since: clock.now() };
    this.#queue = new Workqueue({ clock, random, debounce: DEBOUNCE, backoff: BACKOFF, meter });
  }

  get table(): RouteTable {
    return this.#table;
  }

  /** Why nothing can be done with it; what concerns single services is in `refusals`. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** What its queue holds. */
  load(): QueueLoad {
    return this.#queue.load();
  }

  /** How the proxy stands to the records, and since when. */
  get standing(): RouteStanding {
    return this.#standing;
  }

  /** The registry has been read. */
  get listed(): boolean {
    return this.#listed;
  }

  /** The registry has been tried: it is known, or out of sight. */
  get heard(): boolean {
    return this.#inSight !== undefined;
  }

  /** The registry has been read, and it says all that there is to say. */
  get known(): boolean {
    return this.#listed && this.#complete;
  }

  isAlive(owner: string): boolean {
    return this.#alive.has(owner);
  }

  /** Calls back after every pass; where nothing is written, after all that is heard. */
  onPass(passed: () => void): void {
    this.#passed = passed;
  }

  /** Everything is as it should be, as far as anybody knows. */
  get converged(): boolean {
    return this.#listed && this.#fresh && this.#queue.idle;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { feed, complete, clock, proxy } = this.#options;
    const ready = complete(signal);
    await this.#remembering.recall(() => clock.monotonic());
    const subscription = feed.signals.subscribe((said) => {
      this.#hear(said, signal);
      if (proxy.writer === undefined) this.#passed();
    });
    await Promise.all([
      feed.run(signal),
      ready.then(async () => {
        this.#complete = true;
        this.#completed();
        // Without a writer there is nothing to do but to know what would have to be done.
        if (proxy.writer !== undefined) await Promise.all([this.#work(signal), this.#guard(signal)]);
      }),
    ]);
    subscription.unsubscribe();
    this.#cancelTick?.();
    if (this.#listed) await this.#remembering.flush();
  }

  /** Whoever is there has said by now what it offers: what it did not bring back since the list is withdrawn. */
  #completed(): void {
    if (!this.#listed) return;
    for (const owner of this.#alive) this.#table.returned(owner, this.#options.clock.monotonic());
    this.#tick();
  }

  #hear(said: FeedSignal, signal: AbortSignal): void {
    const { clock, log, proxy } = this.#options;
    const now = clock.monotonic();
    switch (said.type) {
      case 'unknown':
        if (this.#inSight !== false)
          log.warn(
            { target: proxy.name, reason: said.failure.message },
            'the registry is out of sight; the proxy stays as it is',
          );
        this.#inSight = false;
        return;
      case 'listed': {
        if (this.#inSight !== true)
          log.info({ target: proxy.name, records: said.records.size }, 'the registry is in sight');
        this.#inSight = true;
        this.#alive.clear();
        this.commanded.clear();
        for (const owner of said.alive) this.#alive.add(owner);
        const records = [...said.records].map(([key, record]) => this.#decode(key, record));
        this.#table.list(
          {
            records: records.filter((record) => record !== undefined),
            alive: (owner) => said.alive.has(owner),
          },
          now,
        );
        this.#remembering.changed(this.#table.takeDirty());
        this.#listed = true;
        this.#ask(EVERYTHING);
        break;
      }
      case 'changed':
        this.#table.change(
          said.changes.map((change): RouteChange => {
            if ('how' in change) {
              this.commanded.drop(change.key);
              return { type: 'gone', ...change };
            }
            const record = this.#decode(change.key, change.record);
            // A record that cannot be read any more serves nobody.
            return record === undefined
              ? { type: 'gone', key: change.key, how: 'withdrawn' }
              : { type: 'put', record };
          }),
          now,
        );
        break;
      case 'host':
        this.#host(said.owner, said.alive, signal);
    }
    this.#tick();
  }

  #host(owner: string, alive: boolean, signal: AbortSignal): void {
    const { clock } = this.#options;
    if (!alive) this.#alive.delete(owner);
    if (!alive || this.#alive.has(owner)) return;
    this.#alive.add(owner);
    void sleep(clock, RETURN_MS, signal).then(() => {
      if (signal.aborted || !this.#alive.has(owner)) return;
      this.#table.returned(owner, clock.monotonic());
      this.#tick();
    });
  }

  #decode(key: string, record: RegistryRecord): RouteRecord | undefined {
    const decoded = this.#options.decode(key, record);
    if ('record' in decoded) {
      this.#problems.delete(key);
      this.commanded.put(decoded.record, record.modRevision);
      return decoded.record;
    }
    this.commanded.drop(key);
    if (this.#problems.get(key) !== decoded.problem) {
      this.#problems.set(key, decoded.problem);
      const { log, proxy } = this.#options;
      log.warn({ target: proxy.name, key, reason: decoded.problem }, 'a record is left out');
    }
    return undefined;
  }

  /** Queues what changed, also what time alone changed, and comes again when time will. */
  #tick(): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    const next = this.#table.tick(now);
    this.#cancelTick?.();
    this.#cancelTick =
      next === undefined
        ? undefined
        : clock.timer(Math.max(1, next - now), () => {
            this.#tick();
          });
    const dirty = this.#table.takeDirty();
    this.#remembering.changed(dirty);
    for (const path of dirty) this.#ask(path);
  }

  #ask(key: string): void {
    const cause: Cause = {
      code: key === EVERYTHING ? 'relisted' : 'route-changed',
      at: this.#options.clock.now(),
      explained: true,
    };
    this.#queue.add({ key, cause });
  }

  async #work(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const work = await this.#queue.take(BATCH, signal);
      if (work.length > 0) await this.#pass(work, signal);
    }
  }

  async #pass(work: readonly TakenWork[], signal: AbortSignal): Promise<void> {
    const { proxy } = this.#options;
    const whole = !this.#fresh || work.some(({ key }) => key === EVERYTHING);
    if (whole) {
      const observed = await proxy.observe(signal);
      if (!observed.ok) {
        this.#settle(work, { paths: new Map(), rest: { type: 'retry', failure: observed.failure } }, whole);
        return;
      }
    }
    const plan = proxy.plan(this.#table, whole ? undefined : work.map(({ key }) => key));
    const outcome = await proxy.writer?.apply(plan, signal);
    if (outcome !== undefined) this.#settle(work, outcome, whole);
  }

  #settle(work: readonly TakenWork[], { paths, rest }: ProxyOutcome, whole: boolean): void {
    this.#fresh = rest.type === 'settled';
    this.#failure = rest.type === 'retry' ? rest.failure : undefined;
    const asked = new Set(work.map(({ key }) => key));
    this.refusals.note({ paths, rest }, whole ? undefined : asked);
    this.#say(this.#failure ?? this.refusals.summary);
    for (const one of work) this.#finish(one, paths.get(one.key) ?? rest);
    // What only a whole pass found has a key of its own from now on.
    for (const [key, outcome] of paths)
      if (!asked.has(key) && outcome.type !== 'settled') this.#later(key, outcome);
    this.#stand();
    this.#passed();
  }

  /** What waits for connections to end is as it should be; what is only being followed is no lag either. */
  #stand(): void {
    const { clock, log, proxy } = this.#options;
    const { state: before } = this.#standing;
    const passed = this.#failure === undefined && this.#fresh;
    const refused = this.refusals.summary !== undefined;
    const state = passed && !refused ? 'converged' : passed || before !== 'waiting' ? 'lagging' : 'waiting';
    if (state === before) return;
    this.#standing = { state, since: clock.now() };
    if (state !== 'converged' || this.#wasConverged) return;
    this.#wasConverged = true;
    const { size: services, servers } = this.#table;
    const what = `serves ${String(services)} services with ${String(servers)} servers`;
    log.info({ target: proxy.name, services, servers }, `the proxy is what the registry says: it ${what}`);
  }

  #finish(work: TakenWork, outcome: Outcome): void {
    if (outcome.type === 'settled') this.#queue.finish(work.key);
    else if (outcome.type === 'recheck') this.#queue.recheck(work, outcome.afterMs);
    else this.#queue.retry(work);
  }

  #later(key: string, outcome: Exclude<Outcome, { type: 'settled' }>): void {
    const { clock } = this.#options;
    clock.timer(outcome.type === 'recheck' ? outcome.afterMs : BACKOFF.initialMs, () => {
      this.#ask(key);
    });
  }

  #say(failed: Failure | undefined): void {
    const { log, proxy } = this.#options;
    if (failed?.message !== this.#said) {
      if (failed === undefined) log.info({ target: proxy.name }, 'the proxy is as it should be again');
      else
        log.warn({ target: proxy.name, code: failed.code, reason: failed.message }, 'the proxy lags behind');
    }
    this.#said = failed?.message;
  }

  /** Looks whether another process runs, and now and then at everything. */
  async #guard(signal: AbortSignal): Promise<void> {
    const { proxy, clock } = this.#options;
    let lookedAt = clock.monotonic();
    const over = (): boolean => signal.aborted;
    while (!over()) {
      await sleep(clock, PROBE_MS, signal);
      if (!this.#listed || over()) continue;
      await this.#remembering.flush();
      const probe = await proxy.probe(signal);
      const now = clock.monotonic();
      const other = probe.ok && this.#process !== undefined && probe.value !== this.#process;
      if (probe.ok) this.#process = probe.value;
      if (!other && now - lookedAt < RESYNC_MS) continue;
      lookedAt = now;
      this.#queue.forgive();
      this.#ask(EVERYTHING);
    }
  }
}
