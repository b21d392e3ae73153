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

/** Whether a stream is to be coloured: `NO_COLOR` outranks `FORCE_COLOR`, and that outranks what the stream is. */
export function wantsColor(terminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced !== '0';
  return terminal && env['TERM'] !== 'dumb';
}
