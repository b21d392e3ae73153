import type { Environment, FlagValue } from '../../src/config/environment.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problem.ts';

/** What a test gives to the loader. */
export interface Given {
  readonly yaml?: string;
  readonly env?: Environment;
  readonly flags?: Readonly<Record<string, FlagValue>>;
  /** Of service-registrar, by their short form. */
  readonly oldFlags?: Readonly<Record<string, FlagValue>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** False: as for a command that only asks a running agent. */
  readonly readSecrets?: boolean;
  /** Epoch milliseconds. */
  readonly now?: number;
}

/** Loads from memory: no file of the machine is read. */
export function load({
  yaml,
  env = {},
  flags = {},
  oldFlags = {},
  files = {},
  uid = 0,
  now = 0,
  readSecrets = true,
}: Given): Loaded {
  const all: Readonly<Record<string, string>> = yaml === undefined ? files : { ...files, 'p.yaml': yaml };
  return loadConfig({
    file: yaml === undefined ? undefined : 'p.yaml',
    env,
    flags: new Map(Object.entries(flags)),
    oldFlags: new Map(Object.entries(oldFlags)),
    machine: {
      uid,
      home: '/home/ann',
      stateHome: undefined,
      runtimeDir: undefined,
      fullHostName: () => 'fury.example',
      readSecrets,
      now: () => now,
      readFile: (path) => {
        const text = all[path];
        if (text === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
        return text;
      },
    },
  });
}

export function good(given: Given): Extract<Loaded, { ok: true }> {
  const loaded = load(given);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded;
}

export function errors(given: Given): string[] {
  const loaded = load(given);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}
