/** One label of a host name; an underscore is used in practice and harms nobody. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;
const MAX_LENGTH = 253;

/** A host name in its one spelling (lower case, no dot at the end), or undefined when it is none. */
function hostName(text: string): string | undefined {
  // Cut first: a hostile text must not cost time in proportion to its length.
  if (text.length > MAX_LENGTH + 1) return undefined;
  const name = text.toLowerCase().replace(/\.$/, '');
  if (name.length > MAX_LENGTH) return undefined;
  return name.split('.').every((label) => LABEL.test(label)) ? name : undefined;
}

/** A host name, or `*.` and the names below which everything is meant. */
export function hostPattern(text: string): string | undefined {
  if (!text.startsWith('*.')) return hostName(text);
  const below = hostName(text.slice(2));
  return below === undefined ? undefined : `*.${below}`;
}

/** The name of a service that has none: its path backwards, `/internal/app1/dev/web` is `web.dev.app1.internal`. */
export function nameOfPath(path: string): string | undefined {
  const segments = path.split('/').filter((segment) => segment !== '');
  return hostName(segments.reverse().join('.'));
}
