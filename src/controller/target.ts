import type { Cause } from '../core/cause.ts';
import type { Failure } from '../core/failure.ts';
import type { QueueLoad } from '../core/meter.ts';
import { type Change, planKey, type Verdict } from '../core/plan.ts';
import type { Observation, RegistryWriter, SessionState } from '../core/ports.ts';
import type { ObservedRecord } from '../core/record.ts';
import { applyChanges } from './apply.ts';
import { ObservedCache } from './cache.ts';
import type { Audience } from './claims.ts';
import { Gate } from './gate.ts';
import { Guard } from './guard.ts';
import { Hearing } from './hearing.ts';
import { tellHistory } from './history-teller.ts';
import { Journal } from './journal.ts';
import { Outlook } from './outlook.ts';
import type { SeenRecord, TargetOptions } from './target-options.ts';
import { type TakenWork, type Work, Workqueue } from './workqueue.ts';

/** Keys of one batch: enough to fill several transactions, few enough to answer a new change soon. */
const BATCH_KEYS = 512;
/** Batches of one target that may be under way at once; their keys are disjoint. */
export const WORKERS = 4;
const WITHDRAW_ATTEMPTS = 3;
const FOREIGN = 'somebody else created the record at this key';

/**
 * The loop of one registry: dirty keys in, plan, policy, brake, apply, outcome. It has its own queue, view, health and
 * backoff, so that a slow or dead registry never delays another.
 */
