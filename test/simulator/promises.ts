import { decodeHeartbeat } from '../../src/provider/kv/heartbeat.ts';
import type { KeyValue, Operation } from '../../src/provider/kv/store.ts';
import type { SimHost } from './host.ts';
import type { Commit, KeptAlive, Origin } from './registry.ts';
import { drains, SECRET, type Subject } from './subjects.ts';

/** A promise of the design (section 2) that was not kept. */
export class Violation extends Error {
  readonly promise: string;

  constructor(promise: string, what: string) {
    super(`${promise}: ${what}`);
    this.promise = promise;
  }
}

export interface PromiseContext {
  readonly hosts: readonly SimHost[];
  /** Since when a host has had no heartbeat in a registry (ms). */
  readonly absentSince: (registry: number, owner: string) => number;
  readonly origin: (registry: number, entry: KeyValue) => Origin | undefined;
  readonly now: () => number;
  readonly isAlive: (instance: string) => boolean;
  /** The host's agent was started after its wall clock had been moved: it can only guess how long a drain has lasted. */
  readonly lostTime: (host: SimHost) => boolean;
  readonly violated: (violation: Violation) => void;
}

const TTL_MS = 15_000;
const GRACE_MS = 30_000;
/** It may have been asked before it came back, and have no heartbeat yet: so long what it left may still go. */
const JUST_BACK_MS = 12_000;
const SLACK_MS = 1_000;
/** What left before its agent heard of a signal may land after it. */
const IN_FLIGHT_MS = 50;
/** Whatever became of a container so long ago is known by now, after the longest absence of an engine. */
const KNOWN_MS = 60_000;
/** Somebody who takes over keeps the lease that he found alive once for each try. */
const KEEPS_IN_PASSING = 4;

/** How an instance keeps a lease alive: last when, and since when without a missed beat. */
interface Renewals {
  readonly at: number;
  readonly since: number;
}

/** What must hold at each single write, whatever happens around it. */
export class Promises {
  readonly #context: PromiseContext;
  readonly #renewed = new Map<string, Renewals>();
  readonly #strangeKeeps = new Map<string, number>();

  constructor(context: PromiseContext) {
    this.#context = context;
  }

  committed(commit: Commit): void {
    const host = this.#context.hosts.find(({ owner }) => owner === commit.actor.owner);
    if (host === undefined) return;
    for (const operation of commit.operations) {
      const before = commit.before.get(operation.key);
      this.#clean(operation);
      const lost = this.#estateOf(operation, before, commit, host);
      if (lost !== undefined) this.#cleared(commit, operation, before, lost);
      else if (operation.key.startsWith('/portolan/')) this.#ownBookkeeping(operation.key, host);
      else this.#ownRecord(commit, operation, before, host);
      if (operation.key === heartbeatKey(host)) this.#takeover(commit, before);
    }
    this.#fenced(commit, host);
  }

  keptAlive({ registry, actor: { instance }, lease, heartbeat }: KeptAlive): void {
    const where = `${String(registry)}/${lease}`;
    this.#renew(`${where}/${instance}`);
    const holder = heartbeat === undefined ? undefined : decodeHeartbeat(heartbeat);
    const strange = `${where}/${instance}`;
    if (holder?.lease !== lease || holder.instance === instance || !this.#context.isAlive(holder.instance)) {
      this.#strangeKeeps.delete(strange);
      return;
    }
    const keeps = (this.#strangeKeeps.get(strange) ?? 0) + 1;
    this.#strangeKeeps.set(strange, keeps);
    if (keeps > KEEPS_IN_PASSING)
      this.#break('ownership', `${instance} keeps the lease of ${holder.instance}, which lives`);
  }

  #renew(who: string): void {
    const at = this.#context.now();
    const before = this.#renewed.get(who);
    const goesOn = before !== undefined && at - before.at < TTL_MS / 3 + SLACK_MS;
    this.#renewed.set(who, { at, since: goesOn ? before.since : at });
  }

  #clean({ key, ...operation }: Operation): void {
    const value = 'value' in operation ? operation.value : '';
    if (key.includes(SECRET) || value.includes(SECRET))
      this.#break('no secret leaks', `${key} shows what stands in an environment or a refused label`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
    if (/[\u0000-\u001f\u007f]|\/\.\.?(\/|$)|\/\//.test(key))
      this.#break('nothing enters unchecked', `the key ${JSON.stringify(key)}`);
  }

