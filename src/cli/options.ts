import { type Command, Option } from 'commander';
import type { FlagValue } from '../config/environment.ts';
import { defaultOf } from '../config/reference.ts';
import { SETTINGS, type Setting } from '../config/settings.ts';

/** Headings of the help, by the first key of the setting. */
const GROUPS: Readonly<Record<string, string>> = {
  registries: 'Registries:',
  etcd: 'Registries:',
  policy: 'Registries:',
  layouts: 'Records:',
  dialects: 'Records:',
  docker: 'Docker and addresses:',
  advertise: 'Docker and addresses:',
  address: 'Docker and addresses:',
  network: 'Docker and addresses:',
  family: 'Docker and addresses:',
  resync: 'Timing:',
  debounce: 'Timing:',
  drainTime: 'Timing:',
  leaseTtl: 'Timing:',
  handover: 'Timing:',
};
const OTHER = 'Process:';

/** Settings that a command which only talks to a running agent needs. */
export const CLIENT_SETTINGS: ReadonlySet<string> = new Set(['stateDir', 'controlSocket']);

/** Adds a flag for every setting that has one and that `wanted` admits. */
export function addSettings(command: Command, wanted: (setting: Setting) => boolean): Command {
  for (const setting of SETTINGS) {
    if (setting.flag === undefined || !wanted(setting)) continue;
    command.addOption(optionOf(setting, setting.flag));
    if (setting.kind === 'boolean')
      command.addOption(new Option(setting.flag.replace(/^--/, '--no-')).hideHelp());
  }
  return command;
}

function optionOf(setting: Setting, flag: string): Option {
  const { kind, meta, keys } = setting;
  const group = GROUPS[keys[0] ?? ''] ?? OTHER;
  const fallback = kind === 'boolean' ? '' : defaultOf(setting);
  const note = `env: ${setting.env.join(', ')}${fallback === '' ? '' : `; default: ${fallback}`}`;
  const description = `${meta.description} (${note})`;
  if (kind === 'boolean') return new Option(flag, description).helpGroup(group);
  const option = new Option(`${flag} <${meta.value ?? 'text'}>`, description).helpGroup(group);
  // A list may be given at once or by repeating the flag.
  if (kind !== 'text')
    option.argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), value]);
  return option;
}

/** The flags that were really given on the command line, by setting path. */
export function flagsOf(command: Command): Map<string, FlagValue> {
  const flags = new Map<string, FlagValue>();
  const values = command.optsWithGlobals<Record<string, FlagValue>>();
  for (const setting of SETTINGS) {
    const option = command.options.find(({ long }) => long === setting.flag);
    const name = option?.attributeName();
    if (name === undefined || command.getOptionValueSource(name) !== 'cli') continue;
    const value = values[name];
    if (value !== undefined) flags.set(setting.path, value);
  }
  return flags;
}
