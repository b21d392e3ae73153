import type { Result } from './failure.ts';
import type { RouteRecord } from './route-record.ts';

/**
 * The records behind what a proxy serves, kept over a restart of the agent. A record that an outage or a lost host took from
 * the registry meanwhile is known from here alone: whose it was decides whether it was withdrawn.
 */
export interface RouteMemory {
  /** What an earlier process kept; what cannot be read is left out. */
  recall(): Promise<readonly RouteRecord[]>;
  /** The records of one path from now on. undefined: a dry run keeps nothing. */
  readonly keep: ((path: string, records: readonly RouteRecord[]) => Promise<Result<void>>) | undefined;
}
