import { stringify } from 'yaml';

/** Control characters beyond ASCII, which JSON leaves as they are and a terminal may obey. */
const BEYOND = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const escape = (text: string): string =>
  text.replace(BEYOND, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** JSON for people and programs; safe on a terminal. */
export function toJson(value: unknown): string {
  return `${escape(JSON.stringify(value, null, 2))}\n`;
}

/** JSON on one line, for streams. */
export function toJsonLine(value: unknown): string {
  return `${escape(JSON.stringify(value))}\n`;
}

/** YAML; text with anything unusual in it is quoted as in JSON, so that the same escapes hold. */
export function toYaml(value: unknown): string {
  const usual = /^[\x20-\x7e\u00a0-\u1fff\u3000-\ud7ff]*$/;
  return escape(
    stringify(value, (_key, item: unknown) => item, {
      lineWidth: 0,
      ...(everyText(value, (text) => usual.test(text)) ? {} : { defaultStringType: 'QUOTE_DOUBLE' }),
    }),
  );
}

function everyText(value: unknown, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, item]) => test(key) && everyText(item, test));
}
