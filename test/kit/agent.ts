import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type EventuallyOptions, eventually } from './eventually.ts';
import { repository } from './paths.ts';

export type LogLine = Readonly<Record<string, unknown>>;

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Put before the command, such as a private engine's `onHost`. */
  readonly onHost?: readonly string[];
}

export interface AgentOptions extends ProcessOptions {
  /** `listen`: its proxies alone. */
  readonly command?: 'run' | 'listen';
  /** Options of the command, besides state folder and log format; the HTTP listener is off unless told. */
  readonly args?: readonly string[];
  /** The state folder of an earlier agent, for a restart; a new one by default. */
  readonly stateDir?: string;
}

/** PORTOLAN_TEST_BUILT=1 tries what `npm run build` made instead of the sources. */
const program: readonly string[] =
  process.env['PORTOLAN_TEST_BUILT'] === '1'
    ? [join(repository, 'dist/main.js')]
    : ['--import', 'tsx', join(repository, 'src/main.ts')];

/** The caller's settings must not leak into what is tested. */
const environment = (extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(PORTOLAN|DOCKER|ETCD|VITEST|NODE_ENV)/.test(name),
  );
  return { ...Object.fromEntries(own), NO_COLOR: '1', ...extra };
};

const launch = (args: readonly string[], options: ProcessOptions): ChildProcess => {
  const [command = process.execPath, ...rest] = [
    ...(options.onHost ?? []),
    process.execPath,
    ...program,
    ...args,
  ];
  return spawn(command, rest, {
    cwd: repository,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
};

const ended = async (child: ChildProcess): Promise<ExitStatus> =>
  await new Promise((resolve, reject) => {
    // 'close', not 'exit': by then all that it printed has been read.
    child.once('error', reject).once('close', (code, signal) => {
      resolve({ code, signal });
    });
  });

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command of the real CLI to its end; it is killed after `timeoutMs` (default 60 s), with `code` null. */
export const portolan = async (
  args: readonly string[],
  options: ProcessOptions & { readonly timeoutMs?: number } = {},
): Promise<CommandResult> => {
  const child = launch(args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000);
  try {
    const [{ code }, stdout, stderr] = await Promise.all([
      ended(child),
      text(child.stdout as Readable),
      text(child.stderr as Readable),
    ]);
    return { code, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
};

/** What has to be killed if the test does not end it. */
const running = new Set<{ stop(signal?: NodeJS.Signals): Promise<ExitStatus> }>();
const folders = new Set<string>();

/** A command of the CLI that goes on until it is stopped, such as `get --watch`. */
export class FollowedCommand {
  /** Each line of its standard output, oldest first. */
  readonly lines: string[] = [];
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;

  private constructor(args: readonly string[], options: ProcessOptions) {
    this.#child = launch(args, options);
    createInterface({ input: this.#child.stdout as Readable }).on('line', (line) => this.lines.push(line));
    this.exited = ended(this.#child).finally(() => running.delete(this));
    this.exited.catch(() => undefined);
    running.add(this);
  }

  static start(args: readonly string[], options: ProcessOptions = {}): FollowedCommand {
    return new FollowedCommand(args, options);
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<ExitStatus> {
    this.#child.kill(signal);
    return await this.exited;
  }
}

/** The real agent as a child process, with a state folder of its own. */
export class Agent {
  readonly stateDir: string;
  /** Each line of its log, oldest first. */
  readonly log: LogLine[] = [];
  /** Each line it printed, of both streams. */
  readonly output: string[] = [];
  readonly exited: Promise<ExitStatus>;
  readonly #child: ChildProcess;

  private constructor(options: AgentOptions) {
    this.stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'portolan-state-'));
    folders.add(this.stateDir);
    // Agents of one test must not fight for the default port; a later option counts.
    const own = ['--state-dir', this.stateDir, '--log-format', 'json', '--http-listen', 'off'];
    const args = [options.command ?? 'run', ...own, ...(options.args ?? [])];
    this.#child = launch(args, options);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream as Readable }).on('line', (line) => {
        this.#read(line);
      });
    }
    this.exited = ended(this.#child).finally(() => running.delete(this));
    this.exited.catch(() => undefined);
    running.add(this);
  }

  static start(options: AgentOptions = {}): Agent {
    return new Agent(options);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Sends a signal and waits for the end; the exit status tells how it took it. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<ExitStatus> {
    this.kill(signal);
    return await this.exited;
  }

  /** The first line of the log from index `from` on that fits, once there is one. */
  async logged(
    fits: (line: LogLine) => boolean,
    options: EventuallyOptions & { readonly from?: number } = {},
  ): Promise<LogLine> {
    const look = (): LogLine => {
      const found = this.log.slice(options.from ?? 0).find(fits);
      if (found !== undefined) return found;
      throw new Error(`no such line; its last output:\n${this.output.slice(-15).join('\n')}`);
    };
    return await eventually(look, { what: 'a line of the log', ...options });
  }

  /** Runs a CLI command that asks this agent. */
  async ask(...args: readonly string[]): Promise<CommandResult> {
    return await portolan([...args, '--state-dir', this.stateDir]);
  }

  #read(line: string): void {
    this.output.push(line);
    try {
      const parsed: unknown = JSON.parse(line);
      if (typeof parsed === 'object' && parsed !== null) this.log.push(parsed as LogLine);
    } catch {
      // Not a line of the log: a warning of Node, or a stack.
    }
  }
}

/** Kills every agent that still runs and removes the state folders: for `afterEach` or `afterAll`. */
export const removeAgents = async (): Promise<void> => {
  await Promise.all([...running].map((child) => child.stop('SIGKILL')));
  for (const folder of folders) if (existsSync(folder)) await rm(folder, { recursive: true, force: true });
  folders.clear();
};
