import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { BUSY_MS } from '../kit/allowance.ts';
import { idle, type TestDocker } from '../kit/docker.ts';
import { eventually } from '../kit/eventually.ts';
import { type Host, HostBed } from '../kit/hosts.ts';
import { becomesReady } from './world.ts';

/** Short, so that the tests are. */
const TTL_MS = 5_000;
const GRACE_MS = 5_000;
/** After the last moment at which a lost host's records may have to be there still. */
const LATE_MS = 2_000;
/** etcd gives every lease its whole time again under a new leader, which has to be elected first. */
const NEW_LEADER_MS = TTL_MS + 5_000;
const HOUR_S = 3_600;
const args = ['--lease-ttl', `${TTL_MS}ms`, '--dead-host-grace', `${GRACE_MS}ms`];

let bed: HostBed;

const pathOf = (host: Host): string => `/${host.name}/web`;

/** A member that was away makes the others elect anew when it comes back, and they say so to whoever asks meanwhile. */
const asking = async <T>(ask: () => Promise<T>): Promise<Exclude<T, false>> =>
  await eventually(ask, { what: 'an answer of the registry' });

const revisionOf = async (asked: Host): Promise<number> => await asking(() => asked.view.revision());

/** Containers of this host that are in rotation, as a member of the cluster shows it. */
const offered = async (host: Host, asked: Host): Promise<readonly string[]> =>
  [...(await asking(() => asked.view.list(`/services${pathOf(host)}/`))).keys()].sort();

const serve = async (host: Host): Promise<Awaited<ReturnType<TestDocker['run']>>> => {
  const labels = { 'portolan.path': pathOf(host), 'portolan.type': 'HTTP' };
  return await host.docker.run({ command: idle, labels, ports: { '80/tcp': { HostIp: '0.0.0.0' } } });
};

/** Waits until so many containers of a host are in rotation. */
const offers = async (host: Host, count: number, asked: Host, deadlineMs = 20_000): Promise<void> => {
  await eventually(async () => (await offered(host, asked)).length === count, { deadlineMs });
};

