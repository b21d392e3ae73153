import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { dice, type RunningContainer, World } from './world.ts';

const CONTAINERS = 40;
const AT_ONCE = 8;

let engine: PrivateEngine;
let etcd: EtcdServer;
let world: World;

beforeAll(async () => {
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
});
afterEach(async () => {
  await world.close();
  await removeAgents();
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), etcd.remove()]);
});

/** Ends a container in one of the ways that there are; some come back. */
const disturb = async (container: RunningContainer, chance: number): Promise<void> => {
  if (chance < 0.2) await container.stop({ t: 1 });
  else if (chance < 0.35) await container.kill();
  else if (chance < 0.5) await container.remove({ force: true, v: true });
  else if (chance < 0.6) await container.restart({ t: 1 });
  else if (chance < 0.65) await container.kill().then(() => container.start());
  else if (chance < 0.7) await container.pause().then(() => container.unpause());
};

/** Starts all of them, eight at a time; each may be disturbed as soon as it runs. `each` runs before a container starts. */
const churn = async (seed: number, each: (n: number) => Promise<void> | void): Promise<void> => {
  const random = dice(seed);
  const plan = Array.from({ length: CONTAINERS }, (_, n) => ({ n, chance: random() }));
  const work = plan.values();
  const worker = async (): Promise<void> => {
    for (let next = work.next(); next.done !== true; next = work.next()) {
      await each(next.value.n);
      await disturb(await world.serve(), next.value.chance);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
};

const settles = async (): Promise<void> => {
  await world.converged({ deadlineMs: 15_000 });
  const running = (await world.wanted()).filter((line) => line.startsWith('/services/'));
  expect(running.length).toBeGreaterThan(10);
  const revision = await world.view.settledRevision(500);
  expect(await world.view.settledRevision(1_500)).toBe(revision);
};

describe('churn', () => {
  it('of forty containers, eight at a time: the registry equals those that run, and nothing is written after', async () => {
    world = await World.open({ engine, etcd });
    const agent = await world.ready();
    await churn(1, () => undefined);
    await settles();
    const { targets, sources } = await statusOf(agent);
    expect(targets[0]).toMatchObject({ pending: 0, conflicts: 0, failing: 0, brakeEngaged: false });
    expect(sources[0]?.reconnects).toBe(0);
    expect(agent.log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('while the agent is killed with -9 again and again', async () => {
    world = await World.open({ engine, etcd });
    let agent = await world.ready();
    const { stateDir } = agent;
    await churn(2, async (n) => {
      if (n % 16 !== 8) return;
      await agent.stop('SIGKILL');
      agent = world.launch({ stateDir });
    });
    await eventually(async () => (await statusOf(agent)).ready, { deadlineMs: 20_000 });
    await settles();
  });
});
