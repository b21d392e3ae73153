import { prettyFactory } from 'pino-pretty';
import { printable } from '../core/printable.ts';

/** The stable keys, in the order in which people read them; any other follows. */
const ORDER = ['service', 'container', 'target', 'action', 'reason', 'revision', 'duration_ms'];
const HIDDEN = new Set(['level', 'time', 'msg']);

/** Renders one JSON line of pino as one line for people: time, level, message, `key=value`. */
export function prettyLine(color: boolean): (line: string) => string {
  return prettyFactory({
    colorize: color,
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
    messageFormat: (log, messageKey) => {
      const message = log[messageKey];
      return [typeof message === 'string' ? printable(message) : '', ...fields(log)].join(' ');
    },
  });
}

function fields(log: Readonly<Record<string, unknown>>): string[] {
  const others = Object.keys(log).filter((key) => !HIDDEN.has(key) && !ORDER.includes(key));
  return [...ORDER, ...others]
    .filter((key) => log[key] !== undefined)
    .map((key) => `${printable(key)}=${value(log[key])}`);
}

function value(item: unknown): string {
  if (typeof item !== 'string') return printable(JSON.stringify(item));
  const safe = printable(item);
  return safe === '' || /[\s"=]/.test(safe) ? JSON.stringify(safe) : safe;
}
