import type { diagnose, planOnce, runAgent, runAnnouncer, runListener } from '../agent.ts';
import type { Machine } from '../config/context.ts';
import type { Environment } from '../config/environment.ts';
import type { Clock, Random } from '../core/ports.ts';
import type { LogOptions, ProcessLog } from '../telemetry/log.ts';

/** What the process lends to the command line; tests lend something else. */
export interface CliIo {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** The standard output is a terminal. */
  readonly terminal: boolean;
  readonly color: boolean;
  readonly env: Environment;
  readonly machine: Omit<Machine, 'readSecrets' | 'now'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly version: string;
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  /** Calls back when the process is asked to read its configuration again; without a listener that ends it. */
  readonly onHangUp: (listener: () => void) => () => void;
  readonly openLog: (options: Pick<LogOptions, 'level' | 'format' | 'fd'>) => ProcessLog;
  readonly agent: {
    readonly run: typeof runAgent;
    readonly listen: typeof runListener;
    readonly announce: typeof runAnnouncer;
    readonly planOnce: typeof planOnce;
    readonly diagnose: typeof diagnose;
  };
}
