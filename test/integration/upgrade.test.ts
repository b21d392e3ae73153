import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/telemetry/clock.ts';
import { Agent, removeAgents } from '../kit/agent.ts';
import { FakeEngine } from '../kit/engine-fake.ts';
import { EngineSocket } from '../kit/engine-socket.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { RegistryView } from '../kit/registry-view.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';

const SERVICES = 50;
const TTL_MS = 5_000;
/** Two records for each service and a copy of the heartbeat, each with its ledger entry. */
const RECORDS = 2 * SERVICES + 1;
const UNDER_TTL = ['--expiry', 'ttl'];
/** Two transactions for all of them there and two back, and the heartbeat each time; some more are allowed to a slow machine. */
const FEW = 10;

let etcd: EtcdServer;
let view: RegistryView;
let folder: string;
let engine: EngineSocket;
let owners = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-upgrade-'));
  const containers = new FakeEngine(systemClock);
  for (let n = 0; n < SERVICES; n += 1)
    containers.start(containers.create({ name: `s${n}`, ports: { '80/tcp': 20_000 + n } }));
  engine = new EngineSocket(containers);
  await engine.listen(join(folder, 'docker.sock'));
  etcd = await EtcdServer.start();
  view = new RegistryView(etcd);
});
afterEach(removeAgents);
afterAll(async () => {
  engine.close();
  await etcd.remove();
  await rm(folder, { recursive: true, force: true });
});

/** One host with its own owner id and prefixes, and one agent after the other. */
class Host {
  readonly owner: string;
  readonly heartbeat: string;
  #last: Agent | undefined;

  constructor() {
    owners += 1;
    this.owner = `host-${owners}`;
    this.heartbeat = `/portolan/hosts/${this.owner}`;
  }

