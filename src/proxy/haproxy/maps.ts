import type { PlanLine } from '../../core/status.ts';
import type { ObservedMap } from './observed.ts';
import type { MapName } from './render.ts';

/** What a map has to become. `replace`: as a whole and at once, where single commands are too many or cannot do it. */
export interface MapChange {
  readonly name: MapName;
  readonly commands: readonly string[];
  readonly replace: readonly string[] | undefined;
  readonly lines: readonly PlanLine[];
}

/** More single changes than this are made at once, by a new version of the map. */
const SINGLE_CHANGES = 8;

/** `keys`: only these are compared; undefined: all. `file`: how the running configuration calls the map; `ordered`: its order counts. */
export function mapChange(
  { name, file, ordered }: { readonly name: MapName; readonly file: string; readonly ordered: boolean },
  wanted: ReadonlyMap<string, string>,
  observed: ObservedMap,
  keys: Iterable<string> | undefined,
): MapChange | undefined {
  const commands: string[] = [];
  const lines: PlanLine[] = [];
  for (const key of keys ?? new Set([...wanted.keys(), ...observed.entries.keys()])) {
    const after = wanted.get(key);
    const before = observed.entries.get(key);
    if (after === before) continue;
    commands.push(command(file, key, before, after));
    lines.push(entryLine(`${name}.map ${key}`, before, after));
  }
  // In what order patterns stand decides which of them counts.
  const disordered = ordered && !sameOrder(wanted, observed.entries);
  if (commands.length === 0 && !observed.doubled && !disordered) return undefined;
  if (lines.length === 0) {
    const reason = observed.doubled ? 'a key stands in it twice' : 'the longest pattern has to come first';
    lines.push({ action: 'update', key: `${name}.map`, before: undefined, after: undefined, reason });
  }
  const whole = ordered || observed.doubled || commands.length > SINGLE_CHANGES;
  const replace = whole ? [...wanted].map(([key, value]) => `${key} ${value}`) : undefined;
  return { name, commands: whole ? [] : commands, replace, lines };
}

/** The commands as a plan shows them: a version of a map gets its number only when it is made. */
export function mapCommands({ commands, replace }: MapChange, file: string): readonly string[] {
  if (replace === undefined) return commands;
  const rows = replace.map((row) => `add map @new ${file} ${row}`);
  return [`prepare map ${file}`, ...rows, `commit map @new ${file}`];
}

function entryLine(key: string, before: string | undefined, after: string | undefined): PlanLine {
  const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
  return { action, key, before, after, reason: 'the services say so' };
}

/** Keys that come from outside have no blank; one that somebody else brought in is only ever deleted. */
function command(file: string, key: string, before: string | undefined, after: string | undefined): string {
  if (after === undefined) return `del map ${file} ${escape(key)}`;
  return `${before === undefined ? 'add' : 'set'} map ${file} ${key} ${after}`;
}

/** A `;` would begin another command. */
function escape(key: string): string {
  return key.replace(/[\\; ]/g, (character) => `\\${character}`);
}

function sameOrder(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  const other = [...b.keys()];
  return [...a.keys()].every((key, index) => other[index] === key);
}
