import { setMaxListeners } from 'node:events';
import type { Config } from '../../src/config/config.ts';
import type { AnnounceLoop } from '../../src/controller/announce.ts';
import type { DrainOrder } from '../../src/core/drain-order.ts';
import type { HostEntry, HostProbe, Log, Random } from '../../src/core/ports.ts';
import { compose } from '../../src/wiring/compose.ts';
import { keep } from '../../src/wiring/drains.ts';
import type { AgentIo } from '../../src/wiring/io.ts';
import { live } from '../../src/wiring/life.ts';
import { layoutsOf } from '../../src/wiring/metadata.ts';
import type { AgentOrders } from '../../src/wiring/orders.ts';
import { registryOver } from '../../src/wiring/registries.ts';
import type { AgentStatus } from '../../src/wiring/status.ts';
import type { VirtualClock } from '../kit/clock.ts';
import type { SimHost } from './host.ts';
import { Link } from './network.ts';
import { proberOf } from './prober.ts';
import { ProcessClock } from './process-clock.ts';
import { engineOf } from './process-engine.ts';
import type { SimRegistry } from './registry.ts';

export interface ProcessOptions {
  readonly host: SimHost;
  readonly instance: string;
  readonly registries: readonly SimRegistry[];
  readonly clock: VirtualClock;
  /** A generator for each part. */
  readonly random: (name: string) => Random;
  readonly config: Config;
  readonly batchKeys: number;
  readonly hostProbe: HostProbe;
  readonly log: (instance: string, level: string, fields: object, message: string) => void;
  /** Tells that an instance that ran on this host is dead. */
  readonly isDead: (instance: string) => boolean;
  /** The state folder of the host is this process's. */
  readonly hasFolder: boolean;
}

/** One process of the agent: the same parts, put together by the same code, in a world that is not real. */
export class SimProcess {
  readonly instance: string;
  readonly host: SimHost;
  readonly clock: ProcessClock;
  readonly links: readonly Link[];
  readonly loop: AnnounceLoop;
  readonly status: AgentStatus;
  readonly orders: AgentOrders;
  readonly startedAt: number;
  readonly dryRun: boolean;
  readonly #stop = new AbortController();
  readonly #addressChanged: (() => void)[] = [];
  state: 'running' | 'stopping' | 'ended' = 'running';

  constructor(options: ProcessOptions) {
    const { host, instance, registries, clock, random, config } = options;
    this.host = host;
    this.instance = instance;
    this.clock = new ProcessClock(clock);
    this.startedAt = clock.now();
    this.dryRun = config.dryRun;
    const isDead = (): boolean => this.state === 'ended';
    this.links = registries.map(
      (registry, index) =>
        new Link({
          registry,
          actor: { owner: host.owner, instance },
          clock: this.clock,
          network: clock,
          random: random(`${instance} r${String(index)}`),
          isDead,
          way: () => host.ways[index] ?? { mode: 'up', lossy: 0, latencyMs: 0 },
        }),
    );
    setMaxListeners(0, this.#stop.signal);
    const io = this.#io(options);
    const opened = this.#open(options, io.log);
    const remembered = options.hasFolder ? host.folder : [];
    const { loop, status, orders } = compose({
      config,
      io,
      drains: [],
      orders: remembered,
      here: this.#whereabouts(),
      engine: engineOf(host.engine, isDead),
      registries: opened,
      prober: proberOf(host, this.clock, random(`${instance} prober`)),
      batchKeys: options.batchKeys,
      hostProbe: options.hostProbe,
    });
    this.loop = loop;
    this.status = status;
    this.orders = orders;
    if (options.hasFolder && !this.dryRun) this.#remember(remembered, io.log);
    const life = this.dryRun
      ? loop.run({ source: this.#stop.signal, targets: this.#stop.signal })
      : live({ config, loop, registries: opened }, io);
    void life.then(() => {
      this.#end();
    });
  }

  /** Asks it to end, as SIGTERM does. */
  stop(): void {
    if (this.state !== 'running') return;
    this.state = 'stopping';
    this.#stop.abort();
  }

  /** Ends it without a word, as SIGKILL does: what it has sent may still arrive. */
  kill(): void {
    this.#end();
  }

  /** As the state folder does; a dead process writes nothing. */
  #remember(before: readonly DrainOrder[], log: Log): void {
    const { host, loop, orders } = this;
    const save = (all: readonly DrainOrder[]): Promise<void> => {
      if (this.state !== 'ended') host.folder = all;
      return Promise.resolve();
    };
    const read = (): readonly DrainOrder[] => loop.commands.book.all();
    orders.keptBy(keep({ name: 'orders', before, read, save }, loop, log).flush);
  }

  hostMoved(): void {
    for (const changed of this.#addressChanged) changed();
  }

  #end(): void {
    this.state = 'ended';
    this.clock.die();
    for (const link of this.links) link.end();
  }

  #io({ random, log }: ProcessOptions): AgentIo {
    const at = (level: string) => (fields: object, message: string) => {
      if (this.state !== 'ended') log(this.instance, level, fields, message);
    };
    const out: Log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    return {
      log: out,
      clock: this.clock,
      random: random(this.instance),
      stdout: () => undefined,
      signal: this.#stop.signal,
      version: 'simulated',
      color: false,
    };
  }

  #open({ host, instance, registries, config, random, isDead }: ProcessOptions, log: Log) {
    const identity = {
      instance,
      name: host.owner,
      get addresses() {
        return [host.address];
      },
      version: 'simulated',
      since: this.startedAt,
    };
    return registries.map((_, index) => {
      const link = this.links[index];
      if (link === undefined) throw new Error('a registry without a link');
      return registryOver(
        link,
        { name: `r${String(index)}`, kind: 'etcd', policy: 'sync' },
        {
          config,
          owner: host.owner,
          prefixes: layoutsOf(config).map(({ prefix }) => prefix),
          clock: this.clock,
          random: random(`${instance} provider ${String(index)}`),
          log,
          writing: config.dryRun
            ? undefined
            : {
                identity,
                predecessorDead: (entry: HostEntry) => Promise.resolve(isDead(entry.instance)),
              },
        },
      );
    });
  }

  #whereabouts() {
    const { host, instance, startedAt } = this;
    return {
      owner: host.owner,
      instance: { id: instance, boot: 'boot' },
      since: startedAt,
      host: {
        name: host.owner,
        get current() {
          return { ipv4: host.address, ipv6: undefined, origin: 'literal' };
        },
        list: () => [host.address],
        onChange: (changed: () => void) => this.#addressChanged.push(changed),
        settingsChanged: () => undefined,
        stop: () => undefined,
      },
    };
  }
}
