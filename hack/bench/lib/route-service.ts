import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { AdminSocket } from '../../../src/proxy/haproxy/socket.ts';
import { systemClock } from '../../../src/telemetry/clock.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { repository } from '../../../test/kit/paths.ts';
import { get } from '../../../test/kit/web-server.ts';
import type { PortolanLane, RouteLane } from './route-bed.ts';
import type { Applications } from './route-processes.ts';
import { EARLIER_MS } from './stage.ts';

const execute = promisify(execFile);

interface Container {
  readonly id: string;
  readonly port: number;
}

/** A container is told to stop: its program exits at that moment, or finishes what is open. */
export type Manner = 'exit' | 'finish';

/** The containers of one service, under one host name. */
export class RouteService {
  readonly host: string;
  readonly containers: Container[] = [];
  readonly #lane: RouteLane;
  readonly #applications: Applications;

  constructor(lane: RouteLane, applications: Applications, host: string) {
    this.host = host;
    this.#lane = lane;
    this.#applications = applications;
  }

  /** The program listens before its container is said to have started: what it needs is not what is measured. */
  async run(): Promise<{ readonly container: Container; readonly at: number }> {
    const { stage } = this.#lane;
    const port = await this.#applications.open();
    const path = `/bench/shop/dev/web/${this.host}`;
    const [id = ''] = await stage.post(`create?port=${String(port)}&path=${path}`);
    await sleep(EARLIER_MS);
    const { at } = await stage.ask(`start?id=${id}`);
    const container = { id, port };
    this.containers.push(container);
    return { container, at };
  }

  /** Answers when the engine said `kill`. */
  async stop(container: Container, manner: Manner): Promise<number> {
    const { stage } = this.#lane;
    this.containers.splice(this.containers.indexOf(container), 1);
    const ended = this.#applications.end(container.port, manner);
    const { at } = await stage.ask(`kill?id=${container.id}&signal=15`);
    await Promise.all([ended, sleep(EARLIER_MS)]);
    await stage.post(`die?id=${container.id}`);
    await stage.post(`remove?id=${container.id}`);
    return at;
  }

  async scale(count: number): Promise<void> {
    while (this.containers.length < count) await this.run();
    for (const container of this.containers.slice(count)) await this.stop(container, 'exit');
  }

  /** Its HAProxy sends requests to each of its containers. */
  async served(): Promise<void> {
    await eventually(
      async () => {
        await get(this.#lane.haproxy.port, this.host);
        for (const { port } of this.containers)
          if ((await this.#applications.asked(port)) === 0) return false;
        return true;
      },
      { deadlineMs: 30_000, everyMs: 5, what: `${this.host} is served` },
    );
  }

  /** Each container is replaced by a new one, which is started first. `before`: what is done before one is stopped. */
  async roll(manner: Manner, before: (container: Container) => Promise<void> = () => Promise.resolve()) {
    for (const old of [...this.containers]) {
      await this.run();
      await sleep(50);
      await before(old);
      await this.stop(old, manner);
    }
  }
}

/** `portolan drain --wait`, of the host on which the container runs. */
export async function drain({ agents }: PortolanLane, { id }: Container): Promise<void> {
  const args = ['drain', id, '--wait', '--state-dir', agents[0].stateDir];
  await execute(process.execPath, [join(repository, 'dist/main.js'), ...args], { timeout: 60_000 });
}

/** How often HAProxy was reloaded since it started, as its master says; in the middle of a reload it says nothing. */
export async function reloadsOf({ haproxy }: RouteLane): Promise<number> {
  const master = new AdminSocket(`${haproxy.folder}/master.sock`, systemClock);
  return await eventually(async () => {
    // The master keeps a connection open until it is told to end it.
    const said = await master.ask('show proc\nquit', new AbortController().signal);
    const [, count] = /^\d+\s+master\s+(\d+)/m.exec(said.ok ? said.value : '') ?? [];
    if (count === undefined) throw new Error('the master does not say');
    return { count: Number(count) };
  }).then(({ count }) => count);
}
