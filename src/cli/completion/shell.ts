import type { Level, Word } from './levels.ts';

/** Names of the containers that the running agent knows: a shell line, nothing without an agent. */
export const CONTAINERS =
  'portolan get containers 2>/dev/null | awk \'NR==1{for(i=1;i<=NF;i++)if($i=="NAME")n=i;next}n{print $n}\'';

/** A branch of a `case` for each command, longest paths first. */
export function pathCases(
  levels: readonly Level[],
  indent: string,
  branch: (path: string) => string,
): string {
  return levels
    .filter(({ at }) => at !== '')
    .map(({ at }) => `${indent}${branch(`"${at}"`)}`)
    .join('\n');
}

/** What may stand here besides options. */
export function wordsOf({ argument, commands }: Level): readonly Word[] {
  return argument?.type === 'words' ? argument.words.map((text) => ({ text, about: '' })) : commands;
}
