import type { Act, SimHost } from './host.ts';
import type { SimRegistry } from './registry.ts';
import { PROBED_MS, type Subject } from './subjects.ts';
import type { World } from './world.ts';

/** One step of a schedule, as plain data: what it means is up to its kind. */
export interface Step {
  readonly kind: string;
  readonly host: number;
  readonly registry: number;
  /** Picks a container, a record, an amount. */
  readonly pick: number;
  /** How long a fault lasts, milliseconds. */
  readonly ms: number;
  /** How long nothing else is done afterwards, milliseconds. */
  readonly wait: number;
}

/** A step with what it speaks of. */
export interface Scene {
  readonly world: World;
  readonly step: Step;
  readonly host: SimHost;
  readonly registry: SimRegistry;
}

export type Deed = (scene: Scene) => void | Promise<void>;

export function picked<T>(from: readonly T[], pick: number): T | undefined {
  return from[pick % Math.max(1, from.length)];
}

/** Does something to one of the containers that `fits`. */
export function actOnOne(what: Act, fits: (subject: Subject) => boolean = () => true): Deed {
  return ({ world, host, step }) => {
    const subject = picked(host.all.filter(fits), step.pick);
    if (subject !== undefined) act(world, host, subject, what);
  };
}

/** Whether the drain that follows is certain to be seen: nothing was wrong when the signal came. */
export function act(world: World, host: SimHost, subject: Subject, what: Act): void {
  const settled =
    subject.readySince !== undefined && world.now - subject.readySince > (subject.probed ? PROBED_MS : 1_200);
  const calm = world.registries.every(({ index }) => world.isCalm(host, index));
  host.act(subject, what);
  if (what === 'term')
    subject.drainCertain =
      subject.signalledAt !== undefined &&
      subject.readyAtSignal &&
      settled &&
      calm &&
      !host.isOrdered(subject);
}
