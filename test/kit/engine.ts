import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { imageTar, repository } from './paths.ts';

const execute = promisify(execFile);
const script = `${repository}hack/engine.sh`;

let started = 0;

const engineScript = async (...args: readonly string[]): Promise<string> => {
  try {
    return (await execute(script, [...args], { timeout: 150_000 })).stdout.trim();
  } catch (error) {
    const detail = error instanceof Error && 'stderr' in error ? String(error.stderr) : '';
    throw new Error(`hack/engine.sh ${args.join(' ')} failed: ${detail}`, { cause: error });
  }
};

export interface EngineOptions {
  /** The Debian release whose Docker engine it is; the machine's own `dockerd` binary if not given. */
  readonly suite?: 'bookworm' | 'sid';
  /** Images loaded before it is handed out. Default: busybox. */
  readonly images?: readonly Parameters<typeof imageTar>[0][];
}

/**
 * A Docker engine with storage, network and mounts of its own, beside the machine's, which may be stopped and killed.
 * Its containers die with it on `stop` and `kill`, as they do without live-restore; images and containers stay.
 */
export class PrivateEngine {
  readonly name: string;
  readonly socketPath: string;
  /** The network namespace, for `ip netns` and `nsenter --net=/run/netns/...`. */
  readonly netns: string;
  /** The engine's host as this machine reaches it: published ports answer there. */
  readonly address: string;
  /** This machine as the engine's host reaches it, for an agent that runs in there and needs an etcd of this machine. */
  readonly gateway: string;

  private constructor(name: string, socketPath: string, subnet: number) {
    this.name = name;
    this.socketPath = socketPath;
    this.netns = `portolan-test-${name}`;
    this.address = `10.91.${subnet}.1`;
    this.gateway = `10.91.${subnet}.254`;
  }

  static async start(options: EngineOptions = {}): Promise<PrivateEngine> {
    started += 1;
    // `hack/engine.sh sweep` reads the process id out of the name.
    const name = `t${process.pid}-${started}`;
    const suite = options.suite === undefined ? [] : [options.suite];
    const socketPath = await engineScript('up', name, ...suite);
    const engine = new PrivateEngine(name, socketPath, Number(await engineScript('subnet', name)));
    try {
      await engine.load(...(options.images ?? ['bb-1']));
    } catch (error) {
      await engine.remove();
      throw error;
    }
    return engine;
  }

  get dockerHost(): string {
    return `unix://${this.socketPath}`;
  }

  /** What to put before a command for it to run on the engine's host, that is in its network namespace. */
  get onHost(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.netns}`];
  }

  async load(...images: readonly Parameters<typeof imageTar>[0][]): Promise<void> {
    await engineScript('load', this.name, ...images.map(imageTar));
  }

  /** Ends it in good order; returns once it is gone. */
  async stop(): Promise<void> {
    await engineScript('stop', this.name);
  }

  /** `kill -9`; its containers are left running until it is started again. */
  async kill(): Promise<void> {
    await engineScript('kill', this.name);
  }

  /** Starts it again, on the same socket, with the same images and containers; returns once it answers. */
  async start(): Promise<void> {
    await engineScript('start', this.name);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Pulls the cable of the engine's host: its socket still answers, for that is a file of this machine. */
  async cut(): Promise<void> {
    await engineScript('cut', this.name);
  }

  async heal(): Promise<void> {
    await engineScript('heal', this.name);
  }

  /** Lets the hosts of private engines reach each other, which they cannot by themselves. */
  static async wire(): Promise<void> {
    await engineScript('wire');
  }

  static async unwire(): Promise<void> {
    await engineScript('unwire');
  }

  /** Removes the engine and all it owned: processes, mounts, namespaces, folders. */
  async remove(): Promise<void> {
    await engineScript('down', this.name);
  }
}
