import { Subject } from 'rxjs';
import { type BackoffPolicy, backoffDelay } from '../../core/backoff.ts';
import type { Container } from '../../core/container.ts';
import { type Failure, fail, ok, type Result } from '../../core/failure.ts';
import {
  type Clock,
  type Log,
  type Random,
  type Source,
  type SourceSignal,
  type SourceStatus,
  type Stream,
  sleep,
} from '../../core/ports.ts';
import { type Deadline, isAborted, withDeadline } from './deadline.ts';
import type { Engine, EngineVersion } from './engine.ts';
import { EngineClock } from './engine-clock.ts';
import { Deliveries } from './feed.ts';
import { NetworkDirectory } from './networks.ts';
import { Roster } from './roster.ts';
import { readInspection, toContainer } from './schema.ts';
import { Session, type SessionContext, type SessionEnd } from './session.ts';

export interface DockerSourceOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Default `docker`. */
  readonly name?: string;
  /** Between full lists, jittered by a tenth; default 60 s. */
  readonly resyncMs?: number;
  /** Between bounded replays of the event history, which find a silently dead stream; default 10 s. */
  readonly replayMs?: number;
  /** For each call to the engine (six times as long for a full list); default 5 s. */
  readonly deadlineMs?: number;
  /** Inspections in flight; default 8. */
  readonly inspections?: number;
  readonly backoff?: BackoffPolicy;
}

/** An engine on this host is cheap to ask, and what it does unseen is missed: no long pauses. */
const RECONNECT: BackoffPolicy = { initialMs: 100, maxMs: 5_000, factor: 2 };

/** A connection that lasted so long was a good one: the next loss starts with a fresh backoff. */
const GOOD_AFTER_MS = 10_000;

/** Tries after a connection that listed but was lost early: a proxy that cuts streams must not keep us away for long. */
const SHORT_LIVED_TRIES = 3;

/** Created stopped: `run` connects. It does not own the engine: whoever made that closes it. */
export function createDockerSource(options: DockerSourceOptions): Source {
  return new DockerSource(options);
}

class DockerSource implements Source {
  readonly name: string;
  readonly signals: Stream<SourceSignal>;
  readonly #options: DockerSourceOptions;
  readonly #subject = new Subject<SourceSignal>();
  readonly #deadline: Deadline;
  readonly #networks: NetworkDirectory;
  readonly #roster: Roster;
  readonly #engineClock: EngineClock;
  readonly #deliveries = new Deliveries();
  #session: Session | undefined;
  #version: EngineVersion | undefined;
  #connected = false;
  #away = false;
  #failure: Failure | undefined;
  #lastListedAt: number | undefined;
  #connections = 0;
  #differencesFound = 0;

  constructor(options: DockerSourceOptions) {
    this.name = options.name ?? 'docker';
    this.#options = options;
    this.signals = this.#subject.asObservable();
    this.#deadline = { clock: options.clock, ms: options.deadlineMs ?? 5_000 };
    this.#networks = new NetworkDirectory(options.engine, this.#deadline);
    this.#engineClock = new EngineClock(options.clock);
    this.#roster = new Roster((signal) => {
      this.#subject.next(signal);
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, backoff = RECONNECT } = this.#options;
    let tries = 0;
    while (!isAborted(signal)) {
      const since = clock.monotonic();
      const session = new Session(this.#sessionContext());
      this.#session = session;
      const end = await session.run(signal);
      this.#session = undefined;
      this.#connected = false;
      if (isAborted(signal)) return;
      this.#lost(end);
      if (session.lists > 0) {
        tries = clock.monotonic() - since >= GOOD_AFTER_MS ? 0 : Math.min(tries, SHORT_LIVED_TRIES);
      }
      // The first try comes at once: most losses are those of the stream alone.
      if (tries > 0) await sleep(clock, backoffDelay(tries - 1, random(), backoff), signal);
      tries += 1;
    }
  }

  relist(): void {
    this.#session?.relist();
  }

  async lookup(reference: string, signal: AbortSignal): Promise<Result<Container | undefined>> {
    const { engine } = this.#options;
    const name = reference.replace(/^\//, '');
    const answer = await withDeadline(this.#deadline, signal, `inspect ${name}`, (within) =>
      engine.inspect(name, within),
    );
    if (!answer.ok) return answer;
    if (answer.value === undefined) return ok(undefined);
    const parsed = readInspection(answer.value);
    if (!parsed.ok) return fail('inspect-unreadable', parsed.problem);
    await this.#networks.prepare(parsed.inspection, signal);
    return ok(toContainer(parsed.inspection, this.#networks.driverOf));
  }

  status(): SourceStatus {
    return {
      name: this.name,
      connected: this.#connected,
      engineVersion: this.#version?.version,
      apiVersion: this.#version?.apiVersion,
      lastListedAt: this.#lastListedAt,
      reconnects: Math.max(0, this.#connections - 1),
      differencesFound: this.#differencesFound,
      failure: this.#failure,
    };
  }

  #sessionContext(): SessionContext {
    const options = this.#options;
    const { engine, clock, random, log } = options;
    return {
      engine,
      clock,
      random,
      log,
      deadline: this.#deadline,
      get resyncMs() {
        return options.resyncMs ?? 60_000;
      },
      replayMs: this.#options.replayMs ?? 10_000,
      inspections: this.#options.inspections ?? 8,
      engineClock: this.#engineClock,
      deliveries: this.#deliveries,
      networks: this.#networks,
      roster: this.#roster,
      first: this.#lastListedAt === undefined,
      connected: (version) => {
        this.#opened(version);
      },
      listed: (said) => {
        this.#listed(said);
      },
    };
  }

  #opened(version: EngineVersion): void {
    this.#version = version;
    this.#connections += 1;
    this.#options.log.info(
      { source: this.name, engine: version.version, api: version.apiVersion },
      'event stream open',
    );
  }

  #listed(said: Extract<SourceSignal, { type: 'listed' }>): void {
    this.#connected = true;
    this.#away = false;
    this.#failure = undefined;
    this.#lastListedAt = said.at;
    this.#differencesFound += said.differences;
    this.#subject.next(said);
  }

  /** A lost stream alone does not make anything unknown: the list that follows at once tells whether the engine is there. */
  #lost({ failure, away }: SessionEnd): void {
    this.#failure = failure;
    this.#options.log.debug(
      { source: this.name, reason: failure.message, code: failure.code },
      'connection lost',
    );
    if (!away || this.#away) return;
    this.#away = true;
    this.#subject.next({ type: 'unknown', failure });
  }
}
