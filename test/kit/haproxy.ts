import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock, Log } from '../../src/core/ports.ts';
import { Haproxy } from '../../src/proxy/haproxy/haproxy.ts';
import type { HaproxySettings } from '../../src/proxy/haproxy/settings.ts';
import { AdminSocket } from '../../src/proxy/haproxy/socket.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from './eventually.ts';
import { repository } from './paths.ts';
import { freePort } from './ports.ts';

/** What Debian's releases ship: bookworm, trixie and sid. `hack/haproxy.sh` unpacks them. */
export const HAPROXY_VERSIONS = ['2.6', '3.0', '3.2'] as const;
export type HaproxyVersion = (typeof HAPROXY_VERSIONS)[number];

export function haproxyProgram(version: HaproxyVersion): string {
  const program = join(repository, '.cache/haproxy', version, 'haproxy');
  if (!existsSync(program)) throw new Error(`there is no HAProxy ${version}; run hack/haproxy.sh`);
  return program;
}

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A real HAProxy with a folder of its own, and the adapter for it. */
export class HaproxyLab {
  readonly version: HaproxyVersion;
  readonly folder: string;
  readonly port: number;
  readonly settings: HaproxySettings;
  readonly admin: AdminSocket;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(
    version: HaproxyVersion,
    { folder, port, over }: { folder: string; port: number; over: Partial<HaproxySettings> },
  ) {
    this.version = version;
    this.folder = folder;
    this.port = port;
    const program = haproxyProgram(version);
    this.settings = {
      socket: join(folder, 'admin.sock'),
      folder,
      pool: 20,
      domainMatch: false,
      checkMs: 2000,
      slowStartMs: 0,
      retries: 3,
      redispatch: 1,
      retryOn: ['conn-failure', 'empty-response'],
      retryUnsafe: false,
      forwardedFor: true,
      connectMs: 500,
      serverMs: 10_000,
      queueMs: 5000,
      tunnelMs: 60_000,
      frontend: { bind: [`127.0.0.1:${String(port)}`], clientMs: 30_000 },
      reload: { type: 'master', socket: join(folder, 'master.sock') },
      check: [program, '-c', '-f'],
      ...over,
    };
    this.admin = new AdminSocket(this.settings.socket, systemClock);
  }

  static async create(version: HaproxyVersion, over: Partial<HaproxySettings> = {}): Promise<HaproxyLab> {
    const folder = await mkdtemp(join(tmpdir(), 'portolan-haproxy-'));
    return new HaproxyLab(version, { folder, port: await freePort(), over });
  }

  adapter(
    over: {
      readonly writing?: boolean;
      readonly settings?: Partial<HaproxySettings>;
      readonly clock?: Clock;
    } = {},
  ): Haproxy {
    return new Haproxy({
      name: 'edge',
      settings: { ...this.settings, ...over.settings },
      writing: over.writing ?? true,
      clock: over.clock ?? systemClock,
      log: silentLog,
    });
  }

  /** Starts it on the files that are there, and waits until it answers. `own`: a configuration beside that of Portolan. */
  async start(own?: string): Promise<void> {
    const child = spawn(
      haproxyProgram(this.version),
      [
        ...['-W', '-S', `${this.folder}/master.sock,mode,600`],
        ...(own === undefined ? [] : ['-f', own]),
        ...['-f', `${this.folder}/conf`],
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#process = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    await eventually(async () => {
      if (child.exitCode !== null) throw new Error(`HAProxy ended: ${this.#output}`);
      return (await this.admin.ask('show info', new AbortController().signal)).ok;
    });
  }

  /** Of the master process. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Asks for a reload as somebody else would, behind the back of the adapter. */
  reloadByHand(): void {
    this.#process?.kill('SIGUSR2');
  }

  async kill(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }

  async ask(command: string): Promise<string> {
    const answer = await this.admin.ask(command, new AbortController().signal);
    if (!answer.ok) throw new Error(answer.failure.message);
    return answer.value;
  }

  async close(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }
}
