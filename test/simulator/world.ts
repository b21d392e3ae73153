import { type Random, sleep } from '../../src/core/ports.ts';
import { VirtualClock } from '../kit/clock.ts';
import { good } from '../kit/config.ts';
import { type Expiry, SimHost } from './host.ts';
import { LeaseWatch } from './lease-watch.ts';
import type { Way } from './network.ts';
import { SimProcess } from './process.ts';
import { Promises, Violation } from './promises.ts';
import { streamOf } from './random.ts';
import { type Commit, SimRegistry, STRANGER } from './registry.ts';
import { FOREIGN, SECRET } from './subjects.ts';

/** What a schedule chooses once. */
export interface Terms {
  readonly seed: number;
  /** Keys of one batch. */
  readonly batchKeys: number;
  /** Operations that a registry takes in one transaction. */
  readonly maxOperations: number;
  /** The most that one direction to a registry takes, milliseconds. */
  readonly latencyMs: number;
  /** Containers that every host runs at first. */
  readonly containers: number;
  /** Of each host, at first. */
  readonly expiry: readonly Expiry[];
  /** An agent that only looks runs on the first host. */
  readonly onlooker: boolean;
}

const START = Date.UTC(2026, 0, 1);
const HOSTS = 3;
const REGISTRIES = 2;
/** So long a connect waits for an answer. */
const SILENCE_MS = 1_000;
const EXPIRY: Readonly<Record<Expiry, string>> = {
  prune: '',
  ttl: 'expiry: ttl\n',
  mixed: 'layouts: { services: { expiry: ttl } }\n',
};
const config = (flags: Readonly<Record<string, boolean>>, expiry: Expiry) =>
  good({
    flags,
    yaml: `registries: [etcd://r0:2379, etcd://r1:2379]\nadvertise: [10.0.0.1]\n${EXPIRY[expiry]}`,
  }).config;

/** Three hosts with an agent each, two registries, and everything that happens between them. */
export class World {
  readonly clock = new VirtualClock(START, 1);
  readonly terms: Terms;
  readonly random: Random;
  readonly registries: readonly SimRegistry[];
  readonly hosts: readonly SimHost[];
  readonly trace: (line: string) => void;
  /** Processes by instance; the dead too. */
  readonly processes = new Map<string, SimProcess>();
  /** Keys that somebody else has altered or taken, and until when (ms) they may differ. */
  readonly disturbed = new Map<string, number>();
  /** What strangers hold and what nobody may touch: `<registry> <key>` to value. */
  readonly foreign = new Map<string, string>();
  violation: Violation | undefined;
  commits = 0;
  readonly #agents = new Map<SimHost, SimProcess>();
  readonly #clockMoved = new Set<SimHost>();
  readonly #lostTime = new Set<SimHost>();
  readonly #calmAt = new Map<string, number>();
  readonly #promises: Promises;
  readonly leases = new LeaseWatch(this);

