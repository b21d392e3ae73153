import type { Result } from '../../core/failure.ts';

/** What an engine says about itself at `/version`, and the API version settled with it. */
export interface EngineVersion {
  readonly version: string;
  /** Without the leading `v`, such as `1.41`. */
  readonly apiVersion: string;
}

export interface EngineInfo {
  /** The engine's own stable id; undefined when it does not tell. */
  readonly id: string | undefined;
  /** The host name of the machine that the engine runs on. */
  readonly name: string | undefined;
  /** Where it keeps everything; two engines of one machine may have one id and one name, but never this. */
  readonly root: string | undefined;
  /** The engine's clock, epoch milliseconds. */
  readonly systemTime: number | undefined;
}

/** A part of the event history. Epoch milliseconds in the ENGINE's clock; without `until` the stream stays open. */
export interface EventQuery {
  readonly since?: number;
  readonly until?: number;
}

export interface EventSink {
  /** Raw bytes, cut anywhere. Must return quickly: the engine skips listeners that are slow. */
  chunk(bytes: Uint8Array): void;
  /** Called once, after the last chunk, also when the stream is aborted. */
  ended(why: string): void;
}

/**
 * A container engine as the source needs it: reads only, raw JSON as it came, no logic. Everything that decides, waits
 * or retries lives above this port, so that a simulator can stand in for it. Calls never throw.
 */
export interface Engine {
  /** Asks for the API versions and settles the one that later calls use; asked again after every reconnect. */
  negotiate(signal: AbortSignal): Promise<Result<EngineVersion>>;
  info(signal: AbortSignal): Promise<Result<EngineInfo>>;
  /** Every container, also those that do not run. */
  list(signal: AbortSignal): Promise<Result<readonly unknown[]>>;
  /** By id, id prefix or name; `undefined`: the engine has no such container. */
  inspect(reference: string, signal: AbortSignal): Promise<Result<unknown>>;
  networks(signal: AbortSignal): Promise<Result<readonly unknown[]>>;
  /** Resolves once the engine has accepted the request; the stream ends when the signal aborts. */
  events(query: EventQuery, sink: EventSink, signal: AbortSignal): Promise<Result<void>>;
  close(): void;
}

/**
 * Filtered on the server: health checks alone would flood the engine's ring of 256 events with `exec_*`. Podman filters by
 * its own names, `died` and `remove`, and then says `die` and `remove`; to Docker they mean nothing.
 */
export const EVENT_FILTERS = {
  type: ['container', 'network'],
  event: [
    'create',
    'start',
    'die',
    'died',
    'kill',
    'stop',
    'pause',
    'unpause',
    'health_status',
    'rename',
    'update',
    'destroy',
    'remove',
    'oom',
    'connect',
    'disconnect',
  ],
} as const;

/** The newest API whose answers this code was tried with. */
const NEWEST_KNOWN_API = '1.51';

function compareApiVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA === majorB ? minorA - minorB : majorA - majorB;
}

/** The newest API that both sides know; an engine that has dropped all of ours is spoken to in its oldest. */
export function chooseApiVersion(engineNewest: string, engineOldest: string | undefined): string {
  const common = compareApiVersions(engineNewest, NEWEST_KNOWN_API) < 0 ? engineNewest : NEWEST_KNOWN_API;
  return engineOldest !== undefined && compareApiVersions(common, engineOldest) < 0 ? engineOldest : common;
}
