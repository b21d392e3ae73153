import { codeOf } from '../core/failure.ts';
import { SERVICE_REGISTRAR } from './compat/names.ts';
import { refuse, type Translated, translate } from './compat/translate.ts';
import { type Config, settingsSchema } from './config.ts';
import type { Machine } from './context.ts';
import {
  CONFIG_VARIABLE,
  type Environment,
  type FlagValue,
  readEnvironment,
  readFlags,
} from './environment.ts';
import { problemsOf } from './issues.ts';
import { DEFAULT_ORIGIN, type Given, type Origin, type Problem, type Reading, shownPath } from './problem.ts';
import { resolveConfig } from './resolve.ts';
import { LEAVES, type Setting } from './settings.ts';
import { type FileReading, readYaml } from './yaml-file.ts';

export interface LoadInput {
  /** Of `-c`; undefined: what `PORTOLAN_CONFIG` names, if anything. */
  readonly file: string | undefined;
  readonly env: Environment;
  /** By setting path. */
  readonly flags: ReadonlyMap<string, FlagValue>;
  /** Those of service-registrar's command line, by their short form. */
  readonly oldFlags?: ReadonlyMap<string, FlagValue>;
  readonly machine: Machine;
}

export type Loaded =
  | {
      readonly ok: true;
      readonly config: Config;
      /** Where each setting's value came from; every setting is in it. */
      readonly origins: ReadonlyMap<string, Origin>;
      /** What was given, as it was written; nothing for settings at their default. */
      readonly given: ReadonlyMap<string, Given>;
      readonly warnings: readonly Problem[];
      /** What is worth knowing though nothing is wrong, such as today's name of an old one. */
      readonly notes: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[]; readonly warnings: readonly Problem[] };

/**
 * Defaults, then what stands under old names, then the file, then the environment, then flags: the later one counts. Reports
 * all problems at once.
 */
export function loadConfig(input: LoadInput): Loaded {
  const [environment, flags] = [readEnvironment(input.env), readFlags(input.flags)];
  const file = readFile(input, (flags.given.get('compat') ?? environment.given.get('compat'))?.value);
  const old = readOld(input, file, givenBy([file, environment, flags]));
  const readings: Reading[] = [old, file, environment, flags];
  const given = givenBy(readings);
  const problems = readings.flatMap((reading) => reading.problems);
  const warnings = readings.flatMap((reading) => reading.warnings);
  const parsed = settingsSchema.safeParse(treeOf(given));
  if (!parsed.success) {
    problems.push(...problemsOf(parsed.error.issues, given));
    return { ok: false, problems, warnings };
  }
  const config = resolveConfig(parsed.data, { given, machine: input.machine, problems, warnings });
  if (problems.length > 0) return { ok: false, problems, warnings };
  const origins = new Map(
    [...LEAVES.keys()].map((path) => [path, given.get(path)?.origin ?? DEFAULT_ORIGIN]),
  );
  return { ok: true, config, origins, given, warnings, notes: old.notes };
}

const NOTHING: FileReading = { given: new Map(), problems: [], warnings: [], strays: [] };

const givenBy = (readings: readonly Reading[]): Map<string, Given> =>
  new Map(readings.flatMap((reading) => [...reading.given]));

/** What stands under names of service-registrar: translated when that was asked for, else refused. */
function readOld(
  { env, oldFlags = new Map(), machine }: LoadInput,
  { strays }: FileReading,
  today: ReadonlyMap<string, Given>,
): Translated {
  if (today.get('compat')?.value === SERVICE_REGISTRAR)
    return translate({ env, strays, flags: oldFlags, machine, today });
  return { ...NOTHING, problems: refuse({ strays, flags: oldFlags }), notes: [] };
}

function readFile({ file, env, machine }: LoadInput, compat: unknown): FileReading {
  const fromEnv = (env[CONFIG_VARIABLE] ?? '') === '' ? undefined : env[CONFIG_VARIABLE];
  const path = file ?? fromEnv;
  if (path === undefined) return NOTHING;
  const origin: Origin =
    file === undefined ? { type: 'env', name: CONFIG_VARIABLE } : { type: 'flag', name: '--config' };
  try {
    return readYaml(path, machine.readFile(path), compat);
  } catch (error) {
    const code = codeOf(error);
    const what = `names a configuration file that cannot be read, ${shownPath(path)} (${code})`;
    const remedy = 'check the path and who may read it';
    return { ...NOTHING, problems: [{ origin, setting: '', what, remedy }] };
  }
}

/** Only known paths come in here, so nothing from outside chooses a property name. */
function treeOf(given: ReadonlyMap<string, Given>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  for (const [path, { value }] of given) {
    const setting: Setting | undefined = LEAVES.get(path);
    if (setting === undefined) continue;
    let node = root;
    for (const key of setting.keys.slice(0, -1)) node = (node[key] ??= {}) as Record<string, unknown>;
    node[setting.keys.at(-1) ?? path] = value;
  }
  return root;
}
