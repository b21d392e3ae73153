import { buffer } from 'node:stream/consumers';
import { Agent, type AgentOptions } from './agent.ts';
import { ClockOfProcess } from './clock-of-process.ts';
import { TestDocker } from './docker.ts';
import { PrivateEngine } from './engine.ts';
import { etcdEntry } from './etcd-options.ts';
import { eventually } from './eventually.ts';
import { RegistryView } from './registry-view.ts';

const CLIENTS = 2379;
const PEERS = 2380;

/** A Docker host with an address of its own, an etcd member, and agents that run on it. */
export class Host {
  readonly name: string;
  readonly engine: PrivateEngine;
  readonly docker: TestDocker;
  /** What its own etcd member shows. */
  readonly view: RegistryView;
  /** What its agents take for the time. */
  readonly clock = new ClockOfProcess();
  readonly #bed: HostBed;
  #member: Awaited<ReturnType<TestDocker['run']>> | undefined;
  #agent: Agent | undefined;

  constructor(name: string, engine: PrivateEngine, bed: HostBed) {
    this.name = name;
    this.engine = engine;
    this.#bed = bed;
    this.docker = new TestDocker(engine.socketPath);
    this.view = new RegistryView({ endpoint: `http://${engine.address}:${CLIENTS}` });
  }

  get address(): string {
    return this.engine.address;
  }

  get agent(): Agent {
    if (this.#agent === undefined) throw new Error(`no agent was started on ${this.name}`);
    return this.#agent;
  }

  get peer(): string {
    return `http://${this.address}:${PEERS}`;
  }

  get member(): Awaited<ReturnType<TestDocker['run']>> {
    if (this.#member === undefined) throw new Error(`no member was started on ${this.name}`);
    return this.#member;
  }

  async startMember(cluster: string): Promise<void> {
    const { name, address, peer } = this;
    const member = await this.docker.run({
      image: 'portolan-test/etcd:3.5',
      network: 'host',
      command: [
        ...['--name', name, '--data-dir', '/data', '--unsafe-no-fsync', '--initial-cluster', cluster],
        ...['--listen-client-urls', `http://0.0.0.0:${CLIENTS}`],
        ...['--advertise-client-urls', `http://${address}:${CLIENTS}`],
        ...['--listen-peer-urls', `http://0.0.0.0:${PEERS}`],
        ...['--initial-advertise-peer-urls', peer],
      ],
      extra: { Entrypoint: ['sh', '-c', etcdEntry({ name, peer, cluster }), 'etcd'] },
      // It is part of the host, not of what the agent is to announce.
      labels: { 'portolan.enable': 'false' },
    });
    this.#member = member;
  }

  /** Whether this host's member leads. */
  async leads(): Promise<boolean> {
    const answer = await fetch(`http://${this.address}:${CLIENTS}/v3/maintenance/status`, {
      method: 'POST',
      body: '{}',
      signal: AbortSignal.timeout(2000),
    });
    const status = (await answer.json()) as { leader?: string; header: { member_id: string } };
    return status.leader === status.header.member_id;
  }

  async killMember(): Promise<void> {
    await this.member.kill({ signal: 'SIGKILL' });
  }

  /** Its member's data at this moment, to be restored on any host. */
  async backup(): Promise<Buffer> {
    const said = await this.docker.exec(
      this.member,
      'busybox mkdir -p /backup && etcdctl snapshot save /backup/db && echo backup=done',
    );
    if (!said.includes('backup=done')) throw new Error(`no backup was made: ${said}`);
    return await buffer(await this.member.getArchive({ path: '/backup/db' }));
  }

  /** What its member starts with next time. */
  async layDown(backup: Buffer): Promise<void> {
    await this.docker.exec(this.member, 'busybox mkdir -p /backup && echo etcd-cluster >/backup/token');
    await this.member.putArchive(backup, { path: '/backup' });
  }

  async restartMember(): Promise<void> {
    await this.member.start();
    await eventually(() => this.view.revision(), { deadlineMs: 30_000, what: `etcd on ${this.name}` });
  }

  /** Starts an agent in the host's network, with the state of the one before it. */
  startAgent(options: AgentOptions = {}): Agent {
    const stateDir = this.#agent === undefined ? {} : { stateDir: this.#agent.stateDir };
    this.#agent = Agent.start({
      ...stateDir,
      ...options,
      env: { ...this.clock.env, ...options.env },
      onHost: this.engine.onHost,
      args: [
        ...['--docker-host', this.engine.dockerHost, '--owner-id', this.name, '--family', 'ipv4'],
        ...['--registry', this.#bed.registry, ...(options.args ?? [])],
      ],
    });
    return this.#agent;
  }

  /** The power cord: nothing of this host says another word. */
  async powerOff(): Promise<void> {
    await this.engine.cut();
    await this.#agent?.stop('SIGKILL');
    await this.engine.kill();
  }

  /** It boots, without an agent: engine and member come up as they were, other containers do not. */
  async powerOn(): Promise<void> {
    await this.engine.heal();
    await this.engine.start();
    await this.restartMember();
  }
}

let beds = 0;

/** Three Docker hosts on one wire with a member of one etcd cluster on each; all of it goes away with `remove`. */
export class HostBed {
  readonly hosts: [Host, Host, Host];

