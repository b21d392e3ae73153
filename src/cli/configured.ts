import type { Command } from 'commander';
import { type Loaded, loadConfig } from '../config/load.ts';
import { formatProblem, type Problem } from '../config/problem.ts';
import { printable } from '../core/printable.ts';
import { CliError, EXIT } from './exit.ts';
import type { CliIo } from './io.ts';
import { flagsOf, oldFlagsOf } from './options.ts';

export type Configured = Extract<Loaded, { ok: true }>;

/** Loads the configuration of a command; all that is wrong with it is one error. */
export function configured(command: Command, io: CliIo, readSecrets: boolean): Configured {
  const loaded = load(command, io, readSecrets);
  if (loaded.ok) return loaded;
  const lines = linesOf([...loaded.problems, ...loaded.warnings]);
  // A file that cannot be read is a problem of the configuration, though a flag names it.
  const usage = loaded.problems.every(({ origin, setting }) => origin.type === 'flag' && setting !== '');
  throw new CliError(lines.join('\n'), usage ? EXIT.usage : EXIT.config);
}

/** The configuration as file, environment and command line give it now, or all that is wrong with it. */
export function load(command: Command, io: CliIo, readSecrets: boolean): Loaded {
  const file = command.optsWithGlobals<{ config?: string }>().config;
  const machine = { ...io.machine, readSecrets, now: () => io.clock.now() };
  const given = { flags: flagsOf(command), oldFlags: oldFlagsOf(command) };
  return loadConfig({ file, env: io.env, ...given, machine });
}

/** As people are shown them, one line each. */
export function linesOf(problems: readonly Problem[]): readonly string[] {
  return problems.map((problem) => printable(formatProblem(problem)));
}

/** Warnings on the standard error, so that the output stays what was asked for. */
export function showWarnings({ warnings }: Configured, io: CliIo): void {
  for (const line of linesOf(warnings)) io.stderr(`portolan: warning: ${line}\n`);
}

/** What is worth knowing, beside what was asked for. */
export function showNotes({ notes }: Configured, io: CliIo): void {
  for (const line of linesOf(notes)) io.stderr(`portolan: note: ${line}\n`);
}
