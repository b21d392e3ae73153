import { eventually } from '../../../test/kit/eventually.ts';
import type { Bench } from './bench.ts';
import { Child } from './child.ts';
import type { Cleanup } from './cleanup.ts';
import { compiled } from './subject.ts';

/** The programs in the containers: see `route-backends.ts`. */
export class Applications {
  readonly #child: Child;
  readonly #waiting: ((said: unknown) => void)[] = [];

  private constructor(bench: Bench, delayMs: number) {
    this.#child = new Child({
      command: process.execPath,
      args: [compiled('route-backends'), String(delayMs)],
      folder: bench.folder,
      name: 'applications',
      line: (line) => {
        this.#waiting.shift()?.(JSON.parse(line));
      },
    });
  }

  static async start(bench: Bench, cleanup: Cleanup, delayMs: number): Promise<Applications> {
    const applications = new Applications(bench, delayMs);
    cleanup.defer(() => applications.#child.stop());
    await new Promise<unknown>((resolve) => applications.#waiting.push(resolve));
    return applications;
  }

  /** The port on which it listens. */
  async open(): Promise<number> {
    return (await this.#ask('open')) as number;
  }

  async end(port: number, how: 'exit' | 'finish'): Promise<void> {
    await this.#ask(`${how} ${String(port)}`);
  }

  async asked(port: number): Promise<number> {
    return (await this.#ask(`asked ${String(port)}`)) as number;
  }

  /** Since the last report. */
  async report(): Promise<{ readonly executed: number; readonly twice: number }> {
    return (await this.#ask('report')) as { executed: number; twice: number };
  }

  async #ask(line: string): Promise<unknown> {
    return await new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.process.stdin?.write(`${line}\n`);
    });
  }
}

/** What a load saw. Milliseconds, from the moment at which a request was due. */
export interface LoadResult {
  readonly sent: number;
  readonly failed: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly host: string;
  readonly perSecond: number;
  readonly method: 'GET' | 'POST';
}

/** An open-loop load: see `route-load.ts`. Ended by `stop`, or with the benchmark. */
export async function startLoad(
  bench: Bench,
  cleanup: Cleanup,
  { port, host, perSecond, method }: LoadOptions,
): Promise<{ readonly stop: () => Promise<LoadResult> }> {
  const lines: string[] = [];
  const child = new Child({
    command: process.execPath,
    args: [compiled('route-load'), String(port), host, String(perSecond), method],
    folder: bench.folder,
    name: 'load',
    line: (line) => {
      lines.push(line);
    },
  });
  cleanup.defer(() => child.stop());
  await eventually(() => lines.length > 0, { deadlineMs: 30_000, everyMs: 10, what: 'the load' });
  return {
    stop: async () => {
      child.process.kill('SIGTERM');
      await eventually(() => lines.length > 1, {
        deadlineMs: 30_000,
        everyMs: 10,
        what: 'the end of the load',
      });
      await child.exited;
      return JSON.parse(lines[1] ?? '') as LoadResult;
    },
  };
}
