import { listed } from './listed.ts';
import { isTag, MOST_TAGS } from './tag.ts';

type Variables = ReadonlyMap<string, string>;

/** Longer values are not looked at: nothing valid is as long. */
const LONGEST = 4096;

/** The variable by which a container names one of its ports. */
export function portNameVariable(port: number): string {
  return `SERVICE_${String(port)}_NAME`;
}

/** The name of a port; undefined where it has none. Not checked. */
export function portNameIn(env: Variables, port: number): string | undefined {
  return given(env, portNameVariable(port));
}

/** The tags of a port in the order in which they were written, and the variable that has them. */
export interface RegistrarTags {
  readonly variable: string;
  readonly tags: readonly string[];
  /** Some of them are no tags and were left out. */
  readonly refused: boolean;
}

/** `SERVICE_<port>_TAGS`, else `TAGS`; separated by commas. */
export function tagsIn(env: Variables, port: number): RegistrarTags | undefined {
  for (const variable of [`SERVICE_${String(port)}_TAGS`, 'TAGS']) {
    const text = given(env, variable);
    if (text === undefined) continue;
    if (text.length > LONGEST) return { variable, tags: [], refused: true };
    const all = [...new Set(listed(text))];
    const tags = all.filter(isTag).slice(0, MOST_TAGS);
    return { variable, tags, refused: tags.length < all.length };
  }
  return undefined;
}

/** A variable that is set to nothing counts as not set: images unset variables like that. */
function given(env: Variables, name: string): string | undefined {
  const value = env
    .get(name)
    ?.slice(0, LONGEST + 1)
    .trim();
  return value === '' ? undefined : value;
}
