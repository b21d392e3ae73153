import type * as z from 'zod';
import { nearest } from '../core/nearest.ts';
import { ENGINE_KEYS } from './engines.ts';
import { DEFAULT_ORIGIN, didYouMean, type Given, joinPath, type Problem } from './problem.ts';
import { PROXY_KEYS } from './proxies.ts';
import { REGISTRY_KEYS, TLS_KEYS } from './registry-settings.ts';
import { hideCredentials } from './registry-url.ts';
import { LEAVES, type Setting } from './settings.ts';

type Issue = z.core.$ZodIssue;

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'a mapping',
  boolean: 'true or false',
  number: 'a number',
};

/** Turns what zod found into problems that name the origin of the value and the remedy. */
export function problemsOf(issues: readonly Issue[], given: ReadonlyMap<string, Given>): Problem[] {
  return issues.flatMap((issue) => flatten(issue, []).map((found) => toProblem(found, given)));
}

interface Found {
  readonly issue: Issue;
  readonly path: readonly PropertyKey[];
}

/** Of a union, the branch that was meant: the one whose outermost type fits. */
function flatten(issue: Issue, above: readonly PropertyKey[]): Found[] {
  const path = [...above, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ issue: { ...issue, keys: [key] }, path: [...path, key] }));
  if (issue.code !== 'invalid_union') return [{ issue, path }];
  const meant = issue.errors.find((branch) =>
    branch.every(({ code, path: below }) => code !== 'invalid_type' || below.length > 0),
  );
  return meant === undefined ? [{ issue, path }] : meant.flatMap((inner) => flatten(inner, path));
}

function toProblem({ issue, path }: Found, given: ReadonlyMap<string, Given>): Problem {
  const setting = settingAt(path);
  const source = setting === undefined ? undefined : given.get(setting.path);
  const below = path.slice(setting?.keys.length ?? 0);
  const origin = source?.within?.(below) ?? source?.origin ?? DEFAULT_ORIGIN;
  const hidden = setting?.meta.secret === true || below.some((key) => key === 'password');
  const value = hidden ? undefined : valueAt(source?.value, below);
  return { origin, setting: joinPath(path), ...explain(issue, path, value, setting) };
}

function settingAt(path: readonly PropertyKey[]): Setting | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const found = LEAVES.get(path.slice(0, length).join('.'));
    if (found !== undefined) return found;
  }
  return undefined;
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  let part = value;
  for (const key of keys) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, key)) return undefined;
    part = (part as Record<PropertyKey, unknown>)[key];
  }
  return part;
}

type Explained = Pick<Problem, 'what' | 'remedy'>;

function explain(
  issue: Issue,
  path: readonly PropertyKey[],
  value: unknown,
  setting: Setting | undefined,
): Explained {
  switch (issue.code) {
    case 'custom':
      return { what: issue.message, remedy: String(issue.params?.['remedy'] ?? 'correct it') };
    case 'invalid_value':
      return wrongChoice(issue.values.map(String), value);
    case 'invalid_type':
      return wrongType(issue.expected, value, setting);
    case 'unrecognized_keys':
      return unknownKeyAt(path, issue.path.length > 1, issue.keys[0] ?? '');
    case 'invalid_union':
      return { what: `${show(value)} is neither a URL nor a mapping`, remedy: 'write etcd://host:2379' };
    case 'too_small':
      return { what: 'is empty', remedy: 'leave it out, or write a value' };
    default:
      return { what: `${show(value)} is not allowed`, remedy: 'use letters, digits and . _ : / - only' };
  }
}

/** `inner`: not of the entry itself, but of a mapping in it. */
function unknownKeyAt(path: readonly PropertyKey[], inner: boolean, key: string): Explained {
  if (path[0] === 'proxies') return unknownKey(key, inner ? [] : PROXY_KEYS, 'a proxy');
  if (path[0] === 'engines') return unknownKey(key, ENGINE_KEYS, 'an engine');
  return unknownKey(key, path.includes('tls') ? TLS_KEYS : REGISTRY_KEYS, 'a registry');
}

function unknownKey(key: string, known: readonly string[], whose: string): Explained {
  const all = known.length === 0 ? 'leave it out' : `what can be set here is ${known.join(', ')}`;
  return { what: `is no setting of ${whose}`, remedy: didYouMean(nearest(key, known), all) };
}

function wrongChoice(values: readonly string[], value: unknown): Explained {
  const near = typeof value === 'string' ? nearest(value, values) : undefined;
  return {
    what: `${show(value)} is not one of ${values.join(', ')}`,
    remedy: didYouMean(near, `choose one of ${values.join(', ')}`),
  };
}

function wrongType(expected: string, value: unknown, setting: Setting | undefined): Explained {
  const noun = NOUNS[expected] ?? expected;
  if (value === undefined) return { what: 'is missing', remedy: `write ${noun}` };
  const what = `${show(value)} is not ${noun}`;
  if (setting?.meta.value === 'duration')
    return { what, remedy: 'write a number and a unit, such as 250ms, 15s or 5m' };
  if (expected === 'array') return { what, remedy: 'write a list, such as [a, b]' };
  if (expected === 'string') return { what, remedy: 'put it into quotes' };
  return { what, remedy: `write ${noun}` };
}

/** A value as an error shows it: short, on one line, without credentials. */
function show(value: unknown): string {
  if (value === undefined) return 'this';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a mapping';
  const text = typeof value === 'string' ? hideCredentials(value) : JSON.stringify(value);
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return typeof value === 'string' ? JSON.stringify(short) : short;
}
