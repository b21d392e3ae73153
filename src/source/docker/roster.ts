import { isDeepStrictEqual } from 'node:util';
import type { Container } from '../../core/container.ts';
import type { SourceSignal } from '../../core/ports.ts';

/** What is remembered of one container: what the consumer was told, and what a later event or list needs. */
export interface Track {
  readonly id: string;
  said: 'nothing' | 'alive' | 'died';
  /** The facts last told; only while it is alive. */
  facts: Container | undefined;
  /** Facts read at `create`, waiting for the start. */
  early: Container | undefined;
  /** When a start event came while the inspection of `create` was still under way. */
  startedAt: number | undefined;
  /** A signal that came before the first facts did. */
  signal: { readonly name: string; readonly at: number } | undefined;
  /** The list row that the facts were read with; undefined: to be inspected at the next list. */
  fingerprint: string | undefined;
  /** What became of the last inspection. */
  read: 'alive' | 'not-alive' | 'unreadable' | 'failed' | undefined;
  /** Number of the last event about it, see `Roster.events`. */
  touched: number;
}

/** Every container that something is known of; the only place that says what the consumer hears. */
export class Roster {
  readonly #tracks = new Map<string, Track>();
  readonly #say: (signal: SourceSignal) => void;
  /** Counts events: a list that was asked for before an event knows less than the event. */
  events = 0;

  constructor(say: (signal: SourceSignal) => void) {
    this.#say = say;
  }

  get(id: string): Track | undefined {
    return this.#tracks.get(id);
  }

  ensure(id: string): Track {
    let track = this.#tracks.get(id);
    if (track === undefined) {
      track = {
        id,
        said: 'nothing',
        facts: undefined,
        early: undefined,
        startedAt: undefined,
        signal: undefined,
        fingerprint: undefined,
        read: undefined,
        touched: 0,
      };
      this.#tracks.set(id, track);
    }
    return track;
  }

  all(): IterableIterator<Track> {
    return this.#tracks.values();
  }

  /** An event about the container arrived. */
  touch(id: string): Track {
    const track = this.ensure(id);
    this.events += 1;
    track.touched = this.events;
    // Whatever the event changed, the row of the last list no longer vouches for the facts.
    track.fingerprint = undefined;
    return track;
  }

  /** `told`: an event led to it. True if that was news. */
  seen(track: Track, facts: Container, at: number, told = true): boolean {
    track.startedAt = undefined;
    track.early = undefined;
    if (track.said === 'alive' && isDeepStrictEqual(track.facts, facts)) return false;
    track.said = 'alive';
    track.facts = facts;
    this.#say({ type: 'seen', container: facts, at, told });
    const { signal } = track;
    track.signal = undefined;
    if (signal !== undefined) this.signalled(track, signal.name, signal.at);
    return true;
  }

  /** The engine sent it a signal. One that does not end it (HUP, USR1) is nobody's business. */
  signalled(track: Track, name: string, at: number): void {
    if (track.facts === undefined) {
      track.signal = { name, at };
    } else if (name === 'SIGTERM' || name === 'SIGKILL' || name === track.facts.stopSignal) {
      this.#say({ type: 'stopping', id: track.id, signal: name, at });
    }
  }

  /** True if that was news. */
  died(track: Track, explained: boolean, at: number): boolean {
    const news = track.said === 'alive';
    track.facts = undefined;
    track.early = undefined;
    track.startedAt = undefined;
    track.signal = undefined;
    track.fingerprint = undefined;
    if (news) {
      track.said = 'died';
      this.#say({ type: 'ended', id: track.id, how: 'died', explained, at });
    }
    return news;
  }

  /** True if that was news. */
  removed(track: Track, explained: boolean, at: number): boolean {
    this.#tracks.delete(track.id);
    if (track.said === 'nothing') return false;
    this.#say({ type: 'ended', id: track.id, how: 'removed', explained, at });
    return true;
  }

  /** Inspections end with the connection; what they were to find out is left to the next list. */
  disconnected(): void {
    for (const track of this.#tracks.values()) {
      track.early = undefined;
      track.startedAt = undefined;
      track.signal = undefined;
      if (track.said === 'nothing') this.#tracks.delete(track.id);
    }
  }
}
