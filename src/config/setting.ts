import * as z from 'zod';

/**
 * How the text of an environment variable or a flag becomes the value that the YAML file would hold.
 * `switches`: names of a group's members that are on; all others are off.
 */
export type TextKind = 'text' | 'boolean' | 'list' | 'registries' | 'switches';

/** What is said about a setting once, and shown everywhere: help, reference, JSON Schema, errors. */
export interface SettingMeta {
  /** One sentence. */
  readonly description: string;
  /** Default `text`. */
  readonly kind?: TextKind;
  /** Placeholder in `--help`, without brackets. */
  readonly value?: string;
  /** Read after the variable that the setting's path gives. */
  readonly envAlias?: readonly string[];
  /** Instead of the variable that the setting's path gives. */
  readonly env?: string;
  /** Instead of the flag that the setting's path gives; `false`: no flag. */
  readonly flag?: string | false;
  /** The default in words, where it is computed. */
  readonly fallback?: string;
  readonly secret?: boolean;
  /** A running agent takes another value over when it reads its configuration again; else that needs a restart. */
  readonly reload?: boolean;
}

/** The registry that ties what is said to what is parsed. */
export const settingMeta = z.registry<SettingMeta>();

/** A leaf of the schema: one value with one name everywhere. */
export function setting<S extends z.ZodType>(schema: S, meta: SettingMeta): S {
  settingMeta.add(schema, meta);
  return schema;
}

/** A named group of settings; every member has a default, so that the group can be left out. */
export function group<Shape extends z.ZodRawShape>(
  shape: Shape,
): z.ZodPrefault<z.ZodObject<Shape, z.core.$strict>> {
  return z.strictObject(shape).prefault({} as never);
}

/** A switch. `reload`: a running agent takes another value over. */
export function on(
  description: string,
  fallback: boolean,
  flag: string | false,
  reload = false,
): z.ZodDefault<z.ZodBoolean> {
  return setting(z.boolean().default(fallback), { description, kind: 'boolean', flag, reload });
}
