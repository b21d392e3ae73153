import { quote } from './quote.ts';

/**
 * The gate through which every outside string passes before it becomes a segment of a key.
 * Letters, digits and `. _ - ~ : @ + =` only: nothing that a shell, a URL, a proxy file or a key separator could mistake.
 */
const SEGMENT = /^[A-Za-z0-9._~:@+=-]{1,128}$/;

/** Names of the reserved bookkeeping tree and of folders themselves can never be segments. */
export function checkSegment(text: string): string | undefined {
  if (text === '') return 'is empty';
  if (text === '.' || text === '..') return 'is a relative path';
  if (text.length > 128) return 'is longer than 128 characters';
  return SEGMENT.test(text) ? undefined : 'has a character outside A-Z a-z 0-9 . _ ~ : @ + = -';
}

/** Splits `/a/b/c` into its segments; an error names the segment. Doubled and trailing slashes are forgiven. */
export function parsePath(
  text: string,
): { readonly segments: readonly string[] } | { readonly error: string } {
  const segments = text.split('/').filter((segment) => segment !== '');
  if (segments.length === 0) return { error: 'has no segment' };
  if (segments.length > 16) return { error: 'has more than 16 segments' };
  for (const segment of segments) {
    const problem = checkSegment(segment);
    if (problem !== undefined) return { error: `segment ${quote(segment)} ${problem}` };
  }
  return { segments };
}

/** Turns a free name (a container's, a compose project's) into a segment that is always valid and stable. */
export function toSegment(name: string): string {
  const cleaned = name.replace(/[^A-Za-z0-9._~:@+=-]/g, '-').slice(0, 128);
  return cleaned === '' || cleaned === '.' || cleaned === '..' ? 'unnamed' : cleaned;
}
