import { styleText } from 'node:util';
import { type Paint, PLAIN, type PlanStyle } from '../core/diff.ts';

const STYLES: Readonly<Record<PlanStyle, Parameters<typeof styleText>[0]>> = {
  target: 'bold',
  create: 'green',
  update: 'yellow',
  delete: 'red',
  leave: 'cyan',
  failure: 'red',
  faint: 'dim',
};

/** Colours for a terminal, or none. The caller has decided, so the stream is not asked again. */
export function painter(color: boolean): Paint {
  return color ? (style, text) => styleText(STYLES[style], text, { validateStream: false }) : PLAIN;
}
