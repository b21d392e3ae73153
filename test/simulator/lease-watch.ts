import type { KeyValue } from '../../src/provider/kv/store.ts';
import { expectations } from './expected.ts';
import type { SimHost } from './host.ts';
import { Violation } from './promises.ts';
import type { Commit, SimRegistry } from './registry.ts';
import { drains, mayBeOut } from './subjects.ts';
import type { World } from './world.ts';

/** A host whose agent is being replaced. */
interface Upgrade {
  /** The registries in which nothing else was wrong when it began. */
  readonly registries: ReadonlySet<number>;
  writes: number;
}

/** What must hold of records that hang on a lease, and of all records while an agent is replaced. */
export class LeaseWatch {
  readonly #world: World;
  readonly #upgrades = new Map<SimHost, Upgrade>();
  /** Hosts whose agent was killed, and until when (ms) their leases cannot have run out. */
  readonly #dead = new Map<SimHost, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Whether the records of a host at this key hang on its lease. */
  static hangs({ expiry }: SimHost, key: string): boolean {
    return expiry === 'ttl' || (expiry === 'mixed' && key.startsWith('/services/'));
  }

  upgradeBegins(host: SimHost, registries: readonly number[]): void {
    this.#upgrades.set(host, { registries: new Set(registries), writes: 0 });
  }

  /** `silent`: nothing is to be written by it, because nothing changes. */
  upgradeEnds(host: SimHost, silent: boolean): void {
    const { writes = 0 } = this.#upgrades.get(host) ?? {};
    this.#upgrades.delete(host);
    if (silent && writes > 0)
      this.#break('upgrade', `${String(writes)} writes of ${host.owner} although nothing has changed`);
  }

  died(host: SimHost, atLeastMs: number): void {
    this.#dead.set(host, this.#world.now + atLeastMs);
  }

  committed({ registry, actor, operations }: Commit): void {
    for (const [host, upgrade] of this.#upgrades)
      if (host.owner === actor.owner && upgrade.registries.has(registry))
        upgrade.writes += operations.filter(({ key }) => !isBeat(key)).length;
  }

  removed(registry: number, key: string, expired: boolean): void {
    const world = this.#world;
    const host = world.hosts.find(({ owner }) => key.split('/').includes(owner));
    if (host === undefined || world.disturbed.has(`${String(registry)} ${key}`)) return;
    const where = `r${String(registry)}: ${key}`;
    const upgrade = this.#upgrades.get(host)?.registries.has(registry) === true;
    if (upgrade && isOffered(host, key, world.now))
      this.#break('upgrade', `${where} is absent while the agent is replaced`);
    if (!expired) return;
    if (world.isCalm(host, registry) && world.agent(host)?.state === 'running')
      this.#break('expiry', `${where} went with its lease, but its agent lives and the registry answers`);
    if (world.now < (this.#dead.get(host) ?? 0)) this.#break('expiry', `${where} went too early`);
  }

  /** The host has been dead for longer than its lease: what hangs on that is gone, the rest is not. */
  async checkDead(host: SimHost, registry: SimRegistry, before: readonly KeyValue[]): Promise<void> {
    const left = new Set((await registry.entries()).map(({ key }) => key));
    for (const { key } of before) {
      if (this.#world.disturbed.has(`${String(registry.index)} ${key}`)) continue;
      const hangs = LeaseWatch.hangs(host, key);
      if (hangs === left.has(key))
        this.#break('expiry', `r${String(registry.index)}: ${key} is ${hangs ? 'still' : 'not'} there`);
    }
  }

  /** At rest every record and its entry hang where the settings of the host say. */
  async checkRest(): Promise<void> {
    for (const registry of this.#world.registries) {
      const entries = new Map((await registry.entries()).map((entry) => [entry.key, entry]));
      for (const host of this.#world.hosts.filter(({ isOff }) => !isOff)) {
        const ours = entries.get(`/portolan/hosts/${host.owner}`)?.lease;
        const ledger = [...entries.values()].filter(({ key }) =>
          key.startsWith(`/portolan/owners/${host.owner}/`),
        );
        for (const entry of ledger) {
          const lease =
            LeaseWatch.hangs(host, entry.value) && !entry.value.startsWith('/portolan/') ? ours : '0';
          const record = entries.get(entry.value)?.lease;
          if (record !== lease || entry.lease !== lease)
            this.#break('expiry', `r${String(registry.index)}: ${entry.value} does not hang where it should`);
        }
      }
    }
  }

  #break(promise: string, what: string): void {
    this.#world.violated(new Violation(promise, what));
  }
}

/** The heartbeat, and the card that goes with it. */
function isBeat(key: string): boolean {
  return key.startsWith('/portolan/hosts/') || key.startsWith('/portolan/cards/');
}

/** Whether the host's containers have offered this all the time. */
function isOffered(host: SimHost, key: string, now: number): boolean {
  return expectations(host, now).some(
    (expectation) =>
      expectation.key === key && expectation.shows !== 'nothing' && expectation.shows !== 'any',
  );
}

/** Nothing of the host is on its way from one state to another. */
export function atRest(world: World, host: SimHost): boolean {
  const settled = host.all.every(
    (subject) =>
      world.now - subject.changedAt > 40_000 &&
      !drains(subject, world.now) &&
      !mayBeOut(subject, world.now) &&
      subject.unhealthyAt === undefined,
  );
  // The end of a drain is told once more by a new process, unless every registry knew it.
  const ended = host.folder.some(({ drained, settled }) => !drained && settled !== true);
  return settled && !ended && ![...world.disturbed.keys()].some((where) => where.includes(host.owner));
}
