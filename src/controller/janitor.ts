import type { Failure } from '../core/failure.ts';
import { judgeLost } from '../core/lost-host.ts';
import type { Policy } from '../core/policy.ts';
import type {
  Clock,
  EstateWriter,
  Fleet,
  FleetChange,
  FleetHost,
  HostProbe,
  Log,
  Random,
} from '../core/ports.ts';
import type { Absence } from './absence.ts';
import { type Finding, lookAt } from './clearing.ts';
import { type Retirement, retire } from './retirement.ts';
import { Slots } from './slots.ts';

export interface JanitorOptions {
  readonly target: string;
  readonly fleet: Fleet;
  /** Absent in a dry run: then nothing can be removed, whatever is found. */
  readonly estates: EstateWriter | undefined;
  readonly policy: Policy;
  /** This agent's own owner id. */
  readonly self: string;
  /** 0: never. */
  readonly graceMs: number;
  readonly probe: HostProbe;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onChange: () => void;
}

/** Agents that see the same absence do not come at the same moment: the first one's claim keeps the others away. */
const JITTER_MS = 300;
/** A card may be seen before the heartbeat that was written with it: that is no absence. */
const TELL_AFTER_MS = 1_000;
/** Somebody has to notice when an unattended host dies too. */
const ASK_AGAIN_MS = 10_000;
const RETRY_MS = 2_000;
/** What this agent cannot do or find out is left to others meanwhile. */
const LEAVE_MS = 60_000;
/** Lost hosts that are looked at at once. */
const AT_ONCE = 8;

/**
 * Looks after the lost hosts of one registry: counts how long each has been away, and once the grace is over asks
 * whether it lives and clears what it left. One agent at a time does so for each host, by a claim under its own lease.
 */
export class Janitor {
  readonly #options: JanitorOptions;
  /** Owners whose absence, or whose answer, has been told; once each. */
  readonly #told = new Map<string, Set<string>>();
  readonly #absences = new Map<string, Absence>();
  readonly #slots = new Slots(AT_ONCE);
  #signal = AbortSignal.abort();

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  get target(): string {
    return this.#options.target;
  }

  get self(): string {
    return this.#options.self;
  }

  get fleet(): Fleet {
    return this.#options.fleet;
  }

  /** Removes what a host left at once, because a person says that it will not come back. */
  async retire(owner: string, force: boolean, signal: AbortSignal): Promise<Retirement> {
    const retirement = await retire(owner, force, this.#options, signal);
    if (retirement.type === 'retired')
      this.#say('info', { host: owner, records: retirement.records }, 'a host was removed by order');
    return retirement;
  }

  /** Hosts without a heartbeat, by owner. */
  get absences(): ReadonlyMap<string, Absence> {
    return this.#absences;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { fleet } = this.#options;
    const subscription = fleet.changes.subscribe((change) => {
      this.#take(change);
    });
    if (fleet.known) this.#take({ type: 'listed' });
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else
        signal.addEventListener(
          'abort',
          () => {
            resolve();
          },
          { once: true },
        );
    });
    subscription.unsubscribe();
    for (const owner of [...this.#absences.keys()]) this.#forget(owner);
  }

  /** The grace or the policy has changed. */
  reconsider(): void {
    for (const [owner, absence] of this.#absences) {
      if (absence.claim === undefined) absence.nextAt = undefined;
      this.#look(owner);
    }
  }

  #take(change: FleetChange): void {
    const { fleet, onChange } = this.#options;
    if (change.type === 'changed') this.#look(change.owner);
    // What came back unseen may be gone again: the grace starts anew with the next list.
    else for (const owner of [...this.#absences.keys()]) this.#forget(owner);
    if (change.type === 'listed') for (const owner of fleet.hosts.keys()) this.#look(owner);
    onChange();
  }

  #look(owner: string): void {
    const host = this.#options.fleet.hosts.get(owner);
    const card = this.#cardOfLost(host);
    if (this.#absences.get(owner)?.card !== card) this.#forget(owner);
    if (host === undefined || card === undefined) this.#lookAway(owner, host);
    else {
      const absence = this.#absences.get(owner) ?? this.#begin(owner, card, host);
      if (!absence.busy) this.#schedule(absence, host);
    }
  }

  /** undefined: it is no lost host, or it is this agent's own. */
  #cardOfLost(host: FleetHost | undefined): string | undefined {
    const away = host?.attended === false && host.owner !== this.#options.self;
    return away ? host.card?.revision : undefined;
  }

  /** It is back, or nothing is left of it. */
  #lookAway(owner: string, host: FleetHost | undefined): void {
    const { self, estates } = this.#options;
    if (this.#told.delete(owner) && host?.attended === true)
      this.#say('info', { host: owner }, 'a host that had no heartbeat is back');
    if (host?.janitor?.owner === self) void estates?.release(owner, this.#signal);
  }

  #begin(owner: string, card: string, host: FleetHost): Absence {
    const { clock } = this.#options;
    const absence: Absence = {
      ...{ owner, card, since: clock.monotonic(), sinceWall: clock.now(), why: '', nextAt: undefined },
      ...{
        cancel: () => undefined,
        untell: () => undefined,
        busy: false,
        over: new AbortController(),
        claim: undefined,
      },
      ...{ answers: false, found: [] },
    };
    this.#absences.set(owner, absence);
    absence.untell = clock.timer(TELL_AFTER_MS, () => {
      this.#tellOnce(owner, { name: host.card?.name }, 'a host has no heartbeat any more');
    });
    return absence;
  }

  #forget(owner: string): void {
    const absence = this.#absences.get(owner);
    absence?.cancel();
    absence?.untell();
    absence?.over.abort();
    this.#absences.delete(owner);
  }

