import { shown } from '../core/quote.ts';

/** Where a value came from. */
export type Origin =
  /** `of`: another program's, whose settings are read. */
  | { readonly type: 'default'; readonly of?: string }
  /** `key`: as it is written there, where that is not the setting's own name. */
  | {
      readonly type: 'file';
      readonly path: string;
      readonly line: number | undefined;
      readonly key?: string;
    }
  | { readonly type: 'env'; readonly name: string }
  | { readonly type: 'flag'; readonly name: string };

/** One thing that is wrong, with all that is needed to put it right. Never holds a secret value. */
export interface Problem {
  readonly origin: Origin;
  /** Path of the setting, such as `registries[0].tls.ca`; empty when the problem is about the whole. */
  readonly setting: string;
  readonly what: string;
  readonly remedy: string;
}

/** A value as one source gave it. */
export interface Given {
  readonly value: unknown;
  readonly origin: Origin;
  /** The origin of a part of the value, such as one entry of a list. */
  readonly within?: (keys: readonly PropertyKey[]) => Origin;
}

/** What one source (file, environment, flags) says: values by setting path. */
export interface Reading {
  readonly given: ReadonlyMap<string, Given>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

export const DEFAULT_ORIGIN: Origin = { type: 'default' };

export function describeOrigin(origin: Origin): string {
  switch (origin.type) {
    case 'default':
      return origin.of === undefined ? 'default' : `default of ${origin.of}`;
    case 'file': {
      const place = origin.line === undefined ? origin.path : `${origin.path}:${origin.line}`;
      return origin.key === undefined ? place : `${place} (${shown(origin.key)})`;
    }
    case 'env':
      return origin.name;
    case 'flag':
      return origin.name;
  }
}

/** `portolan.yaml:3: log.level: "loud" is not one of debug, info, warn, error; did you mean ...?` */
export function formatProblem({ origin, setting, what, remedy }: Problem): string {
  const where = [origin.type === 'default' ? '' : describeOrigin(origin), setting].filter(
    (part) => part !== '',
  );
  // A flag without its value takes the next word for it, and that may be a registry with its password.
  return `${[...where, what].join(': ')}; ${remedy}`.replace(/:\/\/[^\s"']*@/g, '://***@');
}

/** Joins keys as people write them: `registries[0].tls.ca`. */
export function joinPath(keys: readonly PropertyKey[]): string {
  let path = '';
  for (const key of keys) {
    if (typeof key === 'number') path += `[${key}]`;
    else path += path === '' ? shownKey(String(key)) : `.${shownKey(String(key))}`;
  }
  return path;
}

/** Of `password:hunter2`, a key for want of a blank, only what stands before the colon. */
function shownKey(key: string): string {
  const at = key.indexOf(':');
  return shown(at < 0 ? key : `${key.slice(0, at)}:…`);
}

/** A path inside a problem: longer than other texts, but not endless. */
export function shownPath(path: string): string {
  return shown(path, 256);
}

/** A remedy that names the nearest right word, or all of them when none is near and they are few. */
export function didYouMean(near: string | undefined, otherwise: string): string {
  return near === undefined ? otherwise : `did you mean ${near}?`;
}