/** What was written since a revision, besides heartbeats. */
const writtenSince = async (revision: number, asked: Host): Promise<readonly string[]> =>
  (await asking(() => asked.view.changesSince(revision)))
    .map(({ type, key }) => `${type} ${key}`)
    .filter((change) => !/^\w+ \/portolan\/(hosts|cards)\//.test(change));

const hasHeartbeat = async (host: Host, asked: Host): Promise<boolean> =>
  (await asked.view.get(`/portolan/hosts/${host.name}`)) !== undefined;

/** Milliseconds until nothing is left of a host. */
const goneAfter = async (host: Host, asked: Host, since: number, limitMs: number): Promise<number> => {
  await eventually(async () => (await leftOf(host, asked)).length === 0, {
    deadlineMs: limitMs + 30_000,
    what: `nothing left of ${host.name}`,
  });
  return performance.now() - since;
};

/** Every key that names a host or stands below a path of its containers. */
const leftOf = async (host: Host, asked: Host): Promise<readonly string[]> =>
  [...(await asked.view.list('/')).keys()].filter((key) => key.includes(host.name));

const others = (host: Host): readonly [Host, Host] => {
  const [a, b] = bed.hosts.filter((other) => other !== host);
  if (a === undefined || b === undefined) throw new Error('not three hosts');
  return [a, b];
};

beforeAll(async () => {
  bed = await HostBed.start();
  await Promise.all(bed.hosts.flatMap((host) => [serve(host), serve(host)]));
  for (const host of bed.hosts) host.startAgent({ args });
  await Promise.all(bed.hosts.map(({ agent }) => becomesReady(agent)));
  for (const host of bed.hosts) expect(await offered(host, host)).toHaveLength(2);
});
afterAll(async () => {
  await removeAgents();
  await bed.remove();
});

describe('of three hosts', () => {
  it('one that is cut off for a while keeps every record, and nothing but heartbeats is written', async () => {
    const leader = await bed.leader();
    const [away, other] = others(leader);
    const before = await revisionOf(other);
    await away.engine.cut();
    await away.agent.logged(({ msg }) => msg === 'registry out of sight', { deadlineMs: 20_000 });
    await away.engine.heal();
    await becomesReady(away.agent);
    await eventually(() => hasHeartbeat(away, other), { deadlineMs: 20_000 });
    expect(await writtenSince(before, other)).toEqual([]);
    expect(await offered(away, other)).toHaveLength(2);
  });

  it('one whose agent is replaced by a newer one keeps every record, and nothing but its heartbeat is written', async () => {
    const [upgraded, other] = bed.hosts;
    const before = await revisionOf(other);
    expect(await upgraded.agent.stop()).toEqual({ code: 0, signal: null });
    upgraded.startAgent({ args });
    await becomesReady(upgraded.agent);
    expect(await writtenSince(before, other)).toEqual([]);
  });

  it('a registry restored from an older snapshot shows, one life of a lease after it answers, what there is', async () => {
    const [left, came, other] = bed.hosts;
    const old = await serve(left);
    await offers(left, 3, other);
    const backup = await left.backup();
    await old.remove({ force: true, v: true });
    const fresh = await serve(came);
    await Promise.all([offers(left, 2, other), offers(came, 3, other)]);
    const shown = async (): Promise<unknown> =>
      await Promise.all(bed.hosts.map((host) => offered(host, other)));
    const expected = await shown();
    await bed.restore(backup);
    const since = performance.now();
    await eventually(
      async () => {
        expect(await shown()).toEqual(expected);
      },
      { deadlineMs: 60_000, what: 'what there is' },
    );
    expect(performance.now() - since).toBeLessThan(TTL_MS + LATE_MS + BUSY_MS);
    await Promise.all(bed.hosts.map(({ agent }) => becomesReady(agent)));
    await fresh.remove({ force: true, v: true });
    await offers(came, 2, other);
  });

  it('the one whose etcd member leads may lose it: no record moves, and changes go on', async () => {
    const leader = await bed.leader();
    const [other] = others(leader);
    const before = await revisionOf(other);
    await leader.killMember();
    await bed.leader(others(leader));
    expect(await writtenSince(before, other)).toEqual([]);
    await serve(leader);
    await offers(leader, 3, other);
    await leader.restartMember();
    await offers(leader, 3, leader);
  });
});

describe('of three hosts, the clocks of two of which are an hour off', () => {
  /** What the log of its agent says is the time, compared with ours. */
  const offByHours = ({ agent }: Host): number =>
    (Date.parse(String(agent.log.findLast(({ time }) => time !== undefined)?.['time'])) - Date.now()) /
    3_600_000;

  it('all keep what they have, and what is new is seen as soon as ever', async () => {
    const [ahead, right, behind] = bed.hosts;
    const before = await revisionOf(right);
    ahead.clock.set(HOUR_S);
    behind.clock.set(-HOUR_S);
    const set = performance.now();
    await eventually(() => performance.now() - set > 1_200, { what: 'the new time seen' });
    const shown = async (): Promise<unknown> =>
      await Promise.all(bed.hosts.map((host) => offered(host, right)));
    const kept = await shown();
    for (const host of [ahead, behind]) {
      const count = (await offered(host, right)).length;
      const container = await serve(host);
      await offers(host, count + 1, right, 1_000 + BUSY_MS);
      await container.remove({ force: true, v: true });
      await offers(host, count, right, 1_000 + BUSY_MS);
    }
    expect(Math.round(offByHours(ahead))).toBe(1);
    expect(Math.round(offByHours(behind))).toBe(-1);
    expect(await shown()).toEqual(kept);
    const written = await writtenSince(before, right);
    expect(written.filter((change) => change.includes(right.name))).toEqual([]);
  });

  it('one whose agent is dead keeps its records, is shown as unattended, and is taken over again', async () => {
    const [host, other] = bed.hosts;
    const [kept, before] = [await offered(host, other), await revisionOf(other)];
    await host.agent.stop('SIGKILL');
    // One of the others says so, for everybody.
    await eventually(
      async () =>
        (await other.view.get(`/portolan/janitors/${host.name}`))?.value.includes('unattended') === true,
      { deadlineMs: 40_000, what: 'an unattended host' },
    );
    expect(await offered(host, other)).toEqual(kept);
    host.startAgent({ args });
    await becomesReady(host.agent);
    const written = await writtenSince(before, other);
    expect(written.filter((change) => !change.includes(' /portolan/janitors/'))).toEqual([]);
  });

  it('one that loses its power loses its records after the life of its lease and the grace, and no others', async () => {
    const leader = await bed.leader();
    const [lost, other] = others(leader);
    const kept = await offered(other, leader);
    const since = performance.now();
    await lost.powerOff();
    const limit = TTL_MS + GRACE_MS + LATE_MS;
    const after = await goneAfter(lost, other, since, limit);
    expect(after).toBeLessThan(limit + BUSY_MS);
    expect(after).toBeGreaterThan(GRACE_MS);
    expect(await offered(other, leader)).toEqual(kept);
    await lost.powerOn();
    await serve(lost);
    lost.startAgent({ args: [...args, '--expiry', 'ttl'] });
    await becomesReady(lost.agent);
    expect(await offered(lost, other)).toHaveLength(1);
  });

  it('one in ttl mode that loses its power, and with it the leader of the registry, loses them with its lease', async () => {
    const leader = await bed.leader();
    const [other] = others(leader);
    await leader.agent.stop();
    leader.startAgent({ args: [...args, '--expiry', 'ttl'] });
    await becomesReady(leader.agent);
    expect(await offered(leader, other)).not.toEqual([]);
    const since = performance.now();
    await leader.powerOff();
    const limit = TTL_MS + LATE_MS + NEW_LEADER_MS;
    await eventually(async () => (await offered(leader, other)).length === 0, { deadlineMs: limit + 30_000 });
    expect(performance.now() - since).toBeLessThan(limit + BUSY_MS);
    await eventually(async () => (await leftOf(leader, other)).length === 0, { deadlineMs: 60_000 });
  });
});
