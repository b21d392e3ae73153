import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail, messageOf, ok, type Result } from '../../core/failure.ts';
import { type Clock, sleep } from '../../core/ports.ts';
import { readCommand, runCommand } from '../command.ts';
import { isOldVersion } from './answers.ts';
import { installedVersion, startProblem } from './start-problem.ts';

const PROGRAM_LIMIT_MS = 10_000;
const START_LIMIT_MS = 10_000;
const LOOK_MS = 20;
const MAX_LOG = 1_000_000;

export interface OwnProcessOptions {
  readonly name: string;
  readonly program: string;
  /** Where its files, its sockets and its pid file lie. */
  readonly folder: string;
  /** Of the master process. */
  readonly masterSocket: string;
  /** Where systemd runs, a unit of its own survives whatever becomes of the agent's. */
  readonly systemd: boolean;
  readonly clock: Clock;
  /** Whether it answers on its admin socket. */
  readonly answers: (signal: AbortSignal) => Promise<boolean>;
}

/** Only root may ask systemd for a unit. */
export const hasSystemd = (): boolean => process.getuid?.() === 0 && existsSync('/run/systemd/system');

/** An HAProxy that we start and that outlives us. */
export class OwnProcess {
  readonly #options: OwnProcessOptions;

  constructor(options: OwnProcessOptions) {
    this.#options = options;
  }

  get #log(): string {
    return join(this.#options.folder, 'haproxy.log');
  }

  get pidFile(): string {
    return join(this.#options.folder, 'haproxy.pid');
  }

  /** The pid of the master process, if it lives: a number that somebody else got since is none of ours. */
  async pid(): Promise<number | undefined> {
    const pid = Number(await readFile(this.pidFile, 'utf8').catch(() => ''));
    if (!Number.isInteger(pid) || pid < 2) return undefined;
    // Empty for a process that has ended and that nobody has asked about.
    const line = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
    return line.split('\0').some((argument) => argument === this.#socketArgument) ? pid : undefined;
  }

  /** HAProxy writes of every change of a server, for ever. */
  async tidy(): Promise<void> {
    const size = await stat(this.#log).then(
      (found) => found.size,
      () => 0,
    );
    if (size > MAX_LOG) await truncate(this.#log).catch(() => undefined);
  }

  /** The version that is installed. */
  async version(signal: AbortSignal): Promise<Result<string>> {
    const { program, clock } = this.#options;
    const { output, problem, code } = await readCommand([program, '-v'], {
      ...{ clock, signal },
      limitMs: PROGRAM_LIMIT_MS,
    });
    if (code === 'ENOENT')
      return fail(
        'proxy-not-started',
        `there is no program ${program}; install HAProxy 2.6 or newer, or name it by program`,
      );
    if (problem !== undefined) return fail('proxy-not-started', problem);
    const version = installedVersion(output);
    if (version === undefined) return fail('proxy-not-started', `${program} is no HAProxy`);
    if (isOldVersion(version))
      return fail('proxy-unsupported', `${program} is HAProxy ${version}; install 2.6 or newer`);
    return ok(version);
  }

  /** Starts it on the files that lie in its folder, and waits until it stands. */
  async start(signal: AbortSignal): Promise<Result<void>> {
    const { clock, folder, answers } = this.#options;
    const life = { over: false };
    try {
      await mkdir(folder, { recursive: true });
      await rm(this.pidFile, { force: true });
      await this.#launch(life, signal);
    } catch (error) {
      return fail('proxy-not-started', messageOf(error));
    }
    const deadline = clock.monotonic() + START_LIMIT_MS;
    while (!life.over && clock.monotonic() < deadline && !signal.aborted) {
      if ((await this.pid()) !== undefined && (await answers(signal))) return ok(undefined);
      await sleep(clock, LOOK_MS, signal);
    }
    return fail('proxy-not-started', startProblem(await readFile(this.#log, 'utf8').catch(() => '')));
  }

  /** Who has no unit gets a session of its own: neither Ctrl-C nor the agent's end reaches it. */
  async #launch(life: { over: boolean }, signal: AbortSignal): Promise<void> {
    const { systemd, clock, program } = this.#options;
    await writeFile(this.#log, '', { mode: 0o640 });
    const log = await open(this.#log, 'a');
    try {
      const argv = unitCommand(this.#options, this.#log, this.#argv);
      const limits = { clock, signal, limitMs: PROGRAM_LIMIT_MS };
      if (systemd && (await runCommand(argv, limits)) === undefined) return;
      const child = spawn(program, this.#argv.slice(1), {
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      });
      child.once('error', () => {
        life.over = true;
      });
      child.once('exit', () => {
        life.over = true;
      });
      child.unref();
    } finally {
      await log.close();
    }
  }

  get #socketArgument(): string {
    return `${this.#options.masterSocket},mode,600`;
  }

  get #argv(): readonly string[] {
    const { program, folder } = this.#options;
    return [program, '-W', '-S', this.#socketArgument, '-p', this.pidFile, '-f', join(folder, 'conf')];
  }
}

/** Without a shell. The unit goes away with its process. */
export function unitCommand(
  { name }: Pick<OwnProcessOptions, 'name'>,
  log: string,
  argv: readonly string[],
): readonly string[] {
  const properties = [
    `Description=HAProxy ${name} of Portolan`,
    'KillMode=mixed',
    'LimitNOFILE=1048576',
    `StandardOutput=append:${log}`,
    `StandardError=append:${log}`,
  ];
  return [
    ...['systemd-run', '--quiet', '--collect', `--unit=portolan-proxy-${name}`],
    ...properties.map((property) => `--property=${property}`),
    ...['--', ...argv],
  ];
}