  #schedule(absence: Absence, host: FleetHost): void {
    const { clock, random, graceMs, policy, self } = this.#options;
    const absentMs = clock.monotonic() - absence.since;
    const verdict = judgeLost({ host, absentMs, graceMs, policy, self });
    if (verdict.type !== 'look') absence.why = verdict.why;
    if (verdict.type === 'wait') this.#at(absence, verdict.ms + JITTER_MS * random());
    else if (verdict.type === 'look' && absence.nextAt === undefined) this.#at(absence, JITTER_MS * random());
    else if (verdict.type !== 'look') this.#at(absence, undefined);
  }

  /** Looks again after so long, or (undefined) not before something changes. */
  #at(absence: Absence, ms: number | undefined): void {
    const { clock } = this.#options;
    absence.cancel();
    absence.nextAt = ms === undefined ? undefined : clock.monotonic() + ms;
    if (ms !== undefined)
      absence.cancel = clock.timer(ms, () => {
        absence.nextAt = undefined;
        void this.#due(absence);
      });
  }

  async #due(absence: Absence): Promise<void> {
    const host = this.#options.fleet.hosts.get(absence.owner);
    const { clock, graceMs, policy, self } = this.#options;
    if (host === undefined || absence.over.signal.aborted) return;
    const absentMs = clock.monotonic() - absence.since;
    if (judgeLost({ host, absentMs, graceMs, policy, self }).type !== 'look') {
      this.#schedule(absence, host);
      return;
    }
    absence.busy = true;
    const signal = AbortSignal.any([this.#signal, absence.over.signal]);
    const finding = await this.#slots.run(() => this.#attend(absence, signal));
    absence.busy = false;
    // The end of its card is seen before the answer to the last write.
    if (signal.aborted && finding?.type !== 'cleared') return;
    this.#conclude(absence, finding);
    this.#options.onChange();
  }

  async #attend(absence: Absence, signal: AbortSignal): Promise<Finding | undefined> {
    const { estates } = this.#options;
    if (estates !== undefined && absence.claim === undefined) {
      const claimed = await estates.claim(absence.owner, absence.card, signal);
      if (!claimed.ok) return { type: 'failed', failure: claimed.failure };
      if (claimed.value === undefined) return undefined;
      absence.claim = claimed.value;
    }
    const finding = await lookAt(absence.owner, absence.claim, this.#options, signal);
    if (finding.type === 'answers' && !absence.answers && absence.claim !== undefined)
      await estates?.tell(absence.claim, 'unattended', signal);
    return finding;
  }

  /** Another agent may be able to do what this one cannot. */
  #leave(absence: Absence): void {
    absence.claim = undefined;
    void this.#options.estates?.release(absence.owner, this.#signal);
    this.#at(absence, LEAVE_MS);
  }

  /** `undefined`: another agent was faster. */
  #conclude(absence: Absence, finding: Finding | undefined): void {
    const { random } = this.#options;
    const { owner } = absence;
    switch (finding?.type) {
      case undefined:
        absence.why = 'another agent looks after it';
        this.#at(absence, RETRY_MS * (1 + random()));
        break;
      case 'answers':
        this.#tellOnce(owner, {}, 'a host without a heartbeat answers: its agent is gone, its records stay');
        absence.answers = true;
        absence.why = 'the host answers, so only its agent is gone';
        this.#at(absence, ASK_AGAIN_MS);
        break;
      case 'unknown':
        absence.why = 'this agent cannot tell whether the host lives';
        this.#leave(absence);
        break;
      case 'planned':
        absence.found = finding.bequests;
        absence.why = 'a dry run removes nothing';
        this.#at(absence, ASK_AGAIN_MS);
        break;
      case 'cleared':
        this.#told.delete(owner);
        this.#say('info', { host: owner, records: finding.removed }, 'a lost host was cleared away');
        break;
      case 'failed':
        this.#failed(absence, finding.failure);
    }
  }

  #failed(absence: Absence, cause: Failure): void {
    const { random } = this.#options;
    if (absence.why !== cause.message)
      this.#say(
        'warn',
        { host: absence.owner, reason: cause.message, code: cause.code },
        'a lost host could not be cleared away',
      );
    absence.why = cause.message;
    // Under another session, or after another agent's claim, ours is worth nothing.
    if (cause.kind === 'fenced' || cause.code === 'lease-lost') absence.claim = undefined;
    if (cause.kind === 'terminal') this.#leave(absence);
    else this.#at(absence, RETRY_MS * (1 + random()));
  }

  #tellOnce(owner: string, fields: object, message: string): void {
    const told = this.#told.get(owner) ?? new Set();
    this.#told.set(owner, told);
    if (told.has(message)) return;
    told.add(message);
    this.#say('warn', { host: owner, ...fields }, message);
  }

  #say(level: 'info' | 'warn', fields: object, message: string): void {
    this.#options.log[level]({ target: this.target, ...fields }, message);
  }
}
