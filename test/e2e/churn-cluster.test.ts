import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { PrivateEngine } from '../kit/engine.ts';
import type { EtcdServer } from '../kit/etcd.ts';
import { EtcdCluster } from '../kit/etcd-cluster.ts';
import { RegistryView } from '../kit/registry-view.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { agrees, disturbances, endsQuietly } from './census.ts';
import { Turmoil, withDice } from './turmoil.ts';
import { becomesReady, World } from './world.ts';

let engine: PrivateEngine;
let cluster: EtcdCluster;
let world: World;
let turmoil: Turmoil | undefined;
let proxies: readonly TcpProxy[];

beforeAll(async () => {
  [engine, cluster] = await Promise.all([PrivateEngine.start(), EtcdCluster.start()]);
  proxies = await Promise.all(cluster.members.map(({ port }) => TcpProxy.start({ to: { port } })));
});
afterEach(async () => {
  await turmoil?.stop().catch(() => undefined);
  await world.close();
  await removeAgents();
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), cluster.remove(), ...proxies.map((proxy) => proxy.stop())]);
});

/** The members that the agent is connected to now. */
const inUse = (): readonly EtcdServer[] =>
  cluster.members.filter((_, n) => (proxies[n]?.connections ?? 0) > 0);

const portOf = (member: EtcdServer): number => proxies[cluster.members.indexOf(member)]?.port ?? 0;

describe('three members', () => {
  it('lose the one in use and then their leader, by kill -9 during churn: equal without it, and when it is back', async () => {
    await withDice(async (seed) => {
      const first = await cluster.leader();
      const [used, spared] = cluster.members.filter((member) => member !== first);
      if (used === undefined || spared === undefined) throw new Error('not three members');
      world = await World.open({ engine, etcd: spared });
      const members = [used, first, spared].map((member) => `127.0.0.1:${portOf(member)}`).join(',');
      const registries = [`etcd://${members}`];
      const agent = await world.ready({ registries });
      const steady = await Promise.all([world.serve(), world.serve(), world.serve()]);
      await agrees(world);
      const since = await world.view.revision();
      expect(inUse()).toEqual([used]);

      turmoil = new Turmoil(world, { seed });
      await turmoil.more(5);
      await used.kill();
      await turmoil.more(8);
      await turmoil.stop();
      await agrees(world);
      expect(inUse()).not.toContain(used);
      await used.start();

      // Its colleagues elected nobody else meanwhile; if they did, it is that one.
      const leader = await cluster.leader();
      const view = new RegistryView(leader === spared ? used : spared);
      turmoil = new Turmoil(world, { seed: seed + 1 });
      await turmoil.more(5);
      await leader.kill();
      await turmoil.more(8);
      await turmoil.stop();
      await agrees(world, { view });
      await becomesReady(agent);

      turmoil = new Turmoil(world, { seed: seed + 2 });
      await leader.start();
      await turmoil.more(5);
      await turmoil.stop();
      await agrees(world, { view });
      await becomesReady(agent);
      expect(agent.log.filter(({ level }) => level === 'error')).toEqual([]);
      await endsQuietly(world, agent, { registries }, view);
      expect(await disturbances(world, steady, since, view)).toEqual([]);
    });
  });
});
