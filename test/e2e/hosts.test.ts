import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { idle } from '../kit/docker.ts';
import { eventually } from '../kit/eventually.ts';
import { type Host, HostBed } from '../kit/hosts.ts';
import { becomesReady } from './world.ts';

/** Short, so that the tests are. */
const TTL_MS = 5_000;
const args = ['--lease-ttl', `${TTL_MS}ms`];

let bed: HostBed;

const pathOf = (host: Host): string => `/${host.name}/web`;

/** Containers of this host that are in rotation, as a member of the cluster shows it. */
const offered = async (host: Host, asked: Host): Promise<readonly string[]> =>
  [...(await asked.view.list(`/services${pathOf(host)}/`)).keys()].sort();

const serve = async (host: Host): Promise<void> => {
  const labels = { 'portolan.path': pathOf(host), 'portolan.type': 'HTTP' };
  await host.docker.run({ command: idle, labels, ports: { '80/tcp': { HostIp: '0.0.0.0' } } });
};

/** What was written since a revision, besides heartbeats. */
const writtenSince = async (revision: number, asked: Host): Promise<readonly string[]> =>
  (await asked.view.changesSince(revision))
    .map(({ type, key }) => `${type} ${key}`)
    .filter((change) => !/^\w+ \/portolan\/hosts\//.test(change));

const hasHeartbeat = async (host: Host, asked: Host): Promise<boolean> =>
  (await asked.view.get(`/portolan/hosts/${host.name}`)) !== undefined;

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
    const [away, other] = bed.hosts.filter((host) => host !== leader) as [Host, Host];
    const before = await other.view.revision();
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
    const before = await other.view.revision();
    expect(await upgraded.agent.stop()).toEqual({ code: 0, signal: null });
    upgraded.startAgent({ args });
    await becomesReady(upgraded.agent);
    expect(await writtenSince(before, other)).toEqual([]);
  });

  it('the one whose etcd member leads may lose it: no record moves, and changes go on', async () => {
    const leader = await bed.leader();
    const other = bed.hosts.find((host) => host !== leader) as Host;
    const before = await other.view.revision();
    await leader.killMember();
    await bed.leader(bed.hosts.filter((host) => host !== leader));
    expect(await writtenSince(before, other)).toEqual([]);
    await serve(leader);
    await eventually(async () => (await offered(leader, other)).length === 3, { deadlineMs: 20_000 });
    await leader.restartMember();
    await eventually(async () => (await offered(leader, leader)).length === 3, { deadlineMs: 20_000 });
  });
});
