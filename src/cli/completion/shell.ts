import type { Level, Values, Word } from './levels.ts';

/** Names of the containers that the running agent knows: a shell line, nothing without an agent. */
export const CONTAINERS =
  'portolan get containers 2>/dev/null | awk \'NR==1{for(i=1;i<=NF;i++)if($i=="NAME")n=i;next}n{print $n}\'';

/** A branch of a `case` for each command, which goes on by `word`, a word of the shell. */
export function pathCases(levels: readonly Level[], word: string): string {
  return levels
    .filter(({ at }) => at !== '')
    .map(({ at }) => `      "${at}") at="$at ${word}" ;;`)
    .join('\n');
}

/** A branch of a `case` for each option that takes a value: it offers the values, and nothing else. */
export function valueCases(levels: readonly Level[], reply: (values: Values) => string): string {
  return levels
    .flatMap(({ at, options }) =>
      options.flatMap(({ text, short, values }) => {
        if (values === undefined) return [];
        const patterns = [text, ...(short === undefined ? [] : [short])].map((name) => `"${at} ${name}"`);
        return [`    ${patterns.join(' | ')}) ${reply(values)}; return ;;`];
      }),
    )
    .join('\n');
}

/** What may stand here besides options. */
export function wordsOf({ argument, commands }: Level): readonly Word[] {
  return argument?.type === 'words' ? argument.words.map((text) => ({ text, about: '' })) : commands;
}