  private constructor([first, second, third]: [PrivateEngine, PrivateEngine, PrivateEngine]) {
    beds += 1;
    const host = (n: number, engine: PrivateEngine): Host =>
      new Host(`host-${process.pid}-${beds}-${n}`, engine, this);
    this.hosts = [host(1, first), host(2, second), host(3, third)];
  }

  static async start(): Promise<HostBed> {
    await PrivateEngine.wire();
    const start = async (): Promise<PrivateEngine> =>
      await PrivateEngine.start({ images: ['bb-1', 'etcd-3.5'] });
    const started = await Promise.allSettled([start(), start(), start()]);
    const [a, b, c] = started.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
    if (a === undefined || b === undefined || c === undefined) {
      await Promise.allSettled([a, b, c].map(async (engine) => await engine?.remove()));
      throw new Error('the engines did not start', { cause: started });
    }
    const bed = new HostBed([a, b, c]);
    try {
      const cluster = bed.hosts.map(({ name, peer }) => `${name}=${peer}`).join(',');
      await Promise.all(bed.hosts.map((host) => host.startMember(cluster)));
      await Promise.all(
        bed.hosts.map(({ view }) => eventually(() => view.revision(), { deadlineMs: 60_000, what: 'etcd' })),
      );
      return bed;
    } catch (error) {
      await bed.remove();
      throw error;
    }
  }

  /** The cluster as an agent names it. */
  get registry(): string {
    return `etcd://${this.hosts.map(({ address }) => `${address}:${CLIENTS}`).join(',')}`;
  }

  /** The host whose member leads, of those asked. */
  async leader(ask: readonly Host[] = this.hosts): Promise<Host> {
    return await eventually(
      async () => {
        for (const host of ask) if (await host.leads()) return host;
        throw new Error('no member leads');
      },
      { deadlineMs: 20_000 },
    );
  }

  /** All members die and come back with what one of them held when the backup was made. Returns once they answer. */
  async restore(backup: Buffer): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.layDown(backup)));
    await Promise.all(this.hosts.map((host) => host.killMember()));
    await Promise.all(this.hosts.map((host) => host.restartMember()));
  }

  async remove(): Promise<void> {
    for (const { clock } of this.hosts) clock.remove();
    const removed = await Promise.allSettled(this.hosts.map(({ engine }) => engine.remove()));
    await PrivateEngine.unwire();
    for (const result of removed) if (result.status === 'rejected') throw result.reason;
  }
}
