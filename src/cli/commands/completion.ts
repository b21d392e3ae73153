import type { Command } from 'commander';
import { bashScript } from '../completion/bash.ts';
import { fishScript } from '../completion/fish.ts';
import { levelsOf } from '../completion/levels.ts';
import { zshScript } from '../completion/zsh.ts';
import { EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
export type Shell = keyof typeof SCRIPTS;
export const SHELLS = Object.keys(SCRIPTS) as readonly Shell[];

/** Prints what makes a shell complete the words of this very program. */
export function completion(shell: Shell, program: Command, io: Pick<CliIo, 'stdout'>): number {
  io.stdout(SCRIPTS[shell](levelsOf(program)));
  return EXIT.ok;
}
