import type { Level, Values } from './levels.ts';
import { CONTAINERS, pathCases, valueCases, wordsOf } from './shell.ts';

/** As a function of `compinit`, or sourced after it. */
export function zshScript(levels: readonly Level[]): string {
  return `#compdef portolan
# Completion of portolan for zsh: put it as _portolan into a folder of fpath, or source it after compinit.
_portolan_containers() {
  ${CONTAINERS}
}

_portolan() {
  local at= word
  local -a choices flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$at $word" in
${pathCases(levels, '$word')}
    esac
  done
  case "$at \${words[CURRENT-1]}" in
${valueCases(levels, reply)}
  esac
  case "$at" in
${levels.map(levelCase).join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe option flags; else _describe word choices; fi
}

if [ "$funcstack[1]" = "_portolan" ]; then _portolan "$@"; else compdef _portolan portolan; fi
`;
}

function reply(values: Values): string {
  switch (values.type) {
    case 'words':
      return `compadd -- ${values.words.join(' ')}`;
    case 'files':
      return '_files';
    case 'folders':
      return '_files -/';
    case 'any':
      return 'return 1';
  }
}

function levelCase(level: Level): string {
  const flags = level.options.map(({ text, about }) => `'${text}:${about}'`);
  const words = wordsOf(level).map(({ text, about }) => `'${text}:${about}'`);
  const choices = level.argument?.type === 'containers' ? '$(_portolan_containers)' : words.join(' ');
  return `    "${level.at}")
      flags=(${flags.join(' ')})
      choices=(${choices})
      ;;`;
}
