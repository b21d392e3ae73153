import type { Command, Option } from 'commander';

/** What may stand at one place of a command line. */
export interface Level {
  /** The commands that lead here, each after a space; empty at the beginning. */
  readonly at: string;
  readonly commands: readonly Word[];
  readonly options: readonly CompletedOption[];
  /** What the first argument may be; undefined: it takes none. */
  readonly argument: Arguments | undefined;
}

export interface Word {
  readonly text: string;
  /** One line of plain text. */
  readonly about: string;
}

export interface CompletedOption extends Word {
  /** Further ways to write it. */
  readonly short: string | undefined;
  /** undefined: a switch. */
  readonly values: Values | undefined;
}

interface Words {
  readonly type: 'words';
  readonly words: readonly string[];
}

/** `any`: nothing can be suggested. */
export type Values = Words | { readonly type: 'files' | 'folders' | 'any' };

/** `containers`: those that the running agent knows. */
type Arguments = Words | { readonly type: 'containers' | 'any' };

/** Every place of the command line, the beginning first. */
export function levelsOf(program: Command): readonly Level[] {
  return level(program, '', []);
}

function level(command: Command, at: string, inherited: readonly Option[]): readonly Level[] {
  const own = [...command.options, ...inherited].filter(({ hidden }) => !hidden);
  const help = { text: '--help', about: 'show the help of this command', short: '-h', values: undefined };
  const here: Level = {
    at,
    commands: command.commands.flatMap((child) =>
      [child.name(), ...child.aliases()].map((text) => ({
        text,
        about: plain(child.summary() || child.description()),
      })),
    ),
    options: [...own.map(completed), help],
    argument: argumentOf(command),
  };
  const below = command.commands.flatMap((child) =>
    [child.name(), ...child.aliases()].flatMap((name) =>
      level(child, `${at} ${name}`, [...inherited, ...globalsOf(command)]),
    ),
  );
  return [here, ...below];
}

/** The version is asked of the program alone. */
function globalsOf({ options, parent }: Command): readonly Option[] {
  return parent === null ? options.filter(({ long }) => long !== '--version') : [];
}

function completed(option: Option): CompletedOption {
  const text = option.long ?? option.flags;
  return { text, short: option.short, about: plain(option.description), values: valuesOf(option) };
}

function valuesOf({ flags, argChoices, required, optional }: Option): Values | undefined {
  if (!required && !optional) return undefined;
  if (argChoices !== undefined) return { type: 'words', words: argChoices };
  const [, placeholder = ''] = /<(.+)>/.exec(flags) ?? [];
  if (placeholder === 'file') return { type: 'files' };
  if (placeholder === 'folder') return { type: 'folders' };
  // A placeholder such as `prune|ttl` names every value.
  if (/^[\w-]+(\|[\w-]+)+$/.test(placeholder)) return { type: 'words', words: placeholder.split('|') };
  return { type: 'any' };
}

function argumentOf(command: Command): Arguments | undefined {
  const [argument] = command.registeredArguments;
  if (argument === undefined) return undefined;
  if (argument.argChoices !== undefined) return { type: 'words', words: argument.argChoices };
  return { type: argument.name() === 'container' ? 'containers' : 'any' };
}

/** The first sentence, of letters that mean nothing to a shell within quotes. */
function plain(text: string): string {
  const [sentence = ''] = text.split(/(?:\. | \(env:|;)/);
  return sentence.replace(/[^\w ,./=*+<>|-]/g, '').replace(/\.$/, '');
}