  constructor(terms: Terms, trace: (line: string) => void) {
    this.terms = terms;
    this.random = streamOf(terms.seed, 'world');
    this.trace = trace;
    const { clock } = this;
    this.registries = Array.from(
      { length: REGISTRIES },
      (_, index) =>
        new SimRegistry({
          index,
          clock,
          maxOperations: terms.maxOperations,
          heartbeats: Array.from({ length: HOSTS }, (__, n) => `/portolan/hosts/host-${String(n)}`),
          committed: (commit) => {
            this.#committed(commit);
          },
          keptAlive: (kept) => {
            this.#promises.keptAlive(kept);
          },
          removed: (key, expired) => {
            this.leases.removed(index, key, expired);
          },
        }),
    );
    const way = (): Way => ({ mode: 'up', lossy: 0, latencyMs: terms.latencyMs });
    this.hosts = Array.from(
      { length: HOSTS },
      (_, index) =>
        new SimHost(index, clock, Array.from({ length: REGISTRIES }, way), terms.expiry[index] ?? 'prune'),
    );
    this.#promises = new Promises({
      hosts: this.hosts,
      origin: (registry, entry) => this.registries[registry]?.origin(entry),
      absentSince: (registry, owner) => this.registries[registry]?.absentSince(owner) ?? 0,
      now: () => clock.now(),
      isAlive: (instance) => this.processes.get(instance)?.state !== 'ended',
      lostTime: (host) => this.#lostTime.has(host),
      violated: (violation) => {
        this.violated(violation);
      },
    });
    for (const registry of this.registries)
      registry.onReplaced = () => {
        for (const process of this.processes.values()) process.links[registry.index]?.silenceWatches();
      };
  }

  get now(): number {
    return this.clock.now();
  }

  host(index: number): SimHost {
    const host = this.hosts[index % this.hosts.length];
    if (host === undefined) throw new Error('no host');
    return host;
  }

  registry(index: number): SimRegistry {
    const registry = this.registries[index % this.registries.length];
    if (registry === undefined) throw new Error('no registry');
    return registry;
  }

  agent(host: SimHost): SimProcess | undefined {
    return this.#agents.get(host);
  }

  /** The agent of a host, or a further process beside it. */
  start(host: SimHost, role: 'agent' | 'twin' | 'onlooker' = 'agent'): SimProcess {
    const instance = `${host.owner}-${role}-${String(this.processes.size)}`;
    const process = new SimProcess({
      host,
      instance,
      registries: this.registries,
      clock: this.clock,
      random: (name) => streamOf(this.terms.seed, name),
      config: config(role === 'onlooker' ? { dryRun: true } : {}, host.expiry),
      batchKeys: this.terms.batchKeys,
      hostProbe: (addresses, _, signal) => this.#probe(addresses, signal),
      log: (who, level, fields, message) => {
        this.#logged(who, level, fields, message);
      },
      hasFolder: role !== 'twin',
      // A twin runs elsewhere: nobody here can tell whether it lives.
      isDead: (other) => {
        const found = this.processes.get(other);
        return found?.host === host && found.state === 'ended' && !other.includes('twin');
      },
    });
    this.processes.set(instance, process);
    if (role === 'twin') host.ordersUncertain = true;
    if (this.#clockMoved.has(host)) {
      this.#lostTime.add(host);
      for (const subject of host.all) {
        subject.drainCertain = false;
        subject.endUncertain = subject.signalledAt !== undefined;
      }
    }
    if (role === 'agent') {
      this.#agents.set(host, process);
      this.disturb(host, undefined, 30_000);
    }
    return process;
  }

  /** The agent of a host that is on, if it does not run. */
  startAgain(host: SimHost): void {
    if (!host.isOff && this.agent(host)?.state === 'ended') this.start(host);
  }

  /** The machine is off: its processes and containers end without a word. */
  powerOff(host: SimHost): void {
    host.offSince = this.now;
    for (const process of this.processes.values()) if (process.host === host) process.kill();
    host.engine.quietly(() => {
      for (const subject of host.alive()) host.act(subject, 'die');
    });
  }

  /** It is on again, with the containers that ran before; their ids are the same. */
  powerOn(host: SimHost): void {
    host.offSince = undefined;
    host.onSince = this.now;
    host.engine.quietly(() => {
      for (const subject of host.all) host.act(subject, 'start');
    });
    this.disturb(host, undefined, 60_000);
    this.startAgain(host);
  }

  /** Until `ms` from now what this host shows (in one registry, or in all) may lag behind. */
  disturb(host: SimHost | undefined, registry: number | undefined, ms: number): void {
    for (const each of host === undefined ? this.hosts : [host])
      for (let index = 0; index < REGISTRIES; index += 1) {
        if (registry !== undefined && registry !== index) continue;
        const pair = `${each.owner} ${String(index)}`;
        this.#calmAt.set(pair, Math.max(this.#calmAt.get(pair) ?? 0, this.now + ms));
      }
  }

  isCalm(host: SimHost, registry: number): boolean {
    if (host.isOff) return false;
    // A deaf stream is found out only after something has happened unheard.
    if (host.engine.isDeafened) this.disturb(host, undefined, 15_000);
    return this.calmSince(host, registry) <= this.now;
  }

  calmSince(host: SimHost, registry: number): number {
    return this.#calmAt.get(`${host.owner} ${String(registry)}`) ?? 0;
  }

  /** Calls back after `ms`, however many steps are taken meanwhile. */
  later(ms: number, run: () => void): void {
    this.clock.timer(ms, run);
  }

  /** Wall time has jumped for a host's agent: no matter, unless it is started again before a drain is over. */
  clockMoved(host: SimHost): void {
    this.#clockMoved.add(host);
  }

  /** A registry went back: what strangers hold there now is what they held then. */
  async restored(registry: SimRegistry): Promise<void> {
    const mine = `${String(registry.index)} `;
    for (const map of [this.foreign, this.disturbed])
      for (const where of [...map.keys()]) if (where.startsWith(mine)) map.delete(where);
    for (const entry of await registry.entries()) {
      const theirs = registry.origin(entry)?.actor === STRANGER;
      if (theirs) this.foreign.set(`${mine}${entry.key}`, entry.value);
      if (theirs || entry.value.startsWith(FOREIGN))
        this.disturbed.set(`${mine}${entry.key}`, Number.POSITIVE_INFINITY);
    }
    for (const host of this.hosts) for (const subject of host.all) subject.drainCertain = false;
  }

  /** Everything ends: two agents that fight over a heartbeat on a way without latency would go on without end. */
  violated(violation: Violation): void {
    this.violation ??= violation;
    this.trace(`VIOLATED ${violation.message}`);
    for (const process of this.processes.values()) process.kill();
  }

  async advance(ms: number): Promise<void> {
    if (this.violation === undefined) await this.clock.advance(ms);
  }

  close(): void {
    for (const process of this.processes.values()) process.kill();
    for (const registry of this.registries) registry.close();
  }

  /** As a TCP connect would find out: a machine that is on answers, at every address that it ever had. */
  async #probe(addresses: readonly string[], signal: AbortSignal): Promise<'answers' | 'silent'> {
    const found = this.hosts.some(
      ({ index, isOff }) => !isOff && addresses.some((ip) => ip.startsWith(`10.0.${String(index)}.`)),
    );
    if (!found) await sleep(this.clock, SILENCE_MS, signal);
    return found ? 'answers' : 'silent';
  }

  #committed(commit: Commit): void {
    this.commits += 1;
    for (const operation of commit.operations) {
      const value = operation.type === 'put' ? ` ${operation.value}` : '';
      this.trace(
        `r${String(commit.registry)} ${commit.actor.instance} ${operation.type} ${operation.key}${value}`,
      );
    }
    this.#promises.committed(commit);
    this.leases.committed(commit);
  }

  #logged(who: string, level: string, fields: object, message: string): void {
    const text = `${message} ${JSON.stringify(fields)}`;
    this.trace(`${who} ${level} ${text}`);
    if (text.includes(SECRET))
      this.violated(new Violation('no secret leaks', `the log of ${who} says: ${text}`));
    if (level === 'error') this.violated(new Violation('no defects', `${who} logs an error: ${text}`));
  }
}
