import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { BUSY_MS } from '../kit/allowance.ts';
import { statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { RegistryView } from '../kit/registry-view.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { keysOf, World } from './world.ts';

let engine: PrivateEngine;
const closing: (() => Promise<unknown>)[] = [];

const open = async (etcd?: EtcdServer): Promise<World> => {
  const world = await World.open({ engine, ...(etcd === undefined ? {} : { etcd }) });
  closing.push(() => world.close());
  return world;
};

const proxyTo = async (port: number): Promise<TcpProxy> => {
  const proxy = await TcpProxy.start({ to: { port } });
  closing.push(() => proxy.stop());
  return proxy;
};

const targetOf = async (agent: Agent, n = 0) => {
  const { targets } = await statusOf(agent);
  const target = targets[n];
  if (target === undefined) throw new Error('no such target');
  return target;
};

const saw = (agent: Agent, from: number, message: string): number =>
  agent.log.slice(from).filter(({ msg }) => msg === message).length;

beforeAll(async () => {
  engine = await PrivateEngine.start();
});
afterEach(async () => {
  // What was opened last stands on what was opened first.
  for (const close of closing.splice(0).reverse()) await close();
  await removeAgents();
});
afterAll(async () => {
  await engine.remove();
});

describe('etcd', () => {
  it('hanging for six seconds during changes: what it missed is there soon after it answers', async () => {
    const world = await open();
    const agent = await world.ready();
    const [dies] = await Promise.all([world.serve(), world.serve()]);
    await world.converged();
    const heartbeat = await world.view.get(world.heartbeat);
    const from = agent.log.length;

    await world.etcd.pause();
    const since = performance.now();
    await Promise.all([dies.kill(), world.serve()]);
    await eventually(async () => !(await targetOf(agent)).known, { deadlineMs: 10_000 });
    await eventually(() => performance.now() - since >= 6_000);
    await world.etcd.unpause();
    await world.converged({ deadlineMs: 8_000 });
    // Shorter than the lease lives: it is the same, and nobody thought otherwise.
    expect((await world.view.get(world.heartbeat))?.lease).toBe(heartbeat?.lease);
    expect(saw(agent, from, 'registry out of sight')).toBe(1);
  });

  it.each([
    { what: 'an older backup of itself', token: 'etcd-cluster' },
    { what: 'an older backup as another cluster', token: 'another-cluster' },
  ])('replaced by $what: everything is put again', async ({ token }) => {
    const world = await open();
    const old = await world.serve();
    const agent = await world.ready();
    await world.converged();
    await world.etcd.backup();
    // All of this is unknown to the backup, which knows another one instead.
    await Promise.all([old.remove({ force: true, v: true }), world.serve(), world.serve()]);
    await world.converged();
    const from = agent.log.length;
    await world.etcd.restore(token);
    await agent.logged(({ msg }) => msg === 'registry was replaced or went back in time', { from });
    await world.converged();
    await eventually(async () => (await statusOf(agent)).ready);
  });

  it('replaced by an empty one on the same port: everything is put again', async () => {
    const world = await open(await EtcdServer.start());
    const { port } = world.etcd;
    const agent = await world.ready();
    await Promise.all([world.serve(), world.serve()]);
    await world.converged();
    await world.etcd.remove();
    const started = world.serve();
    const empty = await EtcdServer.start({ port, version: '3.4' });
    closing.push(() => empty.remove());
    await started;
    await world.converged();
    await eventually(async () => (await statusOf(agent)).ready);
  });
});

describe('one of two registries', () => {
  it('slow, silent or dead does not delay the other', async () => {
    const [world, second] = await Promise.all([open(), EtcdServer.start()]);
    closing.push(() => second.remove());
    const proxy = await proxyTo(world.etcd.port);
    const slow = `etcd://127.0.0.1:${proxy.port}`;
    const fast = `etcd://127.0.0.1:${second.port}`;
    const agent = await world.ready({ registries: [slow, fast] });
    const view = new RegistryView(second);
    await world.serve();
    await Promise.all([world.converged(), world.converged({ view })]);

    /** Announced and withdrawn at the healthy one, counted from the moment the engine has done its part. */
    const stillPrompt = async (): Promise<void> => {
      const container = await world.serve();
      const [service] = await keysOf(container);
      const prompt = { deadlineMs: 1_000 + BUSY_MS, everyMs: 10 };
      await eventually(async () => {
        expect(await view.get(service)).toBeDefined();
      }, prompt);
      await container.remove({ force: true, v: true });
      await eventually(async () => {
        expect(await view.get(service)).toBeUndefined();
      }, prompt);
      await world.serve();
      await world.converged({ view, ...prompt });
    };
    proxy.delay(600);
    await stillPrompt();
    await proxy.heal();
    await world.converged();
    proxy.silence();
    await stillPrompt();
    await eventually(async () => !(await targetOf(agent)).known, { deadlineMs: 10_000 });
    await stillPrompt();
    await proxy.refuse();
    proxy.cut();
    await stillPrompt();
    const healthy = await targetOf(agent, 1);
    expect(healthy).toMatchObject({ known: true, failing: 0, pending: 0 });
    expect(healthy.lastFailure).toBeUndefined();
    await proxy.heal();
    await world.converged();
    await eventually(async () => (await statusOf(agent)).ready);
  });

  it('away does not delay the embedded one', async () => {
    const world = await open();
    const agent = world.launch({ registries: ['memory://', `etcd://127.0.0.1:1`] });
    const container = await world.serve();
    const [service] = await keysOf(container);
    await eventually(
      async () => {
        const { targets, ready } = await statusOf(agent);
        expect(targets.map(({ known, owned }) => ({ known, owned }))).toEqual([
          { known: true, owned: 3 },
          { known: false, owned: 0 },
        ]);
        expect(ready).toBe(false);
      },
      { deadlineMs: 15_000 },
    );
    const records = await agent.ask('get', 'records', '-o', 'json');
    const shown = JSON.parse(records.stdout) as readonly { key: string; target: string; state: string }[];
    expect(shown.filter(({ key }) => key === service)).toEqual([
      expect.objectContaining({ target: 'memory://', state: 'synced' }),
      expect.objectContaining({ target: 'etcd://127.0.0.1:1', state: 'pending' }),
    ]);
  });
});
