import type { Level, Values } from './levels.ts';
import { CONTAINERS, pathCases, valueCases, wordsOf } from './shell.ts';

/** For bash 4 and newer, without the package bash-completion. */
export function bashScript(levels: readonly Level[]): string {
  return `# Completion of portolan for bash: source it, or put it into /etc/bash_completion.d/portolan
_portolan_containers() {
  ${CONTAINERS}
}

_portolan() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
${pathCases(levels, '${COMP_WORDS[i]}')}
    esac
  done
  case "$at $prev" in
${valueCases(levels, reply)}
  esac
  case "$at" in
${levels.map(levelCase).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -F _portolan portolan
`;
}

function reply(values: Values): string {
  switch (values.type) {
    case 'words':
      return `mapfile -t COMPREPLY < <(compgen -W "${values.words.join(' ')}" -- "$cur")`;
    case 'files':
      return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")';
    case 'folders':
      return 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur")';
    case 'any':
      return ':';
  }
}

/** Options are suggested once a dash is there: nobody wants sixty of them at once. */
function levelCase(level: Level): string {
  const { at, options, argument } = level;
  const flags = options.flatMap(({ text, short }) => (short === undefined ? [text] : [text, short]));
  const others =
    argument?.type === 'containers'
      ? '$(_portolan_containers)'
      : wordsOf(level)
          .map(({ text }) => text)
          .join(' ');
  return `    "${at}") if [[ $cur == -* ]]; then words="${flags.join(' ')}"; else words="${others}"; fi ;;`;
}
