import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestDocker } from '../../../test/kit/docker.ts';
import { PrivateEngine } from '../../../test/kit/engine.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import type { Bench } from './bench.ts';
import { Child } from './child.ts';
import type { Cleanup } from './cleanup.ts';
import { compiled } from './subject.ts';

export type PortKind = 'fixed' | 'ephemeral';

/** An engine on which containers with one published port come and go. */
export interface Stage {
  readonly socket: string;
  /** The engine's process. */
  readonly pid: number;
  run(port: PortKind): Promise<string>;
  /** It ends by itself: the engine says `die`, and no `kill` before. */
  exit(id: string): Promise<void>;
  kill(id: string): Promise<void>;
  remove(id: string): Promise<void>;
}

/**
 * A real engine says `create` some 200 ms before `start` and `kill` some 50 ms before `die`. For one container at a time
 * less is enough to be ready; in a burst it decides how many come in a second.
 */
export const EARLIER_MS = 20;
export const AS_REAL_MS = 200;

/** A faked engine as a process of its own. */
export class FakeStage implements Stage {
  readonly socket: string;
  readonly #child: Child;

  readonly #earlierMs: number;

  private constructor(child: Child, socket: string, earlierMs: number) {
    this.#child = child;
    this.socket = socket;
    this.#earlierMs = earlierMs;
  }

  /** `first`: the number of its first container, for stages beside one registry. */
  static async start(
    bench: Bench,
    cleanup: Cleanup,
    containers: number,
    first = 1,
    earlierMs = EARLIER_MS,
  ): Promise<FakeStage> {
    stages += 1;
    const socket = `${bench.folder}/engine-${String(stages)}.sock`;
    let listens = false;
    const child = new Child({
      command: process.execPath,
      args: [
        ...[compiled('engine-socket'), '--socket', socket],
        ...['--containers', String(containers), '--first', String(first)],
      ],
      folder: bench.folder,
      name: 'engine',
      line: () => {
        listens = true;
      },
    });
    cleanup.defer(() => child.stop());
    await eventually(() => listens, { deadlineMs: 60_000, everyMs: 20, what: 'the faked engine' });
    return new FakeStage(child, socket, earlierMs);
  }

  get pid(): number {
    return this.#child.pid;
  }

  async run(port: PortKind): Promise<string> {
    const [id = ''] = await this.post(`create${port === 'ephemeral' ? '?port=0' : ''}`);
    await sleep(this.#earlierMs);
    await this.post(`start?id=${id}`);
    return id;
  }

  async exit(id: string): Promise<void> {
    await this.post(`die?id=${id}`);
  }

  async kill(id: string): Promise<void> {
    await this.post(`kill?id=${id}&signal=15`);
    await sleep(EARLIER_MS);
    await this.post(`die?id=${id}`);
  }

  async remove(id: string): Promise<void> {
    await this.post(`remove?id=${id}`);
  }

  async setClock(): Promise<void> {
    await this.post('clock');
  }

  async post(what: string): Promise<readonly string[]> {
    return (await this.ask(what)).ids;
  }

  /** `at`: when it was done, by the machine's clock; only what is done to one container tells. */
  async ask(what: string): Promise<{ readonly ids: readonly string[]; readonly at: number }> {
    return await new Promise((resolve, reject) => {
      const asked = request({ socketPath: this.socket, path: `/fake/${what}`, method: 'POST' }, (answer) => {
        text(answer).then((body) => {
          if (answer.statusCode === 200) resolve(JSON.parse(body) as { ids: string[]; at: number });
          else reject(new Error(`POST /fake/${what}: ${body}`));
        }, reject);
      });
      asked.on('error', reject).end();
    });
  }
}

let stages = 0;
let ports = 0;

/** A real engine in namespaces of its own: nothing else happens on it. */
export class RealStage implements Stage {
  readonly socket: string;
  readonly pid: number;
  readonly #docker: TestDocker;

  private constructor(engine: PrivateEngine) {
    this.socket = engine.socketPath;
    this.#docker = new TestDocker(engine.socketPath);
    this.pid = Number(readFileSync(engine.socketPath.replace(/docker\.sock$/, 'dockerd.pid'), 'utf8'));
  }

  static async start(cleanup: Cleanup): Promise<RealStage> {
    const engine = await PrivateEngine.start();
    cleanup.defer(() => engine.remove());
    return new RealStage(engine);
  }

  async run(port: PortKind): Promise<string> {
    ports = (ports + 1) % 10_000;
    const binding = port === 'fixed' ? { HostPort: String(20_000 + ports) } : {};
    const container = await this.#docker.run({
      command: ['busybox', 'sleep', '2147483647'],
      ports: { '80/tcp': binding },
    });
    return container.id;
  }

  async exit(id: string): Promise<void> {
    const { State } = await this.#docker.api.getContainer(id).inspect();
    process.kill(State.Pid, 'SIGKILL');
  }

  async kill(id: string): Promise<void> {
    await this.#docker.api.getContainer(id).kill();
  }

  async remove(id: string): Promise<void> {
    await this.#docker.api.getContainer(id).remove({ force: true, v: true });
  }

  async version(): Promise<string> {
    return (await this.#docker.api.version()).Version;
  }
}
