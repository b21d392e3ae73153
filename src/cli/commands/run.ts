import type { Command } from 'commander';
import type { AgentIo } from '../../agent.ts';
import type { ProcessLog } from '../../telemetry/log.ts';
import { configured, linesOf, load } from '../configured.ts';
import type { CliIo } from '../io.ts';

type Work = (agent: CliIo['agent'], ...given: Parameters<CliIo['agent']['run']>) => Promise<number>;

/** The agent itself, in the foreground; or, by another `work`, a part of it. */
export async function run(
  command: Command,
  io: CliIo,
  work: Work = (agent, ...given) => agent.run(...given),
): Promise<number> {
  // Before anything else: who asks early must not end the agent that he asks.
  const requests = listen(io);
  const { config, warnings, notes } = configured(command, io, true);
  const log = io.openLog({ level: config.log.level, format: config.log.format, fd: 1 });
  for (const reason of linesOf(warnings)) log.warn({ reason }, 'configuration');
  for (const reason of linesOf(notes)) log.info({ reason }, 'configuration');
  const { clock, random, stdout, signal, version, color } = io;
  const reload = reloadPort(command, io, log, requests.on);
  try {
    return await work(io.agent, config, { log, clock, random, stdout, signal, version, color, reload });
  } finally {
    requests.stop();
    log.flush();
  }
}

type Reload = NonNullable<AgentIo['reload']>;

function reloadPort(command: Command, io: CliIo, log: ProcessLog, onRequest: Reload['onRequest']): Reload {
  return {
    onRequest,
    load: () => {
      const loaded = load(command, io, true);
      const warnings = linesOf(loaded.warnings);
      if (!loaded.ok) return { ok: false, problems: linesOf(loaded.problems), warnings };
      return { ok: true, config: loaded.config, warnings };
    },
    setLogLevel: (level) => {
      log.setLevel(level);
    },
  };
}

/** Keeps a request that comes before the agent can hear it. */
function listen(io: CliIo): { readonly on: Reload['onRequest']; readonly stop: () => void } {
  let waiting = false;
  let listener: (() => void) | undefined;
  const stop = io.onHangUp(() => {
    if (listener === undefined) waiting = true;
    else listener();
  });
  const on = (next: () => void): (() => void) => {
    listener = next;
    if (waiting) next();
    waiting = false;
    return () => {
      listener = undefined;
    };
  };
  return { on, stop };
}
