import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Where its output is kept. */
  readonly folder: string;
  readonly name: string;
  /** Takes each line of its standard output; they are not kept then. */
  readonly line?: (line: string) => void;
}

let started = 0;

/** A process of a benchmark. Settings of whoever runs the benchmark do not reach it. */
export class Child {
  readonly process: ChildProcess;
  readonly exited: Promise<void>;
  readonly logFile: string;

  constructor({ command, args, folder, name, line }: ChildOptions) {
    started += 1;
    this.logFile = join(folder, `${name}-${String(started)}.log`);
    // Straight into the file: copying thousands of lines is no work for whoever measures.
    const log = openSync(this.logFile, 'a');
    const env = Object.entries(process.env).filter(([key]) => !/^(PORTOLAN|DOCKER|ETCD|NODE_)/.test(key));
    this.process = spawn(command, args, {
      env: { ...Object.fromEntries(env), NO_COLOR: '1' },
      stdio: ['pipe', line === undefined ? log : 'pipe', log],
    });
    this.exited = new Promise((resolve) => {
      this.process.once('error', resolve).once('exit', resolve);
    }).then(() => undefined);
    closeSync(log);
    if (line !== undefined) createInterface({ input: this.process.stdout as Readable }).on('line', line);
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`${this.logFile}: it did not start`);
    return this.process.pid;
  }

  get isAlive(): boolean {
    return (
      this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null
    );
  }

  /** Asks it to end; insists after ten seconds. */
  async stop(): Promise<void> {
    if (!this.isAlive) return;
    this.process.kill('SIGTERM');
    const insist = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
    await this.exited;
    clearTimeout(insist);
  }
}
