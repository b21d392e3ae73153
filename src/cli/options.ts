import { type Command, Option } from 'commander';
import { OLD_FLAGS } from '../config/compat/names.ts';
import type { FlagValue } from '../config/environment.ts';
import { defaultOf } from '../config/reference.ts';
import { SETTINGS, type Setting } from '../config/settings.ts';

/** Headings of the help in their order, and the first keys of the settings below each. */
const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Registries:', ['registries', 'etcd', 'policy']],
  ['Records:', ['layouts', 'dialects']],
  ['Docker and addresses:', ['docker', 'advertise', 'address', 'network', 'family']],
  ['Timing:', ['resync', 'debounce', 'drainTime', 'leaseTtl', 'handover']],
];
const OTHER = 'Process:';
const OLD_GROUP = 'Of service-registrar, with --compat:';
const NAMED = new Set(GROUPS.flatMap(([, keys]) => keys));

/** Every setting that has a flag, in the order of the help. */
const GROUPED = [...GROUPS, [OTHER, undefined] as const].flatMap(([group, keys]) =>
  SETTINGS.flatMap((setting) => {
    const key = setting.keys[0] ?? '';
    const here = keys === undefined ? !NAMED.has(key) : keys.includes(key);
    return here && setting.flag !== undefined ? [{ setting, flag: setting.flag, group }] : [];
  }),
);

/** Settings that a command which only talks to a running agent needs. */
export const CLIENT_SETTINGS: ReadonlySet<string> = new Set(['stateDir', 'controlSocket']);

const LISTEN_SETTINGS = new Set([
  ...['registries', 'etcd', 'layouts.services.prefix', 'listenPath', 'leaseTtl', 'deadHostGrace'],
  ...['stateDir', 'controlSocket', 'http', 'log', 'dryRun', 'once'],
]);

/** Whether a listener needs it, which has no engine and no records of its own. */
export function forListening({ path, keys: [first = ''] }: Setting): boolean {
  return LISTEN_SETTINGS.has(path) || LISTEN_SETTINGS.has(first);
}

export const ANNOUNCE_PREFIX = 'layouts.announce.prefix';
const ANNOUNCE_SETTINGS = new Set(['registries', 'etcd', ANNOUNCE_PREFIX, 'leaseTtl', 'log', 'dryRun']);

/** Whether a process needs it that announces from within a container. */
export function forAnnouncing({ path, keys: [first = ''] }: Setting): boolean {
  return ANNOUNCE_SETTINGS.has(path) || ANNOUNCE_SETTINGS.has(first);
}

/** Whether a command needs it that only looks, and writes nothing anyway. */
export function forLooking({ path }: Setting): boolean {
  return path !== 'dryRun' && path !== 'once';
}

/** Adds a flag for every setting that has one and that `wanted` admits. */
export function addSettings(command: Command, wanted: (setting: Setting) => boolean): Command {
  for (const { setting, flag, group } of GROUPED) {
    if (!wanted(setting)) continue;
    command.addOption(optionOf(setting, flag).helpGroup(group));
    if (setting.kind === 'boolean')
      command.addOption(new Option(flag.replace(/^--/, '--no-')).helpGroup(group).hideHelp());
  }
  return command;
}

function optionOf(setting: Setting, flag: string): Option {
  const { kind, meta } = setting;
  const fallback = kind === 'boolean' ? '' : defaultOf(setting);
  const note = `env: ${setting.env.join(', ')}${fallback === '' ? '' : `; default: ${fallback}`}`;
  const description = `${meta.description} (${note})`;
  if (kind === 'boolean') return new Option(flag, description);
  const option = new Option(`${flag} <${meta.value ?? 'text'}>`, description);
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

/** Flags of service-registrar. They are accepted without the switch too, so that the error can name it. */
export function addOldFlags(command: Command, hidden: boolean): Command {
  for (const { flags, what } of OLD_FLAGS) {
    const option = new Option(flags, what).helpGroup(OLD_GROUP);
    command.addOption(hidden ? option.hideHelp() : option);
  }
  return command;
}

/** Those that were given, by their short form. */
export function oldFlagsOf(command: Command): Map<string, FlagValue> {
  const found = new Map<string, FlagValue>();
  for (const { short } of OLD_FLAGS) {
    const option = command.options.find((candidate) => candidate.short === short);
    // Another command may have a flag of that letter that means something else.
    if (option?.helpGroupHeading !== OLD_GROUP) continue;
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' || value === true) found.set(short, value);
  }
  return found;
}
