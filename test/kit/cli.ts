import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CliIo } from '../../src/cli/io.ts';
import { runCli } from '../../src/cli/program.ts';
import type { Log } from '../../src/core/ports.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { listenControlSocket } from '../../src/web/listen.ts';
import type { Listener } from '../../src/web/server.ts';
import { FakeOrders, FakeStatus } from './status-fake.ts';

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const nothing = (): never => {
  throw new Error('not needed here');
};

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** By path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Told of each text on the standard output or the standard error. */
  readonly onOut?: (text: string) => void;
  readonly onErr?: (text: string) => void;
}

/** The command line in this process, with a state folder of its own and, once it is started, an agent that is faked. */
export class TestCli {
  readonly folder = mkdtempSync(join(tmpdir(), 'portolan-cli-'));
  readonly source = new FakeStatus();
  readonly orders = new FakeOrders();
  readonly stop = new AbortController();
  readonly #runs: Partial<CliIo['agent']>;
  #agent: Listener | undefined;

  /** What stands for the real agent where a command would run one. */
  constructor(runs: Partial<CliIo['agent']> = {}) {
    this.#runs = runs;
  }

  async startAgent(): Promise<void> {
    const { source, orders } = this;
    const path = join(this.folder, 'portolan.sock');
    const result = await listenControlSocket({ source, orders, clock: systemClock, log, path });
    if (!result.ok) throw new Error(result.message);
    this.#agent = result.listener;
  }

  async stopAgent(): Promise<void> {
    await this.#agent?.close();
    this.#agent = undefined;
  }

  /** Runs a line as it would be typed; no word of it is quoted. */
  async run(
    line: string,
    { env = {}, files = {}, onOut = quiet, onErr = quiet }: CliOptions = {},
  ): Promise<CliResult> {
    let [out, err] = ['', ''];
    const { folder } = this;
    const io: CliIo = {
      stdout: (text) => {
        out += text;
        onOut(text);
      },
      stderr: (text) => {
        err += text;
        onErr(text);
      },
      ...{ terminal: false, color: false, version: '1.2.3' },
      env: { PORTOLAN_STATE_DIR: folder, ...env },
      machine: {
        ...{ uid: 1000, home: folder, stateHome: undefined, runtimeDir: undefined },
        fullHostName: () => 'fury.example',
        readFile: (path) => files[path] ?? noFile(),
      },
      ...{ clock: systemClock, random: () => 0.5, signal: this.stop.signal, onHangUp: () => quiet },
      openLog: () => ({ ...log, flush: quiet, setLevel: quiet }),
      agent: {
        run: nothing,
        listen: nothing,
        announce: nothing,
        planOnce: nothing,
        diagnose: nothing,
        ...this.#runs,
      },
    };
    const words = line.split(' ').filter((word) => word !== '');
    return { code: await runCli(words, io), out, err };
  }

  async remove(): Promise<void> {
    await this.stopAgent();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function noFile(): never {
  throw Object.assign(new Error('none'), { code: 'ENOENT' });
}
