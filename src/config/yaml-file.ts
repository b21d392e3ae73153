import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { nearest } from '../core/nearest.ts';
import { shown } from '../core/quote.ts';
import { OLD_NAMES, oldName, SERVICE_REGISTRAR, SUPERSEDED } from './compat/names.ts';
import type { Stray } from './compat/sources.ts';
import { didYouMean, type Given, joinPath, type Origin, type Problem, type Reading } from './problem.ts';
import { SETTINGS } from './settings.ts';

/** Names that may stand in a group: `''` is the top of the file. */
const GROUPS: ReadonlyMap<string, ReadonlySet<string>> = groups();
const LEAF_PATHS: ReadonlySet<string> = new Set(
  SETTINGS.filter(({ kind }) => kind !== 'switches').map(({ path }) => path),
);

function groups(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { keys } of SETTINGS)
    keys.forEach((key, depth) => {
      const parent = keys.slice(0, depth).join('.');
      found.set(parent, (found.get(parent) ?? new Set()).add(key));
    });
  return found;
}

/** What a file says; `strays`: keys at its top that only service-registrar knew. */
export interface FileReading extends Reading {
  readonly strays: readonly Stray[];
}

/**
 * Reads the text of a configuration file. Never throws; everything wrong comes with its line. `compat`: the setting of that
 * name, where something outranks the file.
 */
export function readYaml(path: string, text: string, compat?: unknown): FileReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
  const problems: Problem[] = document.errors.map((error) => ({
    origin: { type: 'file', path, line: lines.linePos(error.pos[0]).line },
    setting: '',
    what: notYaml(error),
    remedy: 'correct this line',
  }));
  if (problems.length > 0) return { given: new Map(), problems, warnings: [], strays: [] };
  const file = new YamlFile(path, document, lines, compat);
  file.read();
  const { given, warnings, strays } = file;
  return { given, problems: file.problems, warnings, strays };
}

/** What the parser says, but not what it found: a password that begins like an alias must not be shown. */
function notYaml(error: unknown): string {
  const [head = ''] = error instanceof Error ? error.message.split(/[:"\\\n]/, 1) : [];
  return `is not valid YAML: ${shown(head.trim() || 'unreadable', 160)}`;
}

type FileOrigin = Extract<Origin, { type: 'file' }>;

/** Two of its keys are groups of today's: there it had texts. */
function isOld(key: string, value: unknown, names: ReadonlySet<string>): boolean {
  return (
    oldName(key) !== undefined && (!names.has(key) || (typeof value !== 'object' && value !== undefined))
  );
}

class YamlFile {
  readonly given = new Map<string, Given>();
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  readonly strays: Stray[] = [];
  readonly #path: string;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  #compat: unknown;

  constructor(path: string, document: Document.Parsed, lines: LineCounter, compat: unknown) {
    this.#path = path;
    this.#document = document;
    this.#lines = lines;
    this.#compat = compat;
  }

  read(): void {
    let content: unknown;
    try {
      content = this.#document.toJS({ maxAliasCount: 100 });
    } catch (error) {
      // Aliases without an anchor, or far too many of them.
      const what = notYaml(error);
      this.problems.push({ origin: this.#origin([]), setting: '', what, remedy: 'write it without aliases' });
      return;
    }
    // An empty file is a configuration with every default.
    if (content === null || content === undefined) return;
    if (typeof content === 'object' && 'compat' in content) this.#compat ??= content.compat;
    this.#group(content, []);
  }

  #group(content: unknown, keys: readonly string[]): void {
    const setting = keys.join('.');
    const names = GROUPS.get(setting) ?? new Set<string>();
    if (content === null) return;
    if (typeof content !== 'object' || Array.isArray(content)) {
      const remedy = `write its settings below it: ${[...names].join(', ')}`;
      this.problems.push({ origin: this.#origin(keys), setting, what: 'is not a mapping', remedy });
      return;
    }
    for (const [key, value] of Object.entries(content)) {
      const member = [...keys, key];
      const path = member.join('.');
      if (keys.length === 0 && isOld(key, value, names)) this.#old(key, value);
      else if (!names.has(key)) this.#unknown(member, names);
      else if (LEAF_PATHS.has(path)) this.#leaf(path, member, value);
      else this.#group(value, member);
    }
  }

  #leaf(path: string, keys: readonly string[], value: unknown): void {
    if (value === null) return;
    const within = (below: readonly PropertyKey[]): Origin => this.#origin([...keys, ...below]);
    this.given.set(path, { value, origin: this.#origin(keys), within });
  }

  #old(key: string, value: unknown): void {
    this.strays.push({ key, value, origin: { ...this.#origin([key]), key } });
  }

  #unknown(keys: readonly string[], names: ReadonlySet<string>): void {
    const compat = keys.length === 1 && this.#compat === SERVICE_REGISTRAR;
    const superseded = compat ? SUPERSEDED.get(keys[0] ?? '') : undefined;
    if (superseded !== undefined) {
      const what = 'is ignored, as the last service-registrar ignored it';
      this.warnings.push({ origin: this.#origin(keys), setting: joinPath(keys), what, remedy: superseded });
      return;
    }
    const near = nearest(keys.at(-1) ?? '', compat ? [...names, ...OLD_NAMES.map(({ key }) => key)] : names);
    const elsewhere = [...LEAF_PATHS].find((path) => path.endsWith(`.${keys.at(-1) ?? ''}`));
    const parent = keys.slice(0, -1).join('.');
    const remedy = didYouMean(
      near === undefined ? elsewhere : [...keys.slice(0, -1), near].join('.'),
      `${parent === '' ? 'the settings are' : `${parent} has`} ${[...names].join(', ')}`,
    );
    const what = 'is no setting';
    this.problems.push({ origin: this.#origin(keys), setting: joinPath(keys), what, remedy });
  }

  #origin(keys: readonly PropertyKey[]): FileOrigin {
    return { type: 'file', path: this.#path, line: this.#line(keys) };
  }

  /** The line of the key (or list entry) that the path leads to, or of the last one on the way that exists. */
  #line(keys: readonly PropertyKey[]): number | undefined {
    let node: unknown = this.#document.contents;
    let at: number | undefined;
    for (const key of keys) {
      if (isMap(node)) {
        const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
        if (isScalar(pair?.key)) at = pair.key.range?.[0] ?? at;
        node = pair?.value;
      } else if (isSeq(node) && typeof key === 'number') {
        node = node.items[key];
        at = rangeOf(node) ?? at;
      } else break;
    }
    return at === undefined ? undefined : this.#lines.linePos(at).line;
  }
}

function rangeOf(node: unknown): number | undefined {
  return isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}
