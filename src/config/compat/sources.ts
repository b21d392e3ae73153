import { codeOf } from '../../core/failure.ts';
import { nearest } from '../../core/nearest.ts';
import { shown } from '../../core/quote.ts';
import type { Environment, FlagValue } from '../environment.ts';
import { didYouMean, type Origin, type Problem, shownPath } from '../problem.ts';
import { OLD_FLAGS, OLD_NAMES, type OldName, oldName } from './names.ts';

/** An old setting as one place gives it. */
export interface Said {
  readonly name: OldName;
  readonly value: unknown;
  readonly origin: Origin;
}

/** An old key at the top of the YAML file. */
export interface Stray {
  readonly key: string;
  readonly value: unknown;
  readonly origin: Origin;
}

/** An empty variable counts as not set, as with today's. */
export function saidByEnvironment(env: Environment): Said[] {
  return OLD_NAMES.flatMap((name): Said[] => {
    const value = name.env === undefined ? '' : (env[name.env] ?? '');
    return value === '' ? [] : [{ name, value, origin: { type: 'env', name: name.env ?? '' } }];
  });
}

export function saidByFile(strays: readonly Stray[]): Said[] {
  return strays.flatMap(({ key, value, origin }) => {
    const name = oldName(key);
    return name === undefined || value === null ? [] : [{ name, value, origin }];
  });
}

export function saidByFlags(flags: ReadonlyMap<string, FlagValue>): Said[] {
  return OLD_FLAGS.flatMap(({ short, key }): Said[] => {
    const value = flags.get(short);
    const name = oldName(key);
    if (value === undefined || name === undefined) return [];
    return [{ name, value: value === true ? 'debug' : value, origin: { type: 'flag', name: short } }];
  });
}

/** Names of the environment that service-registrar did not read from a file. */
const ONLY_ENVIRONMENT = new Map(
  OLD_NAMES.flatMap(({ key, env }) => (env === undefined || oldName(env.toLowerCase()) ? [] : [[env, key]])),
);

/** Reads `KEY=VALUE` lines; what is no such line, and names of other programs, are passed over, as ever. */
export function saidByLines(path: string, text: string): { said: Said[]; warnings: Problem[] } {
  const said: Said[] = [];
  const warnings: Problem[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const [, word = '', value = ''] = /^([A-Za-z_]\w*)=(.*)$/.exec(line) ?? [];
    const origin: Origin = { type: 'file', path, line: index + 1, key: word };
    const name = oldName(word.toLowerCase());
    if (word === '' || value.trim() === '') return;
    if (name !== undefined) said.push({ name, value, origin });
    else warnings.push(...strange(word, origin));
  });
  return { said, warnings };
}

function strange(word: string, origin: Origin): Problem[] {
  const key = ONLY_ENVIRONMENT.get(word);
  const warning = { origin, setting: '' };
  if (key !== undefined)
    return [
      { ...warning, what: 'is not read from a file, nor was it ever', remedy: `write ${key.toUpperCase()}` },
    ];
  if (word.startsWith('PORTOLAN_'))
    return [{ ...warning, what: 'is not read from this file', remedy: 'put it into the environment' }];
  const near = nearest(
    word,
    OLD_NAMES.map((name) => name.key),
  );
  if (near === undefined) return [];
  return [
    { ...warning, what: 'is no setting and is ignored', remedy: didYouMean(near.toUpperCase(), shown(word)) },
  ];
}

export function unreadable(path: string, error: unknown): Problem {
  const code = codeOf(error);
  const what = `names an environment file that cannot be read, ${shownPath(path)} (${code})`;
  const origin: Origin = { type: 'flag', name: '-e' };
  return { origin, setting: '', what, remedy: 'check the path and who may read it' };
}
