import fc from 'fast-check';
import { vi } from 'vitest';

/**
 * `FUZZ_RUNS=100` runs every fuzz test a hundred times as long; `FUZZ_SEED` replays a run by the seed that it printed. An
 * ordinary run is the same each time, so that what it finds is the doing of the change at hand.
 */
const factor = positive(process.env['FUZZ_RUNS'] ?? '1');
const seed = process.env['FUZZ_SEED'] ?? (factor === 1 ? '1' : undefined);

vi.setConfig({ testTimeout: 90_000 * Math.max(1, factor) });

function positive(text: string): number {
  const number = Number(text);
  if (Number.isFinite(number) && number > 0) return number;
  throw new Error(`FUZZ_RUNS=${text} is not a number above 0`);
}

/** How often a property is tried: `count` times in an ordinary test run. */
export function runs(count: number): { readonly numRuns: number; readonly seed?: number } {
  const numRuns = Math.max(1, Math.round(count * factor));
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) };
}

const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, Map.prototype, String.prototype];
const untouched = PROTOTYPES.map((prototype) => Object.getOwnPropertyDescriptors(prototype));

/** Throws when something has been written to a prototype that everything shares. */
export function checkPrototypes(): void {
  PROTOTYPES.forEach((prototype, index) => {
    const before: Readonly<Record<PropertyKey, PropertyDescriptor>> = untouched[index] ?? {};
    for (const key of Reflect.ownKeys(prototype)) {
      const now = Object.getOwnPropertyDescriptor(prototype, key);
      if (now?.value !== before[key]?.value || now?.get !== before[key]?.get)
        throw new Error(`${prototype.constructor.name}.prototype.${String(key)} was written`);
    }
  });
}

/** Names that a careless reader of outside data takes for something else. */
export const PROTOTYPE_NAMES = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  'length',
] as const;

/** What has gone wrong somewhere: in a key, a file, a shell, a terminal, a web page, a template. */
const FRAGMENTS = [
  ...['..', '.', '/', '//', '/../', '\\', '%2e%2e', '%2F', '%00', '%', ' ', '~', '-', '=', ':', '@', ','],
  ...['\n', '\r\n', '\r', '\t', '\0', '\u0007', '\u001b[2J', '\u001b]0;x\u0007', '\u0085', '\u009b31m'],
  ...['\u2028', '\u2029', '\u202e', '\u2066', '\ufeff', '\u200f', '\ud800', '\udfff', 'é', '船', '💥'],
  ...['"', "'", '`id`', '$(id)', '${7*7}', '{{7*7}}', '<script>', '&amp;', ';', '|', '#', '*', '!', '};{'],
  ...['0', '-1', '1e3', '0x50', '65536', 'NaN', 'null', 'true', 'portolan', 'server evil', 'a', 'web'],
  ...PROTOTYPE_NAMES,
];

const HUGE = ['x'.repeat(10_000), '/a'.repeat(3000), '../'.repeat(2000), '"'.repeat(5000), ' '.repeat(5000)];

/** Text as nobody well-meaning writes it. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...FRAGMENTS) },
  {
    weight: 5,
    arbitrary: fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 6 }).map((all) => all.join('')),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(...HUGE) },
);

/** A right value, somewhere changed. */
export function nearly(good: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(good, fc.constantFrom(...FRAGMENTS), fc.nat(40))
    .map(([text, fragment, at]) => text.slice(0, at) + fragment + text.slice(at));
}