export class Target {
  readonly #options: TargetOptions;
  readonly #queue: Workqueue;
  readonly #cache = new ObservedCache();
  readonly #journal: Journal;
  readonly #outlook: Outlook;
  readonly #writing = new Set<string>();
  readonly #gate: Gate;
  readonly #guard: Guard;
  readonly #hearing: Hearing;
  /** Everything that was wanted at first has been read. */
  #heard = false;
  #session: SessionState = { type: 'starting' };
  #failure: Failure | undefined;
  #differences = 0;
  /** No new work is begun; what is under way ends. */
  #stopped = false;
  /** Nothing is wanted any more: every own record is withdrawn. */
  #withdrawing = false;
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: TargetOptions) {
    this.#options = options;
    const { clock, random, debounce, confirm, endpoints, audience, reader, meter } = options;
    const track = reader.track.bind(reader);
    this.#hearing = new Hearing(endpoints.announcements, this.#cache, track, () => this.#lease);
    this.#outlook = new Outlook(endpoints, audience, this.#cache);
    this.#journal = new Journal(tellHistory(options, this.#outlook));
    this.#queue = new Workqueue({ clock, random, debounce, meter });
    this.#gate = new Gate(
      () =>
        this.#cache.known &&
        this.#session.type === 'held' &&
        endpoints.listedAt !== undefined &&
        !this.#stopped &&
        this.#hasHeard(),
    );
    this.#guard = new Guard({
      policy: () => options.policy,
      clock,
      confirm,
      queue: this.#queue,
      journal: this.#journal,
      say: this.#say.bind(this),
      owned: () => this.#cache.owned,
      listedAt: () => endpoints.listedAt,
      partial: () => endpoints.partial,
    });
  }

  get name(): string {
    return this.#options.reader.target;
  }

  get cache(): ObservedCache {
    return this.#cache;
  }

  get journal(): Journal {
    return this.#journal;
  }

  get session(): SessionState {
    return this.#session;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  get pending(): number {
    return this.#queue.size;
  }

  /** What its queue holds, and how many batches are under way. */
  load(): QueueLoad & { readonly workers: number } {
    return { ...this.#queue.load(), workers: this.#inFlight.size };
  }

  get differences(): number {
    return this.#differences;
  }

  get brakeEngaged(): boolean {
    return this.#guard.brakeEngaged;
  }

  /** Every key that is wanted has been read. */
  get observed(): boolean {
    return this.#cache.known && !this.#options.reader.tracking;
  }

  get audience(): Audience {
    return this.#options.audience;
  }

  /** Nothing is left to do but what only a person can mend. */
  get converged(): boolean {
    const { tracking } = this.#options.reader;
    return this.#gate.open && !tracking && this.#queue.size === this.#journal.count('failed');
  }

  /** Runs reader, session and workers until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { reader, writer, endpoints, audience } = this.#options;
    const subscription = reader.observations.subscribe((observation) => {
      this.#observe(observation);
    });
    const wanted = () => [...endpoints.desiredKeys(audience), ...this.#hearing.wanted()];
    const parts = [reader.run(wanted, signal, (key) => endpoints.announcements.has(key))];
    if (writer !== undefined) {
      parts.push(writer.keepSession(signal));
      for (let worker = 0; worker < WORKERS; worker += 1) parts.push(this.#work(writer, signal));
    }
    await Promise.all(parts);
    subscription.unsubscribe();
  }

  /** Something about these keys changed on the desired side. */
  dirty(work: readonly Work[]): void {
    const { writer, reader } = this.#options;
    if (writer === undefined)
      reader.track(work.map(({ key }) => key).filter((key) => this.#cache.get(key) === undefined));
    else for (const item of work) this.#enqueue(item);
    this.#options.onChange();
  }

  /** The desired side became known: everything it wants is compared with what is there. */
  reconsider(): void {
    this.#enqueueDiffering(this.#outlook.keys(), () => 'relisted');
    this.#gate.check();
  }

  /** Reads the registry again, to find what no event told. */
  relist(): void {
    this.#options.reader.relist();
  }

  get #lease(): string | undefined {
    return this.#session.type === 'held' ? this.#session.lease : undefined;
  }

  /** What a pass would do about a key now. */
  verdict(key: string, cause: Cause, group?: string): Verdict {
    return planKey({
      key,
      desired: this.#withdrawing ? undefined : this.#outlook.desired(key),
      observed: this.#cache.get(key),
      lastWritten: this.#cache.lastWritten(key),
      contested: this.#cache.contested(key, this.#options.clock.monotonic()),
      lease: this.#lease,
      lostLease: this.#cache.lostLease(key),
      ...{ cause, group },
    });
  }

  /** Nothing has to be done about this key, or nothing can be: somebody else's record stands there. */
  asWanted(key: string): boolean {
    const verdict = this.verdict(key, { code: 'relisted', at: this.#options.clock.now(), explained: true });
    return verdict.type !== 'change';
  }

  /** Why a key differs, as far as it is known; `cause` otherwise. */
  causeOf(key: string, cause: Cause): Cause {
    return this.#outlook.causeOf(key, cause);
  }

  /** Every key that is wanted or held, in the order of keys. */
  allKeys(): readonly string[] {
    return [...this.#outlook.keys()].sort();
  }

  /** Begins nothing new; resolves when the writes under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#inFlight);
  }

  /** Withdraws every own record, after `stop`, as far as it can before the signal aborts; answers how many are left. */
  async withdrawAll(signal: AbortSignal): Promise<number> {
    const { writer, clock } = this.#options;
    if (writer === undefined || this.#session.type !== 'held') return this.#cache.owned;
    this.#withdrawing = true;
    const left = (): readonly string[] => [...this.#cache.keys()].filter((key) => this.#cache.isOwned(key));
    for (let attempt = 0; attempt < WITHDRAW_ATTEMPTS && !signal.aborted; attempt += 1) {
      const cause: Cause = { code: 'shutdown', at: clock.now(), explained: true };
      const work = left().map((key) => ({ key, cause, queuedAt: clock.monotonic() }));
      if (work.length === 0) break;
      await this.#process(writer, work, signal);
    }
    return left().length;
  }

  #observe(observation: Observation): void {
    switch (observation.type) {
      case 'unknown':
        if (this.#cache.known || this.#failure === undefined)
          this.#say(
            'warn',
            { reason: observation.failure.message, code: observation.failure.code },
            'registry out of sight',
          );
        this.#cache.known = false;
        this.#failure = observation.failure;
        break;
      case 'listed':
        this.#listed(observation);
        break;
      case 'changed': {
        const changed = this.#cache.merge(observation.changes, this.#options.clock.monotonic(), (key) =>
          this.#writing.has(key),
        );
        this.#hearing.changed(observation.changes);
        // The echo of a write of ours may overtake its answer: it is nobody's doing.
        this.#enqueueDiffering(changed, (key) =>
          this.#writing.has(key) || this.#cache.isAsWritten(key) ? 'relisted' : 'damage-altered',
        );
        this.#gate.check();
        break;
      }
      case 'session':
        this.#sessionChanged(observation.session);
        break;
    }
    this.#options.onChange();
  }

  #listed({ records, revision, replaced }: Observation & { type: 'listed' }): void {
    const { clock, onRecords } = this.#options;
    const first = !this.#cache.everKnown;
    if (replaced) {
      this.#say('warn', {}, 'registry was replaced or went back in time');
      this.#cache.forget();
    }
    const wasKnown = this.#cache.known;
    const differing = this.#cache.replace(records, revision, clock.monotonic());
    onRecords(this.#seen(records));
    this.#hearing.listed();
    if (!first && !replaced && wasKnown) this.#differences += differing.length;
    if (!wasKnown) this.#say('info', { records: records.size, revision }, 'registry in sight');
    if (!first && differing.length > 0)
      this.#say('info', { differences: differing.length }, 'a list found what no event had told');
    this.#failure = undefined;
    this.#queue.forgive();
    this.#enqueueDiffering(this.#outlook.keys(), () => 'relisted');
    this.#gate.check();
  }

  #seen(records: ReadonlyMap<string, ObservedRecord>): readonly SeenRecord[] {
    const seen: SeenRecord[] = [];
    for (const [key, { record }] of records)
      if (record !== undefined) seen.push({ key, value: record.value, owned: this.#cache.isOwned(key) });
    return seen;
  }

  #sessionChanged(session: SessionState): void {
    const before = this.#session;
    this.#session = session;
    if (session.type === 'standby' && before.type !== 'standby')
      this.#say(
        'warn',
        { holder: session.holder, reason: session.why },
        'standing by: another instance holds this owner id',
      );
    if (session.type === 'lost' && before.type === 'held')
      this.#say('warn', { reason: session.failure.message }, 'host lease lost');
    if (session.type !== 'held') return;
    if (before.type !== 'held')
      this.#say('info', { lease: session.lease, taken_up: session.takenUp }, 'host lease held');
    this.#queue.forgive();
    this.#enqueueDiffering(this.#outlook.keys(), () => 'relisted');
    this.#gate.check();
  }

  /** Nothing that stands is touched before it is known which containers of those that were first seen announce themselves. */
  #hasHeard(): boolean {
    this.#heard ||= !this.#options.reader.tracking;
    return this.#heard;
  }

  /** Queues the keys that need something; one pass over many keys costs no write where nothing differs. */
  #enqueueDiffering(keys: Iterable<string>, codeOf: (key: string) => Cause['code']): void {
    if (this.#options.writer === undefined || this.#options.endpoints.listedAt === undefined) return;
    const at = this.#options.clock.now();
    for (const key of keys) {
      const cause = this.causeOf(key, { code: codeOf(key), at, explained: false });
      if (this.verdict(key, cause).type === 'settled') this.#noteUnchanged(key, at);
      else this.#enqueue({ key, cause });
    }
  }

  #noteUnchanged(key: string, at: number): void {
    this.#journal.unchanged(key, this.#outlook.desired(key) !== undefined, at);
  }

  #enqueue(work: Work): void {
    const subject = this.#outlook.subjectOf(work.key) ?? work.subject;
    const { key, cause } = this.#queue.add(subject === undefined ? work : { ...work, subject });
    const verdict = cause.explained ? undefined : this.verdict(key, cause);
    this.#guard.foresee(key, verdict?.type === 'change' && verdict.change.action === 'delete');
  }

  async #work(writer: RegistryWriter, signal: AbortSignal): Promise<void> {
    const { batchKeys = BATCH_KEYS } = this.#options;
    while (!signal.aborted) {
      await this.#gate.pass(signal);
      const batch = await this.#queue.take(batchKeys, signal);
      if (this.#gate.open) await this.#tracked(this.#process(writer, batch, signal));
      else for (const work of batch) this.#queue.recheck(work, 0);
      this.#options.onChange();
    }
  }

  async #tracked(work: Promise<void>): Promise<void> {
    this.#inFlight.add(work);
    await work;
    this.#inFlight.delete(work);
  }

  async #process(writer: RegistryWriter, batch: readonly TakenWork[], signal: AbortSignal): Promise<void> {
    const planned = new Map<TakenWork, Change>();
    for (const work of batch) {
      const verdict = this.verdict(work.key, work.cause, work.group);
      if (verdict.type === 'change') planned.set(work, verdict.change);
      else this.#withoutChange(work, verdict);
    }
    this.#guard.filter(planned, batch);
    if (planned.size === 0) return;
    for (const { key } of planned.keys()) this.#writing.add(key);
    const context = {
      cache: this.#cache,
      queue: this.#queue,
      journal: this.#journal,
      clock: this.#options.clock,
      say: this.#say.bind(this),
      meter: this.#options.meter,
    };
    await applyChanges(writer, planned, context, signal);
    for (const { key } of planned.keys()) this.#writing.delete(key);
    this.#hearing.applied([...planned.keys()].map(({ key }) => key));
  }

  #withoutChange(work: TakenWork, verdict: Exclude<Verdict, { type: 'change' }>): void {
    const at = this.#options.clock.now();
    if (verdict.type === 'foreign') {
      const fresh = this.#journal.missed(work, {
        state: 'conflict',
        outcome: 'left alone',
        at,
        nextTryAt: undefined,
        why: FOREIGN,
      });
      // Nothing of ours stands there, so nothing else tells when it goes away.
      this.#options.reader.track([work.key]);
      if (fresh)
        this.#say('warn', { key: work.key, ...work.subject, reason: FOREIGN }, 'conflict: record left alone');
    } else this.#noteUnchanged(work.key, at);
    this.#queue.finish(work.key);
  }

  #say(level: 'debug' | 'info' | 'warn', fields: object, message: string): void {
    this.#options.log[level]({ target: this.name, ...fields }, message);
  }
}
