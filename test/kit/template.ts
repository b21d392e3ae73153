import { type PathTemplate, parseElement } from '../../src/core/path-template.ts';

/** A path of the registrar layout, as it is written in the settings. */
export function templateOf(text: string): PathTemplate {
  return text.split(' ').map((part) => {
    const parsed = parseElement(part);
    if ('error' in parsed) throw new Error(parsed.error);
    return parsed.element;
  });
}
