import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './eventually.ts';
import { imageTar } from './paths.ts';

const execute = promisify(execFile);

/** Works without systemd and without the right to raise limits, as in a build machine's container. */
const CONFIGURATION = `[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

let started = 0;

/** Podman's service with a Docker-compatible socket; storage and network (bridge, firewall) are its own. Needs root. */
export class Podman {
  readonly #folder: string;
  readonly #netns: string;
  #service: ChildProcess | undefined;

  private constructor(folder: string, netns: string) {
    this.#folder = folder;
    this.#netns = netns;
  }

  static async start(): Promise<Podman> {
    started += 1;
    // Its leftovers are found by the process id: see hack/lib/podman.sh.
    const folder = await mkdtemp(join(tmpdir(), `portolan-podman-${process.pid}-`));
    const podman = new Podman(folder, `portolan-podman-${process.pid}-${started}`);
    try {
      await writeFile(join(folder, 'containers.conf'), CONFIGURATION);
      await execute('ip', ['netns', 'add', podman.#netns]);
      await execute('ip', ['-n', podman.#netns, 'link', 'set', 'lo', 'up']);
      await podman.run('load', '-q', '-i', imageTar('bb-1'));
      await podman.serve();
      return podman;
    } catch (error) {
      await podman.remove();
      throw error;
    }
  }

  get socketPath(): string {
    return join(this.#folder, 'sock');
  }

  /** Starts the service; containers live without it. */
  async serve(): Promise<void> {
    const [command = '', ...args] = this.#command(
      'system',
      'service',
      '-t',
      '0',
      `unix://${this.socketPath}`,
    );
    this.#service = spawn(command, args, { env: this.#env, stdio: 'ignore' });
    await eventually(() => execute('docker', ['-H', `unix://${this.socketPath}`, 'version']), {
      deadlineMs: 20_000,
      what: "Podman's socket",
    });
  }

  /** Ends the service and nothing else. */
  async endService(): Promise<void> {
    const service = this.#service;
    this.#service = undefined;
    if (service === undefined || service.exitCode !== null) return;
    const gone = once(service, 'exit');
    service.kill('SIGKILL');
    await gone;
  }

  /** Runs one command of Podman's own, past the service. */
  async run(...args: readonly string[]): Promise<void> {
    const [command = '', ...rest] = this.#command(...args);
    await execute(command, rest, { env: this.#env, timeout: 30_000 });
  }

  /** Removes the service with all that it ran and made. */
  async remove(): Promise<void> {
    await this.endService();
    await this.run('rm', '-f', '-a', '-t', '0').catch(() => undefined);
    await this.#endMonitors();
    // With the namespace go bridge and firewall.
    await execute('ip', ['netns', 'del', this.#netns]).catch(() => undefined);
    const mounts = await readFile('/proc/self/mounts', 'utf8');
    const below = mounts.split('\n').flatMap((line) => line.split(' ')[1] ?? []);
    for (const path of below.filter((mount) => mount.startsWith(`${this.#folder}/`)).reverse())
      await execute('umount', [path]);
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Whatever watched over a command in a container stays for five minutes after it; all of them name the folder. */
  async #endMonitors(): Promise<void> {
    for (const entry of await readdir('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const command = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
      if (!command.startsWith('/usr/bin/conmon') || !command.includes(`${this.#folder}/`)) continue;
      try {
        process.kill(Number(entry), 'SIGKILL');
      } catch {
        // It has just ended by itself.
      }
    }
  }

  get #env(): NodeJS.ProcessEnv {
    // Without systemd there are no timers for health checks: a test runs each by itself.
    const own = { CONTAINERS_CONF: join(this.#folder, 'containers.conf'), DISABLE_HC_SYSTEMD: 'true' };
    return { ...process.env, ...own };
  }

  #command(...args: readonly string[]): readonly string[] {
    const at = (name: string): string => join(this.#folder, name);
    const folders = ['--root', at('root'), '--runroot', at('run'), '--tmpdir', at('tmp')];
    const network = ['--network-config-dir', at('net')];
    return ['nsenter', `--net=/run/netns/${this.#netns}`, 'podman', ...folders, ...network, ...args];
  }
}
