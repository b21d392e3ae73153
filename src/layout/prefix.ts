import { parsePath } from '../core/segment.ts';

/** What a layout is built with. */
export interface LayoutOptions {
  /** Where its keys lie; comes out with one slash at each end, so that `/services/` never catches `/services2`. */
  readonly prefix: string;
  /** Records live under the host's lease (`ttl`) instead of until they are removed (`prune`). */
  readonly leased: boolean;
}

/** The bookkeeping lies there; no layout may touch it. */
const RESERVED = '/portolan/';

/** Throws: the configuration has been checked before, so a bad prefix is a fault of the program. */
export function normalizePrefix(text: string): string {
  const parsed = parsePath(text);
  if ('error' in parsed) throw new Error(`the prefix ${JSON.stringify(text)} ${parsed.error}`);
  const prefix = `/${parsed.segments.join('/')}/`;
  if (prefix.startsWith(RESERVED)) throw new Error(`the prefix ${prefix} lies below ${RESERVED}`);
  return prefix;
}
