import { shown } from '../core/quote.ts';

/** The longest line; a choice of all names is some hundred characters. */
const LINE_LIMIT = 500;

/**
 * What the parser of the command line complains about, as it may be shown: it repeats what was typed, and somebody may
 * have typed a password, where there is no such option.
 */
export function complaint(text: string): string {
  const hidden = text.replace(/('-[^=']*=).*'/s, "$1***'").replace(/:\/\/.*@/gs, '://***@');
  return hidden
    .split('\n')
    .map((line) => shown(line, LINE_LIMIT))
    .join('\n');
}