  start(args: readonly string[] = [], port = etcd.port): Agent {
    const { owner } = this;
    this.#last = Agent.start({
      args: [
        ...['--docker-host', `unix://${join(folder, 'docker.sock')}`, '--advertise', '10.0.0.1'],
        ...['--registry', `etcd://127.0.0.1:${port}`, '--owner-id', owner, '--lease-ttl', `${TTL_MS}ms`],
        ...['--services-prefix', `/${owner}/services`, '--announce-prefix', `/${owner}/announce`],
        ...['--hosts-prefix', `/${owner}/hosts`, ...args],
      ],
      ...(this.#last === undefined ? {} : { stateDir: this.#last.stateDir }),
    });
    return this.#last;
  }

  /** How many records and ledger entries hang on no lease, on that of the heartbeat, and on others. */
  async hanging(): Promise<{ readonly free: number; readonly ours: number; readonly others: number }> {
    const ours = (await view.get(this.heartbeat))?.lease ?? 'none';
    const records = await view.list(`/${this.owner}/`);
    const ledger = await view.list(`/portolan/owners/${this.owner}/`);
    const leases = [...records.values(), ...ledger.values()].map(({ lease }) => lease);
    const count = (fits: (lease: string) => boolean): number => leases.filter(fits).length;
    return {
      free: count((lease) => lease === '0'),
      ours: count((lease) => lease === ours),
      others: count((lease) => lease !== '0' && lease !== ours),
    };
  }

  async hangs(free: number, ours: number): Promise<void> {
    const all = async (): Promise<void> => {
      expect(await this.hanging()).toEqual({ free, ours, others: 0 });
    };
    await eventually(all, { deadlineMs: 30_000, what: 'every record under the right lease' });
  }

  /** Its agent says that it holds the lease, which it does when nothing hangs on an earlier one. */
  async holds(agent: Agent): Promise<void> {
    await agent.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 30_000 });
    await agent.logged(({ msg }) => msg === 'source in sight', { deadlineMs: 30_000 });
  }

  /** Everything of this host that etcd's own history tells of, without the heartbeat and the card that goes with it. */
  async changesSince(revision: number) {
    const beat = [this.heartbeat, `/portolan/cards/${this.owner}`];
    return (await this.#ownChanges(revision)).filter(({ key }) => !beat.includes(key));
  }

  /** How many transactions of this host went through, those of the heartbeat too. */
  async writesSince(revision: number): Promise<number> {
    return new Set((await this.#ownChanges(revision)).map((change) => change.revision)).size;
  }

  /** The leases of other tests end meanwhile. */
  async #ownChanges(revision: number) {
    return (await view.changesSince(revision)).filter(({ key }) => key.includes(this.owner));
  }
}

describe('an upgrade of the agent in place, with 50 services', () => {
  it('in prune mode writes nothing but the heartbeat', async () => {
    const host = new Host();
    const one = host.start();
    await host.hangs(2 * RECORDS, 0);
    const before = await view.settledRevision(300);
    expect(await one.stop()).toEqual({ code: 0, signal: null });
    const two = host.start();
    await host.holds(two);
    await view.settledRevision(1_000);
    expect(await host.changesSince(before)).toEqual([]);
    expect(await host.writesSince(before)).toBe(2);
  });

  it('in ttl mode leaves no record absent at any moment, not even with a pause longer than the lease', async () => {
    const host = new Host();
    const one = host.start(UNDER_TTL);
    await host.hangs(0, 2 * RECORDS);
    const before = await view.settledRevision(300);
    expect(await one.stop()).toEqual({ code: 0, signal: null });
    const old = (await view.get(host.heartbeat))?.lease;
    expect((await view.get(host.heartbeat))?.value).toContain('"handover":true');
    await host.hangs(0, 2 * RECORDS);
    const paused = performance.now();
    await eventually(() => performance.now() - paused > TTL_MS + 2_000);
    const two = host.start(UNDER_TTL);
    await host.holds(two);
    await host.hangs(0, 2 * RECORDS);
    expect((await view.get(host.heartbeat))?.lease).not.toBe(old);
    await view.settledRevision(1_000);
    const changes = await host.changesSince(before);
    expect(changes.filter(({ type }) => type === 'DELETE')).toEqual([]);
    expect(changes.filter(({ value, before: was }) => value !== was)).toEqual([]);
    expect(await host.writesSince(before)).toBeLessThanOrEqual(FEW);

    // And back to prune, one layout after the other.
    await two.stop();
    const mixed = host.start([...UNDER_TTL, '--services-expiry', 'prune', '--hosts-expiry', 'prune']);
    await host.hangs(2 * SERVICES + 2, 2 * SERVICES);
    await mixed.stop();
    host.start();
    await host.hangs(2 * RECORDS, 0);
    const later = await host.changesSince(before);
    expect(later.filter(({ type }) => type === 'DELETE')).toEqual([]);
  });
});

describe('records in ttl mode', () => {
  it('are taken up by a restart with one write, move to a lease of other terms, and go after the death', async () => {
    const host = new Host();
    const patient = [...UNDER_TTL, '--lease-ttl', '60s'];
    const one = host.start(patient);
    await host.hangs(0, 2 * RECORDS);
    const before = await view.settledRevision(300);
    await one.stop('SIGKILL');
    const two = host.start(patient);
    await host.holds(two);
    await view.settledRevision(500);
    expect(await host.writesSince(before)).toBe(1);
    await two.stop();
    const three = host.start(UNDER_TTL);
    await host.holds(three);
    await host.hangs(0, 2 * RECORDS);
    expect((await host.changesSince(before)).filter(({ type }) => type === 'DELETE')).toEqual([]);
    await three.stop('SIGKILL');
    const gone = async (): Promise<boolean> => (await view.list(`/${host.owner}/`)).size === 0;
    // TTL and 2 s are promised; what etcd takes on a busy machine is not ours.
    await eventually(gone, { deadlineMs: TTL_MS + 12_000, what: 'no record of the dead host' });
    expect(await view.list(`/portolan/owners/${host.owner}/`)).toEqual(new Map());
    expect(await view.get(host.heartbeat)).toBeUndefined();
  });
});

describe('an agent asked to end while its registry hangs', () => {
  it('ends within the limit, or at once when it is interrupted twice', async () => {
    const proxy = await TcpProxy.start({ to: { port: etcd.port } });
    try {
      const host = new Host();
      const patient = host.start(UNDER_TTL, proxy.port);
      await host.hangs(0, 2 * RECORDS);
      proxy.silence();
      const since = performance.now();
      expect(await patient.stop('SIGTERM')).toEqual({ code: 0, signal: null });
      expect(performance.now() - since).toBeLessThan(13_000);
      await patient.logged(({ msg }) => msg === 'could not say goodbye to the registry');

      await proxy.heal();
      const hasty = host.start(UNDER_TTL, proxy.port);
      await host.holds(hasty);
      proxy.silence();
      const status = eventually(
        async () => {
          hasty.kill('SIGINT');
          return await Promise.race([
            hasty.exited,
            new Promise<false>((resolve) => setTimeout(resolve, 100, false)),
          ]);
        },
        { what: 'an end at the second interrupt' },
      );
      expect(await status).toEqual({ code: 130, signal: null });
    } finally {
      await proxy.stop();
    }
  });
});
