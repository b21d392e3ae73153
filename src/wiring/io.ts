import type { Config } from '../config/config.ts';
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
  /** Absent where nobody asks for it. */
  readonly reload?: ReloadPort | undefined;
}

/** How a process asks its agent to read the configuration again (SIGHUP). */
export interface ReloadPort {
  /** A request that came before anybody listened calls back at once. Returns an unsubscribe function. */
  readonly onRequest: (listener: () => void) => () => void;
  /** File, variables and flags, in the rank that they always have; what is wrong comes as lines for people. */
  readonly load: () =>
    | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
    | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] };
  readonly setLogLevel: (level: Config['log']['level']) => void;
}

/** Something a person has to change before the agent can run; the message names the setting and the remedy. */
export class StartError extends Error {}
