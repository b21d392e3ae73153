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
}

/** Words of keys whose values never reach a log, however deep they lie. */
const SECRET_KEYS = ['password', 'passwd', 'secret', 'token', 'authorization', 'credentials'];
const REDACTED = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`, `*.*.*.${key}`]);

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
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '***' },
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

/** Buffered, so that a reader that stands still never stops the loop; `flush` writes the rest at the end. */
function openSink({ fd, sink }: LogOptions): Sink {
  if (sink !== undefined) return { write: sink, flush: () => undefined };
  const target = destination({ dest: fd, sync: false });
  return {
    write: (text) => target.write(text),
    flush: () => {
      try {
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
  };
}
