import type { Phase } from '../core/endpoint.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { Clock } from '../core/ports.ts';
import { noteOf } from './drains.ts';

/** An endpoint that drains: the only ones with a deadline. It is monotonic, for the clock on the wall may be set. */
interface Draining {
  readonly containerId: string;
  readonly phase: Phase;
  readonly due: number;
}

/** A drain whose time is over. */
export interface OverdueDrain {
  readonly containerId: string;
  readonly endpointId: string;
  /** Epoch ms that count as now: never before the end that was foreseen. */
  readonly at: number;
}

/** The drains that hold, with their deadlines, and those of an earlier process that have not met their endpoint yet. */
export class DrainBook {
  readonly #clock: Clock;
  readonly #over: (drain: OverdueDrain) => void;
  #cancelTimer: (() => void) | undefined;
  readonly #notes = new Map<string, DrainNote>();
  /** Since when each endpoint last drained: a note that is no newer tells nothing new, even if it cannot be deleted. */
  readonly #drained = new Map<string, number>();
  readonly #draining = new Map<string, Draining>();

  /** `over`: told of each drain whose time is over. */
  constructor(clock: Clock, over: (drain: OverdueDrain) => void) {
    this.#clock = clock;
    this.#over = over;
  }

  /** The drains that hold now, to be remembered outside the process. */
  notes(): readonly DrainNote[] {
    return [...this.#draining].map(([id, { phase }]) => noteOf(id, phase));
  }

  /** A drain that an earlier process began; false when it tells nothing new. */
  remember(note: DrainNote): boolean {
    const newer = note.since > (this.#drained.get(note.endpoint) ?? Number.NEGATIVE_INFINITY);
    if (!newer && !this.#knowsMore(note)) return false;
    this.#notes.set(note.endpoint, note);
    return true;
  }

  /** Who knows an order before the registry cannot know of a signal before it, nor what was in rotation when it came. */
  #knowsMore({ endpoint, cause, offered }: DrainNote): boolean {
    const held = this.#draining.get(endpoint)?.phase;
    if (held?.cause !== 'command') return false;
    return cause === 'stop-signal' || (cause === 'command' && offered && !held.offered);
  }

  remembered(endpointId: string): DrainNote | undefined {
    return this.#notes.get(endpointId);
  }

  forget(endpointId: string): void {
    this.#notes.delete(endpointId);
  }

  /** What is left (ms) of a drain that an earlier process began; its notes know only the clock on the wall. */
  leftOf({ since, until }: DrainNote): number {
    if (until === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, Math.min(until - this.#clock.now(), until - since));
  }

  /** The drain of a container that was told to stop or taken out by a command, and how long (ms) it may go on. */
  stopping(containerId: string): { readonly phase: Phase; readonly leftMs: number } | undefined {
    for (const { containerId: its, phase, due } of this.#draining.values())
      if (its === containerId && phase.cause !== 'unhealthy')
        return { phase, leftMs: due - this.#clock.monotonic() };
    return undefined;
  }

  /** An endpoint's phase is now this one (undefined: it is gone); `lasts`: how long (ms) a drain that begins may take. */
  note(containerId: string, endpointId: string, phase: Phase | undefined, lasts: number): void {
    if (phase === undefined) this.#drained.delete(endpointId);
    if (phase?.state !== 'draining') {
      this.#draining.delete(endpointId);
      return;
    }
    const held = this.#draining.get(endpointId);
    const ends = phase.until !== undefined;
    const fresh = ends ? this.#clock.monotonic() + lasts : Number.POSITIVE_INFINITY;
    const goesOn = held !== undefined && held.phase.cause === phase.cause && held.phase.until === phase.until;
    this.#draining.set(endpointId, { containerId, phase, due: goesOn ? held.due : fresh });
    this.#drained.set(endpointId, phase.since);
  }

  /**
   * To be called before the endpoint is given up because a list forgot it: if it comes back with the same start, it
   * drains all the same. What is left is counted from now, for the clock on the wall may have been set since it began.
   * Returns a function to be called when the endpoint has been given up.
   */
  keep(endpointId: string, phase: Phase): () => void {
    const due = this.#draining.get(endpointId)?.due ?? Number.POSITIVE_INFINITY;
    const left = due - this.#clock.monotonic();
    const now = this.#clock.now();
    const until = phase.until === undefined ? undefined : now + left;
    this.#notes.set(endpointId, { ...noteOf(endpointId, phase), since: Math.min(phase.since, now), until });
    // The note in a registry tells nothing newer.
    return () => this.#drained.set(endpointId, phase.since);
  }

  /** To be called after drains have changed: one timer for the one that ends soonest; the machine itself has none. */
  arm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    let next = Number.POSITIVE_INFINITY;
    for (const { due } of this.#draining.values()) next = Math.min(next, due);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#cancelTimer = this.#clock.timer(Math.max(1, next - this.#clock.monotonic()), () => {
      this.#endOverdue();
      this.arm();
    });
  }

  dispose(): void {
    this.#cancelTimer?.();
  }

  /** Their time is over, whatever the clock on the wall says. */
  #endOverdue(): void {
    const elapsed = this.#clock.monotonic();
    const now = this.#clock.now();
    for (const [endpointId, { containerId, phase, due }] of [...this.#draining])
      if (due <= elapsed) this.#over({ containerId, endpointId, at: Math.max(now, phase.until ?? now) });
  }
}
