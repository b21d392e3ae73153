import { printable } from './printable.ts';

const LIMIT = 60;

/** Outside text inside a message: safe for a terminal, on one line, and short. */
export function shown(text: string, limit = LIMIT): string {
  // Cut first: a hostile text must not cost time in proportion to its length.
  return printable(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** The same between quotation marks. */
export function quote(text: string): string {
  return `"${shown(text)}"`;
}
