import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { eventually } from '../../../test/kit/eventually.ts';
import { HaproxyLab } from '../../../test/kit/haproxy.ts';
import type { Bench } from './bench.ts';
import { Child } from './child.ts';
import type { Cleanup } from './cleanup.ts';
import { BenchEtcd } from './etcd.ts';
import { Applications } from './route-processes.ts';
import { FakeStage } from './stage.ts';
import { type AgentOptions, type AgentSubject, compiled, launchAgent } from './subject.ts';

/** Containers come and go on one host, and an HAProxy on another serves them. */
export interface RouteLane {
  readonly name: string;
  /** The engine of the host on which containers run. */
  readonly stage: FakeStage;
  readonly haproxy: HaproxyLab;
}

export interface PortolanLane extends RouteLane {
  /** Where containers run, and where HAProxy does. */
  readonly agents: readonly [RouteAgent, RouteAgent];
}

/** An agent that can be ended and started again with the state that it had. */
class RouteAgent {
  #subject: AgentSubject;
  readonly #launch: (stateDir: string | undefined) => AgentSubject;

  constructor(launch: (stateDir: string | undefined) => AgentSubject) {
    this.#launch = launch;
    this.#subject = launch(undefined);
  }

  get stateDir(): string {
    return this.#subject.stateDir;
  }

  async ready(): Promise<void> {
    await this.#subject.ready();
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    const { child } = this.#subject;
    child.process.kill(signal);
    await child.exited;
    this.#subject = this.#launch(this.stateDir);
    await this.ready();
  }
}

/** What all lanes share: one registry for each kind, the applications, and an address that both hosts reach. */
export class RouteBed {
  readonly applications: Applications;
  readonly #bench: Bench;
  readonly #cleanup: Cleanup;

  private constructor(bench: Bench, cleanup: Cleanup, applications: Applications) {
    this.#bench = bench;
    this.#cleanup = cleanup;
    this.applications = applications;
  }

  /** `delayMs`: how long an application takes for an answer. */
  static async start(bench: Bench, cleanup: Cleanup, delayMs: number): Promise<RouteBed> {
    return new RouteBed(bench, cleanup, await Applications.start(bench, cleanup, delayMs));
  }

  async portolan(): Promise<PortolanLane> {
    const [bench, cleanup] = [this.#bench, this.#cleanup];
    const etcd = await BenchEtcd.start(bench, cleanup);
    const [stage, empty] = [
      await FakeStage.start(bench, cleanup, 0),
      await FakeStage.start(bench, cleanup, 0, 1_000_000),
    ];
    const haproxy = await this.#haproxy();
    const launch = (options: Omit<AgentOptions, 'etcd' | 'advertise'>) => (stateDir: string | undefined) =>
      launchAgent(bench, cleanup, {
        ...options,
        ...(stateDir === undefined ? {} : { stateDir }),
        etcd: etcd.address,
        advertise: ownAddress(),
      });
    const config = await configure(haproxy);
    const agents = [
      new RouteAgent(launch({ socket: stage.socket, owner: 'one' })),
      new RouteAgent(launch({ socket: empty.socket, owner: 'two', args: ['-c', config] })),
    ] as const;
    await begin(haproxy, async () => {
      await Promise.all(agents.map((agent) => agent.ready()));
    });
    return { name: 'Portolan', stage, haproxy, agents };
  }

  /** `follow`: run-time commands; `reload`: a new file and a reload for each change. */
  async bare(role: 'follow' | 'reload'): Promise<RouteLane> {
    const [bench, cleanup] = [this.#bench, this.#cleanup];
    const etcd = await BenchEtcd.start(bench, cleanup);
    const stage = await FakeStage.start(bench, cleanup, 0);
    const haproxy = await this.#haproxy();
    await begin(haproxy, async () => {
      await this.#script('announce', stage.socket, etcd.address, ownAddress());
      await this.#script(role, etcd.address, haproxy.folder);
    });
    return { name: role === 'follow' ? 'bare script' : 'reloads', stage, haproxy };
  }

  async #haproxy(): Promise<HaproxyLab> {
    const haproxy = await HaproxyLab.create('2.6', { pool: 200, serverMs: 60_000 });
    this.#cleanup.defer(() => haproxy.close());
    return haproxy;
  }

  async #script(...args: readonly string[]): Promise<void> {
    let isUp = false;
    const child = new Child({
      command: process.execPath,
      args: [compiled('bare-route'), ...args],
      folder: this.#bench.folder,
      name: 'bare-route',
      line: () => {
        isUp = true;
      },
    });
    this.#cleanup.defer(() => child.stop());
    await eventually(() => isUp, { deadlineMs: 60_000, everyMs: 20, what: 'the bare script is ready' });
  }
}

/** HAProxy starts on files that the adapter lays out; whoever follows the registry finds it running. */
async function begin(haproxy: HaproxyLab, follow: () => Promise<void>): Promise<void> {
  const prepared = await haproxy.adapter().writer?.prepare();
  if (prepared?.ok !== true) throw new Error('the files of HAProxy could not be written');
  await haproxy.start();
  await follow();
}

async function configure({ folder, settings, port }: HaproxyLab): Promise<string> {
  const proxy = {
    ...{ folder, socket: settings.socket, bind: [`127.0.0.1:${String(port)}`], pool: settings.pool },
    reload: { master: `${folder}/master.sock` },
    verify: settings.check,
  };
  const file = `${folder}/portolan.yaml`;
  // JSON is YAML too.
  await writeFile(file, JSON.stringify({ proxies: [proxy] }));
  return file;
}

/** Loopback addresses are never announced to other hosts. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this machine has no address but loopback');
  return found.address;
}
