import type { Command } from 'commander';
import { type ShownSetting, settingsYaml, shownSettings } from '../../config/print.ts';
import { configJsonSchema } from '../../config/reference.ts';
import { configured, showNotes, showWarnings } from '../configured.ts';
import { EXIT } from '../exit.ts';
import type { CliIo } from '../io.ts';
import { toJson } from '../structured.ts';
import { renderTable } from '../table.ts';

export function check(command: Command, io: CliIo): number {
  const loaded = configured(command, io, true);
  showWarnings(loaded, io);
  showNotes(loaded, io);
  io.stdout('The configuration is valid.\n');
  return EXIT.ok;
}

/** Every setting, its value and where it came from; secrets stay hidden, and files of secrets are not even read. */
export function print(command: Command, io: CliIo): number {
  const loaded = configured(command, io, false);
  showWarnings(loaded, io);
  const { stateDir, controlSocket } = loaded.config;
  const settings = shownSettings(loaded.given, { stateDir, controlSocket });
  const { output } = command.opts<{ output: string }>();
  if (output === 'json') io.stdout(toJson(settings));
  else if (output === 'yaml') io.stdout(settingsYaml(settings));
  else io.stdout(renderTable(COLUMNS, settings, true));
  return EXIT.ok;
}

export function schema(io: CliIo): number {
  io.stdout(toJson(configJsonSchema()));
  return EXIT.ok;
}

const COLUMNS = [
  { title: 'SETTING', cell: ({ setting }: ShownSetting) => setting },
  {
    title: 'VALUE',
    cell: ({ value, note }: ShownSetting) => (note === undefined ? show(value) : `(${note})`),
  },
  { title: 'ORIGIN', cell: ({ origin }: ShownSetting) => origin },
];

function show(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(' ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