  #ownBookkeeping(key: string, { owner }: SimHost): void {
    const own = [`/portolan/owners/${owner}/`, `/portolan/drains/${owner}/`];
    const single = [`/portolan/hosts/${owner}`, `/portolan/cards/${owner}`];
    // Whom it looks after is no secret, and nobody's property.
    if (key.startsWith('/portolan/janitors/')) return;
    if (!single.includes(key) && !own.some((prefix) => key.startsWith(prefix)))
      this.#break('ownership', `${owner} wrote ${key}`);
  }

  #ownRecord(commit: Commit, operation: Operation, before: KeyValue | undefined, host: SimHost): void {
    if (before === undefined) {
      this.#ready(operation, host);
      return;
    }
    const origin = this.#context.origin(commit.registry, before);
    if (origin?.actor.owner !== host.owner)
      this.#break(
        'ownership',
        `${host.owner} ${operation.type}s ${before.key}, which ${origin?.actor.instance ?? 'nobody'} created`,
      );
    else if (operation.type === 'delete') this.#wanted(before, origin, host);
    else this.#drainHolds(before, operation.value, host);
  }

  /** What was never ready is in no rotation, whatever happens. */
  #ready({ key, type }: Operation, host: SimHost): void {
    const subject = type === 'put' && key.startsWith('/services/') ? subjectOf(key, host) : undefined;
    if (subject?.probed === true && !subject.everReady)
      this.#break('readiness', `${key} was put, but nothing has ever listened there`);
  }

  /** What its container has never stopped to offer since the record stands there is never deleted. */
  #wanted({ key }: KeyValue, { at }: Origin, host: SimHost): void {
    const subject = subjectOf(key, host);
    if (subject === undefined) return;
    const since = key.startsWith('/services/') ? subject.readySince : subject.aliveSince;
    if (since !== undefined && since <= at && this.#context.now() - since > KNOWN_MS)
      this.#break(
        'unknown is not empty',
        `${key} was deleted, but its container has offered it all the time`,
      );
  }

  #drainHolds(before: KeyValue, value: string, host: SimHost): void {
    const subject = subjectOf(before.key, host);
    if (subject === undefined || !before.key.startsWith('/services/')) return;
    if (!before.value.includes('"cause":"stop-signal"') || value.includes('"draining"')) return;
    const since = subject.signalledAt;
    if (since === undefined || subject.unheard || this.#context.lostTime(host)) return;
    if (this.#context.now() - since < IN_FLIGHT_MS) return;
    // The stop timeout ends at that very moment for the agent, which may have heard of the signal a little earlier.
    if (drains(subject, this.#context.now() + 1_000) && subject.readyAtSignal)
      this.#break('drain', `${before.key} is back in rotation, but its container was told to stop`);
  }

  /** The other host whose estate this removal is a part of. */
  #estateOf(
    { type, key }: Operation,
    before: KeyValue | undefined,
    { registry }: Commit,
    self: SimHost,
  ): SimHost | undefined {
    if (type !== 'delete') return undefined;
    const creator = before === undefined ? undefined : this.#context.origin(registry, before)?.actor.owner;
    return this.#context.hosts.find(
      ({ owner }) =>
        owner !== self.owner &&
        (key === `/portolan/cards/${owner}` ||
          key.startsWith(`/portolan/owners/${owner}/`) ||
          key.startsWith(`/portolan/drains/${owner}/`) ||
          (!key.startsWith('/portolan/') && creator === owner)),
    );
  }

  /** Only what a host left that is off, and has been away for the grace; each part of it once. */
  #cleared(
    { registry, before: seen, actor }: Commit,
    { key }: Operation,
    before: KeyValue | undefined,
    lost: SimHost,
  ): void {
    const now = this.#context.now();
    const whose = `${actor.instance} removed ${key} of ${lost.owner}`;
    if (seen.has(heartbeatKey(lost))) this.#break('lost hosts', `${whose}, which has a heartbeat`);
    const away = now - this.#context.absentSince(registry, lost.owner);
    if (away < GRACE_MS) this.#break('lost hosts', `${whose}, which was away for ${String(away)} ms only`);
    if (!lost.isOff && now - lost.onSince > JUST_BACK_MS) this.#break('lost hosts', `${whose}, which is on`);
    if (before === undefined) this.#break('lost hosts', `${whose}, which was gone already`);
  }

  #takeover({ registry, actor, at }: Commit, before: KeyValue | undefined): void {
    const held = before === undefined ? undefined : decodeHeartbeat(before);
    if (held === undefined || held.instance === actor.instance || held.handover) return;
    if (!this.#context.isAlive(held.instance)) return;
    const renewed = this.#renewed.get(`${String(registry)}/${held.lease}/${held.instance}`);
    // After a beat was missed anybody may take over; that it goes on at the same moment is bad luck.
    const steady = renewed !== undefined && renewed.at - renewed.since > TTL_MS / 3;
    if (steady && at - renewed.at < TTL_MS / 3)
      this.#break(
        'ownership',
        `${actor.instance} took over from ${held.instance}, which lives and keeps its lease`,
      );
  }

  /** Whoever writes records holds the heartbeat. */
  #fenced({ actor, operations, heartbeat }: Commit, host: SimHost): void {
    if (operations.some(({ key }) => key === heartbeatKey(host))) return;
    const holder = heartbeat === undefined ? undefined : decodeHeartbeat(heartbeat);
    if (holder?.instance !== actor.instance)
      this.#break(
        'ownership',
        `${actor.instance} wrote while the heartbeat was ${holder?.instance ?? 'nobody'}'s`,
      );
  }

  #break(promise: string, what: string): void {
    this.#context.violated(new Violation(promise, what));
  }
}

function heartbeatKey({ owner }: SimHost): string {
  return `/portolan/hosts/${owner}`;
}

function subjectOf(key: string, host: SimHost): Subject | undefined {
  const id = key.slice(key.lastIndexOf('/') + 1);
  for (const subject of host.subjects.values()) if (subject.id.startsWith(id)) return subject;
  return undefined;
}
