import { nearest } from '../core/nearest.ts';
import { shown } from '../core/quote.ts';
import { didYouMean, type Given, type Problem, type Reading } from './problem.ts';
import { SETTINGS } from './settings.ts';
import { fromText } from './text.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Names the configuration file; read by the command line, as `-c` is. */
export const CONFIG_VARIABLE = 'PORTOLAN_CONFIG';
const PREFIX = 'PORTOLAN_';

/** Reads the variables of all settings. An empty variable counts as not set: `${X:-}` in compose files means that. */
export function readEnvironment(env: Environment): Reading {
  const given = new Map<string, Given>();
  const problems: Problem[] = [];
  const known = new Set([CONFIG_VARIABLE]);
  for (const setting of SETTINGS) {
    for (const name of setting.env) known.add(name);
    const name = setting.env.find((candidate) => (env[candidate] ?? '') !== '');
    const text = name === undefined ? undefined : env[name];
    if (name === undefined || text === undefined) continue;
    const read = fromText(setting, [text], { type: 'env', name });
    if ('problem' in read) problems.push(read.problem);
    else for (const [path, value] of read.values) given.set(path, value);
  }
  const strangers = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !known.has(name));
  return { given, problems, warnings: strangers.sort().map((name) => unknown(name, known)) };
}

/** Only a warning: other programs may well set such variables, and their values are never shown. */
function unknown(name: string, known: ReadonlySet<string>): Problem {
  return {
    origin: { type: 'env', name: shown(name) },
    setting: '',
    what: 'is no setting of Portolan and is ignored',
    remedy: didYouMean(nearest(name, known), 'see `portolan config schema` for the settings'),
  };
}

export type FlagValue = string | boolean | readonly string[];

/** Reads flags: setting path to what the command line gave. */
export function readFlags(flags: ReadonlyMap<string, FlagValue>): Reading {
  const given = new Map<string, Given>();
  const problems: Problem[] = [];
  for (const setting of SETTINGS) {
    const value = flags.get(setting.path);
    if (value === undefined) continue;
    const texts = typeof value === 'object' ? value : [String(value)];
    const read = fromText(setting, texts, { type: 'flag', name: setting.flag ?? setting.path });
    if ('problem' in read) problems.push(read.problem);
    else for (const [path, item] of read.values) given.set(path, item);
  }
  return { given, problems, warnings: [] };
}
