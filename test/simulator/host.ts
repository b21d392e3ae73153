import type { Clock } from '../../src/core/ports.ts';
import { FakeEngine } from '../kit/engine-fake.ts';
import type { Way } from './network.ts';
import { drains, newSubject, type Subject } from './subjects.ts';

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
  | 'rename';

/** A machine with an engine and containers, and its ways to the registries. The agent on it comes and goes. */
export class SimHost {
  readonly index: number;
  readonly owner: string;
  readonly engine: FakeEngine;
  readonly ways: readonly Way[];
  readonly subjects = new Map<string, Subject>();
  address: string;
  readonly #clock: Clock;
  #made = 0;

  constructor(index: number, clock: Clock, ways: readonly Way[]) {
    this.index = index;
    this.owner = `host-${String(index)}`;
    this.address = `10.0.${String(index)}.1`;
    this.engine = new FakeEngine(clock);
    this.ways = ways;
    this.#clock = clock;
  }

  get all(): readonly Subject[] {
    return [...this.subjects.values()];
  }

  alive(): readonly Subject[] {
    return this.all.filter(({ aliveSince }) => aliveSince !== undefined);
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
    if (what === 'start') engine.start(id);
    else if (what === 'stop') engine.stop(id);
    else if (what === 'term') engine.kill(id, 15);
    else if (what === 'die') engine.die(id);
    else if (what === 'remove') engine.remove(id);
    else if (what === 'rename') engine.rename(id, `${engine.find(id)?.name ?? ''}x`);
    else if (what === 'pause' && !paused) engine.pause(id);
    else if (what === 'unpause' && paused) engine.unpause(id);
    else if (what === 'healthy' || what === 'unhealthy') {
      if (spec.health === true && !paused) engine.setHealth(id, what);
    }
  }

  /** Brings what is believed of the container up to date with the engine. */
  #note(subject: Subject, what: Act): void {
    const now = this.#clock.now();
    const container = this.engine.containers.get(subject.id);
    const alive = container?.isAlive === true;
    const healthy = subject.spec.health !== true || container?.health === 'healthy';
    const ready = alive && container.state === 'running' && healthy;
    const wasReady = subject.readySince !== undefined;
    subject.changedAt = now;
    subject.aliveSince = alive ? (subject.aliveSince ?? now) : undefined;
    subject.readySince = ready ? (subject.readySince ?? now) : undefined;
    const unhealthy = alive && subject.spec.health === true && container.health === 'unhealthy';
    subject.unhealthyAt = unhealthy ? (subject.unhealthyAt ?? now) : undefined;
    if (!alive || what === 'start') subject.signalledAt = undefined;
    else if (what === 'term') {
      if (!drains(subject, now)) subject.readyAtSignal = wasReady;
      subject.signalledAt = now;
    }
    if (container === undefined) this.subjects.delete(subject.id);
  }
}
