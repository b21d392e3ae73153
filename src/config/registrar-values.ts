import * as z from 'zod';
import { type PathTemplate, parseElement, VARIABLE_NAME } from '../core/path-template.ts';
import { quote } from '../core/quote.ts';
import { complain } from './values.ts';

const texts = z.union([z.string(), z.array(z.string())]).transform((given): readonly string[] => {
  const all = typeof given === 'string' ? [given] : given;
  return all.flatMap((text) => text.split(/[\s,]+/)).filter((text) => text !== '');
});

/** A path as service-registrar writes it, as one text or a list. */
export const pathTemplate = texts.transform((elements, context): PathTemplate => {
  const remedy = 'write such as environment:NAME service:PORT';
  if (elements.length === 0) return complain(context, 'has no element', remedy);
  if (elements.length > 16) return complain(context, 'has more than 16 elements', 'leave some of them out');
  return elements.flatMap((text) => {
    const parsed = parseElement(text);
    if ('element' in parsed) return [parsed.element];
    complain(context, parsed.error, parsed.remedy);
    return [];
  });
});

export const variableNames = texts.transform((names, context): readonly string[] => {
  const stranger = names.find((name) => !VARIABLE_NAME.test(name));
  return stranger === undefined
    ? names
    : complain(context, `${quote(stranger)} is not the name of a variable`, 'write names such as HOME');
});
