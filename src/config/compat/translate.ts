import { shown } from '../../core/quote.ts';
import type { Machine } from '../context.ts';
import type { Environment, FlagValue } from '../environment.ts';
import { describeOrigin, type Given, type Origin, type Problem, type Reading } from '../problem.ts';
import { hideCredentials } from '../registry-url.ts';
import { LEAVES } from '../settings.ts';
import { otherDefaults } from './defaults.ts';
import { OLD_FLAGS, OLD_NAMES, oldName, SERVICE_REGISTRAR } from './names.ts';
import {
  type Said,
  type Stray,
  saidByEnvironment,
  saidByFile,
  saidByFlags,
  saidByLines,
  unreadable,
} from './sources.ts';

export interface OldInput {
  readonly env: Environment;
  readonly strays: readonly Stray[];
  /** By short flag. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  readonly machine: Machine;
  /** What stands under today's names, which outrank the old ones. */
  readonly today: ReadonlyMap<string, Given>;
}

export interface Translated extends Reading {
  /** What each old name amounts to today; nothing is wrong. */
  readonly notes: readonly Problem[];
}

const BY_DEFAULT: Origin = { type: 'default', of: SERVICE_REGISTRAR };

/** Its settings as today's: its defaults, then the environment, the YAML file, the file of `-e`, the command line. */
export function translate(input: OldInput): Translated {
  const { env, strays, flags, machine, today } = input;
  const lines = readLines(flags.get('-e'), machine);
  const found = new Map<string, Said>();
  for (const said of [
    ...saidByDefault(),
    ...saidByEnvironment(env),
    ...saidByFile(strays),
    ...lines.said,
    ...saidByFlags(flags),
  ]) {
    const what = said.name.path ?? said.name.key;
    // Told in the order in which they count.
    found.delete(what);
    found.set(what, said);
  }
  const result = new Translation(today);
  for (const said of found.values()) result.add(said);
  for (const [path, value] of otherDefaults(machine, (path) => today.has(path) || found.has(path)))
    result.given.set(path, { value, origin: BY_DEFAULT });
  const { given, problems, warnings, notes } = result;
  return {
    given,
    problems: [...lines.problems, ...problems],
    warnings: [...lines.warnings, ...warnings],
    notes,
  };
}

function saidByDefault(): Said[] {
  return OLD_NAMES.flatMap((name) =>
    name.fallback === undefined ? [] : [{ name, value: name.fallback, origin: BY_DEFAULT }],
  );
}

function readLines(path: FlagValue | undefined, machine: Machine) {
  const nothing = { said: [] as Said[], problems: [] as Problem[], warnings: [] as Problem[] };
  if (typeof path !== 'string') return nothing;
  try {
    return { ...nothing, ...saidByLines(path, machine.readFile(path)) };
  } catch (error) {
    return { ...nothing, problems: [unreadable(path, error)] };
  }
}

class Translation {
  readonly given = new Map<string, Given>();
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly notes: Problem[] = [];
  readonly #today: ReadonlyMap<string, Given>;

  constructor(today: ReadonlyMap<string, Given>) {
    this.#today = today;
  }

  add({ name, value, origin }: Said): void {
    const { path = '' } = name;
    const other = this.#today.get(path);
    const byDefault = origin.type === 'default';
    if (other !== undefined) {
      const what = `is outranked by ${path} (${describeOrigin(other.origin)})`;
      if (!byDefault) this.warnings.push({ origin, setting: '', what, remedy: 'leave the old name out' });
      return;
    }
    const read = name.read(value, todaysNames(path));
    const setting = byDefault ? path : '';
    if ('problem' in read) {
      this.problems.push({ origin, setting, ...read.problem });
      return;
    }
    if (read.remark !== undefined) this.warnings.push({ origin, setting, ...read.remark });
    if (name.path === undefined) return;
    this.given.set(path, { value: read.value, origin });
    if (!byDefault) this.notes.push(noteOf(origin, path, read.value));
  }
}

function noteOf(origin: Origin, path: string, value: unknown): Problem {
  const text = (Array.isArray(value) ? value : [value])
    .map((part) => hideCredentials(String(part)))
    .join(' ');
  const what = `is read as ${path}: ${shown(text, 120)}`;
  return { origin, setting: '', what, remedy: `today's names: ${todaysNames(path)}` };
}

/** `resync, PORTOLAN_RESYNC, --resync` */
export function todaysNames(path: string): string {
  const setting = LEAVES.get(path);
  const [variable = ''] = setting?.env ?? [];
  return [path, variable, setting?.flag ?? ''].filter((name) => name !== '').join(', ');
}

/** Without the switch an old name is an error that names it. */
export function refuse({ strays, flags }: Pick<OldInput, 'strays' | 'flags'>): Problem[] {
  const inFile = strays.map(({ key, origin }) => refusal(origin, key));
  const typed = OLD_FLAGS.filter(({ short }) => flags.has(short));
  return [...inFile, ...typed.map(({ short, key }) => refusal({ type: 'flag', name: short }, key))];
}

function refusal(origin: Origin, key: string): Problem {
  const path = oldName(key)?.path;
  const today = path === undefined ? '' : `, or use one of today's names: ${todaysNames(path)}`;
  const what = 'is a name of service-registrar';
  return { origin, setting: key, what, remedy: `add --compat=${SERVICE_REGISTRAR} to have it read${today}` };
}
