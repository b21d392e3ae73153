import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { BUSY_MS } from '../kit/allowance.ts';
import { statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { agrees, disturbances, endsQuietly } from './census.ts';
import { Turmoil, withDice } from './turmoil.ts';
import { becomesReady, dice, keysOf, type RunningContainer, World } from './world.ts';

const CONTAINERS = 200;
/** Each of them has at most three containers at a time. */
const HANDS = 7;
const SHORT_LEASE = ['--lease-ttl', '5s'];

let engine: PrivateEngine;
let etcd: EtcdServer;
let world: World;
let turmoil: Turmoil | undefined;

beforeAll(async () => {
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
});
afterEach(async () => {
  await turmoil?.stop().catch(() => undefined);
  turmoil = undefined;
  await world.close();
  await removeAgents();
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), etcd.remove()]);
});

/** Containers that run from the beginning to the end; nothing must happen to their records. */
const steadfast = async (): Promise<readonly RunningContainer[]> => {
  const containers = await Promise.all([world.serve(), world.serve(), world.serve()]);
  await agrees(world);
  return containers;
};

describe('churn', () => {
  it(`of ${CONTAINERS} containers started and stopped at random: the registry equals those that run`, {
    timeout: 400_000,
  }, async () => {
    await withDice(async (seed) => {
      world = await World.open({ engine, etcd });
      const agent = await world.ready();
      const steady = await steadfast();
      const since = await world.view.revision();
      turmoil = new Turmoil(world, { seed, hands: HANDS, most: CONTAINERS });
      await turmoil.done();
      expect(turmoil.created).toBe(CONTAINERS);
      await agrees(world, { deadlineMs: 10_000 });
      const { targets, sources } = await statusOf(agent);
      expect(targets[0]).toMatchObject({ pending: 0, conflicts: 0, failing: 0, brakeEngaged: false });
      expect(sources[0]?.reconnects).toBe(0);
      expect(agent.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
      await endsQuietly(world, agent);
      expect(await disturbances(world, steady, since)).toEqual([]);
    });
  });

  it('while the agent is killed with -9 again and again: what ran throughout was never absent', async () => {
    await withDice(async (seed) => {
      world = await World.open({ engine, etcd });
      const random = dice(seed);
      let agent = await world.ready();
      const { stateDir } = agent;
      const steady = await steadfast();
      const since = await world.view.revision();
      turmoil = new Turmoil(world, { seed });
      for (let round = 0; round < 5; round += 1) {
        await turmoil.more(Math.floor(random() * 15));
        await agent.stop('SIGKILL');
        await turmoil.more(Math.floor(random() * 10));
        agent = world.launch({ stateDir });
        // Not only when it has come so far that it is ready.
        if (random() < 0.6) await becomesReady(agent);
      }
      await turmoil.stop();
      await becomesReady(agent);
      await agrees(world);
      await endsQuietly(world, agent);
      expect(await disturbances(world, steady, since)).toEqual([]);
    });
  });

  it('while etcd is killed with -9 and restarted: equal afterwards', async () => {
    await withDice(async (seed) => {
      world = await World.open({ engine, etcd });
      const random = dice(seed);
      const agent = await world.ready();
      const steady = await steadfast();
      const since = await world.view.revision();
      const damaged = await world.serve();
      await agrees(world);
      turmoil = new Turmoil(world, { seed });
      for (let round = 0; round < 3; round += 1) {
        await turmoil.more(Math.floor(random() * 10));
        await etcd.kill();
        await turmoil.more(Math.floor(random() * 10));
        await etcd.start();
        // It has to look again by itself: no probe fails meanwhile.
        const missing = await keysOf(damaged);
        for (const key of missing) await world.view.remove(key);
        await eventually(
          async () => {
            for (const key of missing) expect(await world.view.get(key)).toBeDefined();
          },
          { deadlineMs: 4_000 + BUSY_MS, what: 'the repair of what was done after the restart' },
        );
      }
      await turmoil.stop();
      await becomesReady(agent);
      await agrees(world);
      expect(agent.log.filter(({ level }) => level === 'error')).toEqual([]);
      await endsQuietly(world, agent);
      expect(await disturbances(world, steady, since)).toEqual([]);
    });
  });

  it('while etcd is paused for longer than the lease lives: the heartbeat comes back, no record was lost', async () => {
    await withDice(async (seed) => {
      world = await World.open({ engine, etcd });
      const agent = await world.ready({ args: SHORT_LEASE });
      const steady = await steadfast();
      const before = await world.view.get(world.heartbeat);
      const since = await world.view.revision();
      const from = agent.log.length;
      turmoil = new Turmoil(world, { seed });
      await turmoil.more(5);
      await etcd.pause();
      const paused = performance.now();
      await agent.logged(({ msg }) => msg === 'host lease lost', { deadlineMs: 10_000, from });
      await eventually(() => performance.now() - paused >= 8_000, { deadlineMs: 10_000 });
      await etcd.unpause();
      await agent.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 10_000, from });
      await turmoil.more(5);
      await turmoil.stop();
      await becomesReady(agent);
      await agrees(world);
      const after = await world.view.get(world.heartbeat);
      expect(after?.lease).not.toBe(before?.lease);
      // It was deleted with its lease, once, and put again.
      const beats = (await world.view.changesSince(since)).filter(({ key }) => key === world.heartbeat);
      expect(beats.map(({ type }) => type)).toEqual(['DELETE', 'PUT']);
      expect(beats[0]?.before).toBe(before?.value);
      await endsQuietly(world, agent, { args: SHORT_LEASE });
      expect(await disturbances(world, steady, since)).toEqual([]);
    });
  });
});
