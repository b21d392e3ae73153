import type { Clock, Log, Random } from '../core/ports.ts';

/** What a process lends its agent. */
export interface AgentIo {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly stdout: (text: string) => void;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly version: string;
  readonly color: boolean;
}

/** Something a person has to change before the agent can run; the message names the setting and the remedy. */
export class StartError extends Error {}
