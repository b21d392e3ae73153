import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Log } from '../core/ports.ts';
import { prettyLine } from './pretty.ts';

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'auto' | 'json' | 'pretty';
  /** The log's stream is a terminal; decides `auto`. */
  readonly terminal: boolean;
  readonly color: boolean;
  /** File descriptor: 1 is the standard output, 2 the standard error. */
  readonly fd: 1 | 2;
  /** Instead of `fd`; for tests. */
  readonly sink?: (text: string) => void;
}

export interface ProcessLog extends Log {
  /** Writes what is still buffered; to be called last before the process ends. */
  flush(): void;
  /** From now on, lines of this level and of more severe ones are written. */
  setLevel(level: LogOptions['level']): void;
}

/** Words of keys whose values never reach a log, however deep they lie. */
const SECRET_KEYS = new Set(['password', 'passwd', 'secret', 'token', 'authorization', 'credentials']);
/** Deeper than anything that is logged; also an end for what contains itself. */
const DEEPEST = 8;
/** Lines of this time are written together: a write of its own for each costs more than the change that it tells of. */
const GATHER_MS = 10;
/** More than this is not held back. */
const GATHER_CHARACTERS = 16_384;

/** The log of the process: fields first, constant message; JSON, or lines for people. */
export function createLog(options: LogOptions): ProcessLog {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && options.terminal);
  const output = openSink(options);
  const render = prettyLine(options.color);
  const stream = pretty
    ? {
        write: (line: string) => {
          output.write(render(line));
        },
      }
    : output;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (fields) => censored(fields, DEEPEST) as Record<string, unknown>,
      },
    },
    stream,
  );
  return wrap(logger, () => {
    output.flush();
  });
}

interface Sink {
  write(text: string): void;
  flush(): void;
}

/** What stands in plain fields, as almost always, is not copied. */
function censored(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (depth === 0) return '...';
  if (Array.isArray(value)) return value.map((item) => censored(item, depth - 1));
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    const shown = SECRET_KEYS.has(key) ? '***' : censored(item, depth - 1);
    if (shown === item) continue;
    copy ??= { ...value };
    copy[key] = shown;
  }
  return copy ?? value;
}

/** Buffered, so that a reader that stands still never stops the loop; `flush` writes the rest at the end. */
function openSink({ fd, sink }: LogOptions): Sink {
  if (sink !== undefined) return { write: sink, flush: () => undefined };
  const target = destination({ dest: fd, sync: false });
  let gathered = '';
  let timer: NodeJS.Timeout | undefined;
  const pass = (): void => {
    clearTimeout(timer);
    timer = undefined;
    target.write(gathered);
    gathered = '';
  };
  return {
    write: (text) => {
      gathered += text;
      if (gathered.length > GATHER_CHARACTERS) pass();
      else timer ??= setTimeout(pass, GATHER_MS);
    },
    flush: () => {
      try {
        if (gathered !== '') pass();
        target.flushSync();
      } catch {
        // The reader is gone: there is nobody left to tell.
      }
    },
  };
}

function wrap(logger: Logger, flush: () => void): ProcessLog {
  return {
    debug: (fields, message) => {
      logger.debug(fields, message);
    },
    info: (fields, message) => {
      logger.info(fields, message);
    },
    warn: (fields, message) => {
      logger.warn(fields, message);
    },
    error: (fields, message) => {
      logger.error(fields, message);
    },
    flush,
    setLevel: (level) => {
      logger.level = level;
    },
  };
}
