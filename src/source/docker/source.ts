import type { BackoffPolicy } from '../../core/backoff.ts';
import type { Clock, Log, Random, Source } from '../../core/ports.ts';
import type { Engine } from './engine.ts';

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
  /** For each call to the engine; default 5 s. */
  readonly deadlineMs?: number;
  /** Inspections in flight; default 8. */
  readonly inspections?: number;
  readonly backoff?: BackoffPolicy;
}

export function createDockerSource(options: DockerSourceOptions): Source {
  throw new Error(`not yet: ${String(options.name)}`);
}
