import { Document, isCollection, isScalar } from 'yaml';
import { DEFAULT_ORIGIN, describeOrigin, type Given, type Origin } from './problem.ts';
import { defaultOf } from './reference.ts';
import { hideCredentials } from './registry-url.ts';
import { LEAVES, type Setting } from './settings.ts';

/** A setting as it may be shown: secrets hidden, durations as they were written. */
export interface ShownSetting {
  readonly setting: string;
  /** Absent: the default is computed, and `note` says how. */
  readonly value?: unknown;
  readonly note?: string;
  readonly origin: string;
}

const HIDDEN = '***';

/** Every setting with its value and where it came from. `computed`: defaults that the machine decides. */
export function shownSettings(
  given: ReadonlyMap<string, Given>,
  computed: Readonly<Record<string, unknown>>,
): ShownSetting[] {
  return [...LEAVES.values()].map((setting) => {
    const found = given.get(setting.path);
    const origin: Origin = found?.origin ?? DEFAULT_ORIGIN;
    const shown = { setting: setting.path, origin: describeOrigin(origin) };
    if (found !== undefined) return { ...shown, value: hide(setting, found.value) };
    if (computed[setting.path] !== undefined) return { ...shown, value: computed[setting.path] };
    return { ...shown, ...fallback(setting) };
  });
}

function fallback(setting: Setting): { readonly value?: unknown; readonly note?: string } {
  const text = defaultOf(setting);
  if (setting.meta.fallback !== undefined) return { note: text };
  if (setting.kind === 'boolean') return { value: text === 'true' };
  if (setting.kind === 'list' || setting.kind === 'registries') return { value: [] };
  return text === '' ? { note: 'not set' } : { value: text };
}

function hide(setting: Setting, value: unknown): unknown {
  if (setting.meta.secret === true) return HIDDEN;
  return setting.kind === 'registries' && Array.isArray(value) ? value.map(hideEntry) : value;
}

function hideEntry(entry: unknown): unknown {
  if (typeof entry === 'string') return hideCredentials(entry);
  if (typeof entry !== 'object' || entry === null) return entry;
  return Object.fromEntries(
    Object.entries(entry).map(([key, value]: [string, unknown]) => {
      if (key === 'password') return [key, HIDDEN];
      return [key, key === 'url' && typeof value === 'string' ? hideCredentials(value) : value];
    }),
  );
}

/**
 * A configuration file with the same meaning; each value's origin is a comment beside it. Without `compat`: what stood under
 * old names stands under today's in it.
 */
export function settingsYaml(settings: readonly ShownSetting[]): string {
  const document = new Document({});
  for (const { setting, value, note, origin } of settings) {
    if (setting === 'compat') continue;
    const keys = setting.split('.');
    document.setIn(keys, document.createNode(value ?? null));
    const node = document.getIn(keys, true);
    const comment = ` ${note ?? origin}`;
    if (isScalar(node)) node.comment = comment;
    else if (isCollection(node)) node.commentBefore = comment;
  }
  return document.toString({ lineWidth: 0, nullStr: '' });
}
