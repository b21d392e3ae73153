import type { CompletedOption, Level, Values } from './levels.ts';
import { CONTAINERS, wordsOf } from './shell.ts';

/** For fish 3 and newer. */
export function fishScript(levels: readonly Level[]): string {
  const paths = levels.filter(({ at }) => at !== '').map(({ at }) => `'${at}'`);
  return `# Completion of portolan for fish: put it into ~/.config/fish/completions/portolan.fish
function __portolan_containers
    ${CONTAINERS}
end

function __portolan_at
    set -l at ''
    set -l tokens (commandline -opc)
    for word in $tokens[2..-1]
        contains -- "$at $word" ${paths.join(' ')}; and set at "$at $word"
    end
    test "$at" = "$argv[1]"
end

complete -c portolan -f
${levels.flatMap(linesOf).join('\n')}
`;
}

function linesOf(level: Level): readonly string[] {
  const here = `complete -c portolan -n '__portolan_at "${level.at}"'`;
  const words = wordsOf(level).map(
    ({ text, about }) => `${here} -a '${text}'${about === '' ? '' : ` -d '${about}'`}`,
  );
  const containers = level.argument?.type === 'containers' ? [`${here} -a '(__portolan_containers)'`] : [];
  return [...words, ...containers, ...level.options.map((option) => `${here} ${flag(option)}`)];
}

function flag({ text, short, about, values }: CompletedOption): string {
  const names = `-l ${text.replace(/^--/, '')}${short === undefined ? '' : ` -s ${short.slice(1)}`}`;
  return `${names}${values === undefined ? '' : ` ${reply(values)}`} -d '${about}'`;
}

function reply(values: Values): string {
  switch (values.type) {
    case 'words':
      return `-x -a '${values.words.join(' ')}'`;
    case 'files':
      return '-r -F';
    case 'folders':
      return "-x -a '(__fish_complete_directories)'";
    case 'any':
      return '-x';
  }
}
