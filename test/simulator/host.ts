import { type DrainOrder, WHOLE_HOST } from '../../src/core/drain-order.ts';
import type { Clock } from '../../src/core/ports.ts';
import { FakeEngine } from '../kit/engine-fake.ts';
import type { FakeContainer } from '../kit/fake-container.ts';
import type { Way } from './network.ts';
import { drains, newSubject, type Subject } from './subjects.ts';

/** How the records of a host expire; `mixed`: only those of `/services` go with the lease. */
export type Expiry = 'prune' | 'ttl' | 'mixed';

/** What is done to a container. `quiet`: without an event, as when the engine's ring has overflowed. */
export type Act =
  | 'start'
  | 'stop'
  | 'term'
  | 'die'
  | 'remove'
  | 'pause'
  | 'unpause'
  | 'healthy'
  | 'unhealthy'
  | 'rename'
  | 'open'
  | 'close';

/** A machine with an engine and containers, and its ways to the registries. The agent on it comes and goes. */
export class SimHost {
  readonly index: number;
  readonly owner: string;
  readonly engine: FakeEngine;
  readonly ways: readonly Way[];
  readonly subjects = new Map<string, Subject>();
  address: string;
  /** Since when its power is off (ms), and since when it is on. */
  offSince: number | undefined;
  onSince = 0;
  /** What its agents are told when they are started. */
  expiry: Expiry;
  /** What its state folder remembers of drains by command. */
  folder: readonly DrainOrder[] = [];
  /** Whom people took out of rotation: ids of containers, or the whole host. */
  readonly ordered = new Set<string>();
  /** A second agent that knows nothing of the state folder may have carried on after the orders. */
  ordersUncertain = false;
  readonly #clock: Clock;
  #made = 0;

  constructor(index: number, clock: Clock, ways: readonly Way[], expiry: Expiry) {
    this.index = index;
    this.expiry = expiry;
    this.owner = `host-${String(index)}`;
    this.address = `10.0.${String(index)}.1`;
    this.engine = new FakeEngine(clock);
    this.ways = ways;
    this.#clock = clock;
  }

  get isOff(): boolean {
    return this.offSince !== undefined;
  }

  get all(): readonly Subject[] {
    return [...this.subjects.values()];
  }

  alive(): readonly Subject[] {
    return this.all.filter(({ aliveSince }) => aliveSince !== undefined);
  }

  isOrdered({ id }: Subject): boolean {
    return this.ordered.has(id) || this.ordered.has(WHOLE_HOST);
  }

  /** An order was carried out; `whom`: a container's id, or the whole host. */
  orderGiven(whom: string, drained: boolean): void {
    if (drained) this.ordered.add(whom);
    else this.ordered.delete(whom);
    for (const subject of this.all)
      if (whom === subject.id || whom === WHOLE_HOST) subject.changedAt = this.#clock.now();
  }

  create(kind: number): Subject {
    this.#made += 1;
    const path = `/sim/${this.owner}/s${String(this.#made)}`;
    const subject = newSubject(kind, path, this.index * 1_000 + this.#made);
    const id = this.engine.create({
      ...subject.spec,
      name: `s${String(this.#made)}`,
      id: `${(this.index * 4_096 + this.#made).toString(16).padStart(12, '0')}${'0'.repeat(52)}`,
    });
    const made: Subject = { ...subject, id, changedAt: this.#clock.now() };
    this.subjects.set(id, made);
    return made;
  }

  run(kind: number): Subject {
    const subject = this.create(kind);
    this.act(subject, 'start');
    return subject;
  }

  act(subject: Subject, what: Act): void {
    const { id } = subject;
    const { engine } = this;
    const state = engine.containers.get(id)?.state;
    if (state === undefined) return;
    const alive = state === 'running' || state === 'paused';
    if (what === 'start' ? alive : !alive && what !== 'remove' && what !== 'rename') return;
    this.#engineActs(subject, what, state === 'paused');
    this.#note(subject, what);
  }

  #engineActs({ id, spec }: Subject, what: Act, paused: boolean): void {
    const { engine } = this;
    switch (what) {
      case 'term':
        engine.kill(id, 15);
        break;
      case 'rename':
        engine.rename(id, `${engine.find(id)?.name ?? ''}x`);
        break;
      case 'pause':
      case 'unpause':
        if (paused === (what === 'unpause')) engine[what](id);
        break;
      case 'healthy':
      case 'unhealthy':
        if (spec.health === true && !paused) engine.setHealth(id, what);
        break;
      case 'open':
      case 'close':
        // Of which an engine knows nothing.
        break;
      default:
        engine[what](id);
    }
  }

  /** Brings what is believed of the container up to date with the engine. */
  #note(subject: Subject, what: Act): void {
    const now = this.#clock.now();
    const container = this.engine.containers.get(subject.id);
    const alive = container?.isAlive === true;
    const wasReady = subject.readySince !== undefined;
    if (what === 'open' || what === 'close') subject.portClosed = what === 'close';
    subject.changedAt = now;
    subject.aliveSince = sinceWhen(alive, subject.aliveSince, now);
    this.#noteHealth(subject, what, container);
    if (this.engine.isQuiet) subject.unheard = true;
    else if (!alive) subject.unheard = false;
    if (!alive || what === 'start') subject.signalledAt = undefined;
    else if (what === 'term') {
      if (!drains(subject, now)) subject.readyAtSignal = wasReady;
      subject.signalledAt = now;
    }
    if (subject.signalledAt === undefined) subject.endUncertain = false;
    if (container !== undefined) return;
    this.subjects.delete(subject.id);
    this.ordered.delete(subject.id);
  }

  #noteHealth(subject: Subject, what: Act, container: FakeContainer | undefined): void {
    const now = this.#clock.now();
    const alive = container?.isAlive === true;
    const health = subject.spec.health === true ? container?.health : 'healthy';
    const fails = health === 'unhealthy' || (subject.probed && subject.portClosed);
    const ready = alive && container.state === 'running' && health === 'healthy' && !fails;
    const wasUnhealthy = subject.unhealthyAt !== undefined;
    subject.readySince = sinceWhen(ready, subject.readySince, now);
    subject.unhealthyAt = sinceWhen(alive && fails, subject.unhealthyAt, now);
    if (what === 'start') subject.downs = [];
    if (subject.unhealthyAt !== undefined && !wasUnhealthy) subject.downs = [...subject.downs, now];
    subject.everReady ||= ready;
  }
}

function sinceWhen(holds: boolean, since: number | undefined, now: number): number | undefined {
  return holds ? (since ?? now) : undefined;
}
