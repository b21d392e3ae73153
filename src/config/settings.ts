import * as z from 'zod';
import { settingsSchema } from './config.ts';
import { type SettingMeta, settingMeta, type TextKind } from './setting.ts';

/** One setting with every name it has. `path` is the name in the YAML file, such as `log.level`. */
export interface Setting {
  readonly path: string;
  readonly keys: readonly string[];
  readonly kind: TextKind;
  /** Variables that set it; the first that is not empty counts. */
  readonly env: readonly string[];
  /** With its dashes; undefined: none. */
  readonly flag: string | undefined;
  readonly meta: SettingMeta;
  /** Names of the members, for `switches`. */
  readonly members: readonly string[];
}

const words = (path: string): string[] =>
  path.split('.').flatMap((key) => key.split(/(?=[A-Z])/).map((word) => word.toLowerCase()));

function describe(keys: readonly string[], meta: SettingMeta, members: readonly string[]): Setting {
  const path = keys.join('.');
  const env = meta.env ?? `PORTOLAN_${words(path).join('_').toUpperCase()}`;
  const flag = meta.flag ?? words(path).join('-');
  return {
    path,
    keys,
    kind: meta.kind ?? 'text',
    env: [env, ...(meta.envAlias ?? [])],
    flag: flag === false ? undefined : `--${flag}`,
    meta,
    members,
  };
}

const unwrap = (schema: unknown): unknown => (schema instanceof z.ZodPrefault ? schema.unwrap() : schema);

function* walk(schema: unknown, keys: readonly string[]): Generator<Setting> {
  const meta = schema instanceof z.ZodType ? settingMeta.get(schema) : undefined;
  const inner = unwrap(schema);
  const shape: Readonly<Record<string, unknown>> = inner instanceof z.ZodObject ? inner.shape : {};
  if (meta !== undefined) yield describe(keys, meta, Object.keys(shape));
  for (const [key, member] of Object.entries(shape)) yield* walk(member, [...keys, key]);
}

/** Every setting, in the order of the schema. */
export const SETTINGS: readonly Setting[] = [...walk(settingsSchema, [])];

/** Values by path; `switches` are only another way to set their members, so they are not among them. */
export const LEAVES: ReadonlyMap<string, Setting> = new Map(
  SETTINGS.filter(({ kind }) => kind !== 'switches').map((item) => [item.path, item]),
);
