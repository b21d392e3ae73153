import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { BUSY_MS } from '../kit/allowance.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { agrees, staysQuiet } from './census.ts';
import { idleOnHost, keysOf, type RunningContainer, World } from './world.ts';

let engine: PrivateEngine;
let etcd: EtcdServer;

beforeAll(async () => {
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), etcd.remove()]);
});

/** How many watchers etcd has now. */
const watchers = async (): Promise<number> => {
  const metrics = await (await fetch(`${etcd.endpoint}/metrics`)).text();
  return Number(/^etcd_debugging_mvcc_watcher_total (\d+)$/m.exec(metrics)?.[1]);
};

describe.each([
  { what: 'few keys, watched one by one', ports: 0, expected: { least: 15, most: 40 } },
  { what: 'more than 256 keys, watched by their prefixes', ports: 150, expected: { least: 4, most: 266 } },
])('a registry compacted under a watcher of $what', ({ ports, expected }) => {
  let world: World;
  let proxy: TcpProxy;
  let agent: Agent;
  /** One for each test: whoever alters a key three times within a minute may keep it. */
  let damaged: RunningContainer;
  /** Only its ledger entry is damaged. */
  let bystander: RunningContainer;
  let dies: RunningContainer;

  beforeAll(async () => {
    proxy = await TcpProxy.start({ to: { port: etcd.port } });
    world = await World.open({ engine, etcd });
    await Promise.all([world.serve(), world.serve(), world.serve()]);
    if (ports > 0) await world.docker.run(idleOnHost(`${world.owner}-many`, ports));
    agent = await world.ready({ registries: [`etcd://127.0.0.1:${proxy.port}`] });
    await agrees(world);
  });
  beforeEach(async () => {
    [damaged, bystander, dies] = await Promise.all([world.serve(), world.serve(), world.serve()]);
    await agrees(world);
  });
  afterAll(async () => {
    await world.close();
    await removeAgents();
    await proxy.stop();
  });

  const churn = async (): Promise<void> => {
    await Promise.all([dies.remove({ force: true, v: true }), world.serve()]);
  };

  /** A record deleted, one altered, a ledger entry lost, and all of it forgotten. */
  const damage = async (): Promise<void> => {
    const [service, announce] = await keysOf(damaged);
    const [other] = await keysOf(bystander);
    await world.view.remove(service);
    await world.view.put(announce, 'altered');
    await world.view.remove((await world.entryOf(other)).key);
    for (let n = 0; n < 5; n += 1) await world.view.put('/elsewhere', String(n));
    await world.view.remove('/elsewhere');
    await world.view.compact();
  };

  const repairs = async (container: RunningContainer, withinMs = 1_000): Promise<void> => {
    const [service] = await keysOf(container);
    const before = await world.view.get(service);
    await world.view.remove(service);
    const repaired = async (): Promise<void> => {
      expect((await world.view.get(service))?.value).toBe(before?.value);
    };
    await eventually(repaired, { deadlineMs: withinMs + BUSY_MS, everyMs: 10, what: 'the repair' });
  };

  it('that is up to date: it goes on, and damage is repaired within a second', async () => {
    // A record is seen before the watch that follows it.
    await eventually(async () => {
      const count = await watchers();
      expect(count).toBeGreaterThanOrEqual(expected.least);
      expect(count).toBeLessThanOrEqual(expected.most);
    });
    const from = agent.log.length;
    await world.view.compact();
    await repairs(damaged);
    expect(agent.log.slice(from).filter(({ msg }) => String(msg).startsWith('registry'))).toEqual([]);
  });

  it('that is cut off: it lists again, and what was done meanwhile is repaired', async () => {
    const from = agent.log.length;
    await proxy.refuse();
    proxy.cut();
    await churn();
    await damage();
    await agent.logged(({ msg }) => msg === 'registry out of sight', { from, deadlineMs: 10_000 });
    await proxy.heal();
    await agrees(world);
    await agent.logged(({ msg }) => msg === 'registry in sight', { from });
    // And when the connection can be made again at once, before any probe fails.
    proxy.cut();
    await repairs(bystander, 3_000);
  });

  it('whose connection is dead without a word: it finds out, and what was done meanwhile is repaired', async () => {
    const opened = proxy.opened;
    proxy.freezeExisting();
    // No container changes, so nothing that the agent writes shows it.
    await damage();
    await agrees(world);
    expect(proxy.opened).toBeGreaterThan(opened);
    await repairs(bystander);
  });

  it('while it sets up its watches, again and again: it lists until it has caught up', async () => {
    // Between the list and the watch that goes on from there something is always written and compacted.
    proxy.delay(100);
    proxy.cut();
    await churn();
    await damage();
    const end = performance.now() + 5_000;
    await eventually(
      async () => {
        await world.view.put('/elsewhere', 'x');
        await world.view.remove('/elsewhere');
        await world.view.compact();
        return performance.now() > end;
      },
      { deadlineMs: 8_000, everyMs: 20 },
    );
    await proxy.heal();
    await agrees(world);
    // It watches again.
    await repairs(bystander);
    await staysQuiet(world);
  });
});
