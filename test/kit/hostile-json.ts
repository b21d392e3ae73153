import fc from 'fast-check';
import { hostileText, PROTOTYPE_NAMES } from './fuzz.ts';

type Path = readonly (string | number)[];

const NUMBERS = [0, -0, -1, 1.5, 65_536, 2 ** 31, 2 ** 53, -1e308, 1e308, Number.POSITIVE_INFINITY];

/** The same value nested so deeply that a recursive reader would run out of stack. */
function nested(depth: number, value: unknown): unknown {
  let json = value;
  for (let n = 0; n < depth; n += 1) json = n % 2 === 0 ? [json] : { a: json };
  return json;
}

const key = fc.oneof(fc.constantFrom(...PROTOTYPE_NAMES, 'ID', 'Name', ''), hostileText);

/** `__proto__` too becomes a property of its own, as `JSON.parse` makes it. */
function objectOf(entries: readonly (readonly [string, unknown])[]): unknown {
  const made = {};
  for (const [name, value] of entries) put(made, name, value);
  return made;
}

function put(target: object, name: string | number, value: unknown): void {
  Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Any JSON, with a liking for types, names and sizes that nobody expects. */
export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, '', [], {}, [null], { __proto: 1 }, [[]]),
  fc.constantFrom<unknown>(...NUMBERS),
  hostileText,
  fc.array(fc.oneof(hostileText, fc.constantFrom<unknown>(...NUMBERS, null, {})), { maxLength: 3 }),
  fc
    .array(fc.tuple(key, fc.oneof(hostileText, fc.jsonValue({ maxDepth: 1 }))), { maxLength: 3 })
    .map(objectOf),
  fc.constantFrom(20, 400).map((depth) => nested(depth, 'deep')),
  fc.jsonValue(),
);

function pathsOf(json: unknown, above: Path = []): Path[] {
  if (typeof json !== 'object' || json === null) return [above];
  const names = Array.isArray(json) ? [...json.keys()] : Object.keys(json);
  const below = names.flatMap((name) =>
    pathsOf((json as Readonly<Record<string | number, unknown>>)[name], [...above, name]),
  );
  return [above, ...below];
}

/** `retell`: a text stays a text, so that it comes past a check of its type. */
type Change = 'replace' | 'retell' | 'remove' | 'add';

type Entry = readonly [name: string, value: unknown];

/** The part itself, changed. */
function changeHere(json: unknown, kind: Change, [name, value]: Entry): unknown {
  if (kind === 'retell' && typeof json === 'string') return name;
  if (kind === 'replace' || kind === 'retell' || typeof json !== 'object' || json === null) return value;
  if (kind === 'add' && Array.isArray(json)) json.push(value);
  else if (kind === 'add') put(json, name, value);
  return json;
}

function change(json: unknown, path: Path, kind: Change, entry: Entry): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return changeHere(json, kind, entry);
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, first)) return json;
  if (kind === 'remove' && rest.length === 0) Reflect.deleteProperty(json, first);
  else put(json, first, change((json as Record<string | number, unknown>)[first], rest, kind, entry));
  return json;
}

/** The sample with a few of its parts replaced, removed, or with something beside them that does not belong there. */
export function mutated(sample: unknown): fc.Arbitrary<unknown> {
  const step = fc.record({
    path: fc.constantFrom(...pathsOf(sample)),
    kind: fc.constantFrom<Change>('replace', 'retell', 'retell', 'remove', 'add'),
    entry: fc.tuple(key, hostileJson),
  });
  return fc
    .array(step, { minLength: 1, maxLength: 4 })
    .map((steps) =>
      steps.reduce<unknown>(
        (json, { path, kind, entry: [name, value] }) =>
          change(json, path, kind, [name, structuredClone(value)]),
        structuredClone(sample),
      ),
    );
}
