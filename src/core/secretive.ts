import { quote } from './quote.ts';

/** What logins, tokens and keys look like; a path or a word that happens to fit loses nothing but its quotation. */
const SECRETS: readonly RegExp[] = [
  /:\/\/[^/\s]*@/,
  /-----BEGIN /,
  /(?:passw(?:or)?d|secret|token|api[-_]?key|credential)s?["']?\s*[=:]/i,
  /^(?:basic|bearer) /i,
  /\b(?:eyJ[\w-]{8,}\.|gh[a-z]_\w{16,}|glpat-|xox[a-z]-|AKIA[A-Z0-9]{12,}|sk-\w{16,})/,
  // Long, with letters of both cases and digits, and without a slash, blank or dot: nobody writes that by hand.
  /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[\w+=-]{20,}$/,
];
/** Longer texts are judged by their beginning. */
const LOOK_AT = 4096;

/** The value of a label inside a message: like `quote`, but nothing that looks like a secret. */
export function quoteLabel(text: string): string {
  const start = text.slice(0, LOOK_AT);
  return SECRETS.some((secret) => secret.test(start)) ? '"***"' : quote(text);
}

/** The value of a variable inside a message: never itself, environments are full of secrets. */
export function withoutValue(text: string): string {
  const { length } = text;
  if (length === 0) return 'an empty text';
  return length === 1 ? 'a text of 1 character' : `a text of ${String(length)} characters`;
}
