import type { Config } from './config/config.ts';
import type { Clock, Log, Random } from './core/ports.ts';
import type { PlanView } from './core/status.ts';

/** What the process lends to the agent. */
export interface AgentIo {
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly stdout: (text: string) => void;
  readonly signal: AbortSignal;
  readonly version: string;
  readonly color: boolean;
}

/** Placeholder until the composition root is written. */
export function runAgent(_config: Config, _io: AgentIo): Promise<number> {
  return Promise.reject(new Error('the agent is not built yet'));
}

/** Placeholder until the composition root is written. */
export function planOnce(_config: Config, _io: AgentIo): Promise<PlanView> {
  return Promise.reject(new Error('the agent is not built yet'));
}
