import { type BackoffPolicy, backoffDelay } from '../../core/backoff.ts';
import type { Result } from '../../core/failure.ts';
import { type Clock, type Log, type Random, sleep } from '../../core/ports.ts';
import { readInfo } from './reader.ts';
import type { AdminSocket } from './socket.ts';

/** `OwnProcess` is one. */
export interface ProxyProcess {
  pid(): Promise<number | undefined>;
  version(signal: AbortSignal): Promise<Result<string>>;
  start(signal: AbortSignal): Promise<Result<void>>;
  /** Now and then, while it runs. */
  tidy(): Promise<void>;
}

export interface ManagedOptions {
  readonly name: string;
  readonly process: ProxyProcess;
  readonly admin: AdminSocket;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const LOOK_MS = 250;
const BACKOFF: BackoffPolicy = { initialMs: 200, maxMs: 30_000, factor: 2 };
/** What has lived that long is no longer held against it. */
const STEADY_MS = 60_000;

/** Sees to it that an HAProxy runs: takes over one that an earlier agent started, starts it again when it dies; never ends it. */
export class Managed {
  readonly #options: ManagedOptions;
  #tries = 0;
  #pid: number | undefined;
  #since = 0;
  #said: string | undefined;

  constructor(options: ManagedOptions) {
    this.#options = options;
  }

  /** The first look: takes over what runs, or tries once to start it. */
  async begin(signal: AbortSignal): Promise<void> {
    const { name, process, log } = this.#options;
    this.#pid = await process.pid();
    if (this.#pid === undefined) {
      await this.#start(signal);
      return;
    }
    this.#since = this.#options.clock.monotonic();
    log.info({ target: name, pid: this.#pid }, 'the HAProxy of an earlier agent goes on');
    await this.#compare(signal);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { name, process, clock, random, log } = this.#options;
    const over = (): boolean => signal.aborted;
    while (!over()) {
      await sleep(clock, LOOK_MS, signal);
      if (over()) return;
      const pid = await process.pid();
      if (pid !== undefined) {
        this.#pid = pid;
        await process.tidy();
        continue;
      }
      if (this.#pid !== undefined) {
        log.warn({ target: name, pid: this.#pid }, 'HAProxy has ended; it is started again');
        if (clock.monotonic() - this.#since > STEADY_MS) this.#tries = 0;
      }
      this.#pid = undefined;
      if (this.#tries > 0) await sleep(clock, backoffDelay(this.#tries - 1, random(), BACKOFF), signal);
      if (!over()) await this.#start(signal);
    }
  }

  async #start(signal: AbortSignal): Promise<void> {
    const { name, process, clock, log } = this.#options;
    this.#tries += 1;
    const version = await process.version(signal);
    const done = version.ok ? await process.start(signal) : version;
    if (signal.aborted) return;
    if (!done.ok) {
      const { code, message } = done.failure;
      if (message !== this.#said)
        log.error({ target: name, code, reason: message }, 'HAProxy does not start');
      this.#said = message;
      return;
    }
    this.#said = undefined;
    this.#pid = await process.pid();
    this.#since = clock.monotonic();
    log.info(
      { target: name, pid: this.#pid, version: version.ok ? version.value : undefined },
      'HAProxy runs',
    );
  }

  /** An upgrade of HAProxy does not touch what runs; a reload would take the new one. */
  async #compare(signal: AbortSignal): Promise<void> {
    const { name, process, admin, log } = this.#options;
    const [installed, running] = [await process.version(signal), await readInfo(admin, signal)];
    if (!installed.ok)
      log.warn({ target: name, reason: installed.failure.message }, 'HAProxy could not be started again');
    else if (running.ok && running.value.version !== installed.value)
      log.warn(
        { target: name, running: running.value.version, installed: installed.value },
        'another version of HAProxy is installed than runs; it takes over at the next reload or restart',
      );
  }
}
