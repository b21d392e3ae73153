import type { Command } from 'commander';
import { formatProblem } from '../../config/problem.ts';
import { configured } from '../configured.ts';
import type { CliIo } from '../io.ts';

/** The agent itself, in the foreground. */
export async function run(command: Command, io: CliIo): Promise<number> {
  const { config, warnings } = configured(command, io, true);
  const log = io.openLog({ level: config.log.level, format: config.log.format, fd: 1 });
  for (const warning of warnings) log.warn({ reason: formatProblem(warning) }, 'configuration');
  const { clock, random, stdout, signal, version, color } = io;
  try {
    return await io.agent.run(config, { log, clock, random, stdout, signal, version, color });
  } finally {
    log.flush();
  }
}
