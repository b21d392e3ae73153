import { spawn } from 'node:child_process';
import type { Clock } from '../core/ports.ts';
import { shown } from '../core/quote.ts';

const MAX_OUTPUT = 8000;

/** How a program ended: `undefined` well, otherwise what it said. */
export type CommandProblem = string | undefined;

export interface CommandEnd {
  /** What it printed, the two outputs together, up to some length. */
  readonly output: string;
  readonly problem: CommandProblem;
  /** `ENOENT` and the like, when it could not even be started. */
  readonly code?: string | undefined;
}

interface CommandTerms {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Runs a program with arguments, without a shell, and ends it after `limitMs`. Never throws. */
export async function runCommand(argv: readonly string[], terms: CommandTerms): Promise<CommandProblem> {
  return (await readCommand(argv, terms)).problem;
}

/** The same, with what it printed. */
export function readCommand(
  argv: readonly string[],
  { clock, limitMs, signal }: CommandTerms,
): Promise<CommandEnd> {
  const [program = '', ...args] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
    let output = '';
    const add = (text: string): void => {
      if (output.length < MAX_OUTPUT) output += text;
    };
    child.stdout.setEncoding('utf8').on('data', add);
    child.stderr.setEncoding('utf8').on('data', add);
    const end = (problem: CommandProblem, code?: string): void => {
      cancel();
      resolve({ output, problem, code });
    };
    const cancel = clock.timer(limitMs, () => {
      child.kill('SIGKILL');
      end(`${program} did not end within ${String(limitMs)} ms`);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      end(`${program} cannot be run: ${error.message}`, error.code);
    });
    child.on('close', (code) => {
      end(code === 0 ? undefined : `${program} ended with ${String(code)}: ${lastLines(output)}`);
    });
  });
}

/** What matters is at the end, and goes into one line of a log. */
export function lastLines(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return shown(lines.slice(-4).join(' | '), 600);
}
