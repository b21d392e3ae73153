import { connect } from 'node:net';
import { type Failure, fail, failure, ok, type Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';

const TIMEOUT_MS = 5000;
const MAX_ANSWER = 256 * 1024 * 1024;
/** HAProxy takes one line of about 16 kB; what is longer goes in several. */
const MAX_LINE = 8000;
const MAX_PAYLOAD = 12_000;

/** HAProxy's admin socket: one line and its answer for each connection. */
export class AdminSocket {
  readonly path: string;
  readonly #clock: Clock;
  #commands = 0;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
  }

  /** Commands that were sent. */
  get commands(): number {
    return this.#commands;
  }

  /** Sends commands in as few lines as it takes; the answers of all, one after the other. Stops at the first lost line. */
  async run(commands: readonly string[], signal: AbortSignal): Promise<Result<string>> {
    let answer = '';
    for (const line of linesOf(commands)) {
      const part = await this.ask(line, signal);
      if (!part.ok) return part;
      answer += part.value;
    }
    this.#commands += commands.length;
    return ok(answer);
  }

  /** Sends one command with rows of payload, in as many turns as it takes. */
  async feed(command: string, rows: readonly string[], signal: AbortSignal): Promise<Result<string>> {
    let answer = '';
    for (let start = 0; start < rows.length; ) {
      let size = 0;
      let end = start;
      while (end < rows.length && (end === start || size + (rows[end]?.length ?? 0) < MAX_PAYLOAD)) {
        size += (rows[end]?.length ?? 0) + 1;
        end += 1;
      }
      const part = await this.ask(`${command} <<\n${rows.slice(start, end).join('\n')}\n`, signal);
      if (!part.ok) return part;
      answer += part.value;
      this.#commands += 1;
      start = end;
    }
    return ok(answer);
  }

  ask(line: string, signal: AbortSignal): Promise<Result<string>> {
    return new Promise((resolve) => {
      if (signal.aborted) {
        resolve(fail('proxy-unreachable', 'cancelled'));
        return;
      }
      const socket = connect({ path: this.path });
      const parts: string[] = [];
      let size = 0;
      const end = (result: Result<string>): void => {
        cancel();
        signal.removeEventListener('abort', abort);
        socket.destroy();
        resolve(result);
      };
      const abort = (): void => {
        end(fail('proxy-unreachable', 'cancelled'));
      };
      const cancel = this.#clock.timer(TIMEOUT_MS, () => {
        end(fail('proxy-unreachable', `no answer within ${String(TIMEOUT_MS)} ms at ${this.path}`));
      });
      signal.addEventListener('abort', abort, { once: true });
      socket.setEncoding('utf8');
      socket.on('data', (text: string) => {
        parts.push(text);
        size += text.length;
        if (size > MAX_ANSWER) end(fail('proxy-unreachable', 'the answer is too long'));
      });
      socket.on('error', (error: NodeJS.ErrnoException) => {
        end(refusal(error, this.path));
      });
      socket.on('end', () => {
        end(ok(parts.join('')));
      });
      socket.write(`${line}\n`);
    });
  }
}

/** Why a socket could not be opened, and what to change. */
export function refusal({ code, message }: Pick<NodeJS.ErrnoException, 'code' | 'message'>, path: string) {
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return fail(
        'proxy-denied',
        `this user may not open ${path}; write "stats socket ${path} mode 660 group <a group of this user> level admin" below global, or run as root`,
      );
    case 'ENOENT':
      return fail(
        'proxy-unreachable',
        `there is no ${path}; does HAProxy run, and does it have "stats socket ${path} level admin" below global?`,
      );
    case 'ECONNREFUSED':
      return fail('proxy-unreachable', `nobody listens at ${path}; does HAProxy run?`);
    default:
      return fail('proxy-unreachable', `${path}: ${code ?? message}`);
  }
}

/** The socket reads, and changes nothing. */
export function denied(path: string): Failure {
  return failure('proxy-denied', `write "level admin" at the end of "stats socket ${path}" below global`);
}

function* linesOf(commands: readonly string[]): Generator<string> {
  let line = '';
  for (const command of commands) {
    if (line !== '' && line.length + command.length + 1 > MAX_LINE) {
      yield line;
      line = '';
    }
    line = line === '' ? command : `${line};${command}`;
  }
  if (line !== '') yield line;
}
