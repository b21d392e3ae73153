import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { control, servicesOf, statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { keysOf, World } from './world.ts';

/** Comes back with its engine; engines of the tests have no live-restore. */
const restarting = { extra: { HostConfig: { RestartPolicy: { Name: 'always' } } } };

let folder: string;
let engine: PrivateEngine;
let etcd: EtcdServer;
/** Between the agent and the engine. */
let proxy: TcpProxy;
let world: World;
let agent: Agent;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-faults-'));
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
  const listen = { path: join(folder, 'engine.sock') };
  proxy = await TcpProxy.start({ to: { path: engine.socketPath }, listen });
  world = await World.open({ engine, etcd, dockerHost: `unix://${listen.path}` });
  agent = await world.ready();
});
afterEach(async () => {
  await proxy.heal();
  await world.docker.clean();
  // The agent never ended, whatever became of the engine.
  expect((await statusOf(agent)).owner).toBe(world.owner);
  await world.converged({ deadlineMs: 20_000 });
});
afterAll(async () => {
  await world.close();
  await proxy.stop();
  await Promise.allSettled([engine.remove(), etcd.remove()]);
  await removeAgents();
  await rm(folder, { recursive: true, force: true });
});

const connected = async (): Promise<boolean> => (await statusOf(agent)).sources[0]?.connected ?? false;

const outOfSight = async (): Promise<void> => {
  await eventually(async () => !(await connected()), { deadlineMs: 20_000, what: 'the engine out of sight' });
};

const inSight = async (deadlineMs = 15_000): Promise<void> => {
  await eventually(connected, { deadlineMs, what: 'the engine in sight' });
};

describe('the engine', () => {
  it('killed with -9 and restarted: nothing leaves meanwhile; then what died goes and what came back stays', async () => {
    const [dies, comesBack] = await Promise.all([world.serve(), world.serve(restarting)]);
    await world.converged();
    const before = await world.shown();
    const revision = await world.view.revision();
    const from = agent.log.length;

    await engine.kill();
    await outOfSight();
    expect((await control(agent, '/readyz')).body).toMatchObject({
      ready: false,
      waitingFor: [expect.stringMatching(/engine does not answer/)],
    });
    // Longer than a batch, a brake's look or a reconnect would take.
    expect(await world.view.settledRevision(1_500)).toBe(revision);
    expect(await world.shown()).toEqual(before);

    await engine.start();
    await inSight();
    await world.converged({ deadlineMs: 20_000 });
    expect((await dies.inspect()).State.Running).toBe(false);
    expect((await comesBack.inspect()).State.Running).toBe(true);
    const [dead, alive] = [await keysOf(dies), await keysOf(comesBack)];
    expect(await world.view.get(dead[0])).toBeUndefined();
    expect(await world.view.get(alive[0])).toBeDefined();
    // One line when it went, none for each of the tries to reach it.
    const lost = agent.log.slice(from).filter(({ msg }) => String(msg).startsWith('source out of sight'));
    expect(lost).toHaveLength(1);
    expect((await control(agent, '/readyz')).status).toBe(200);
  });

  it('stopped in good order and started again: its containers are told to stop, die and come back', async () => {
    const [dies, comesBack] = await Promise.all([world.serve(), world.serve(restarting)]);
    await world.converged();
    const [[gone], [kept]] = [await keysOf(dies), await keysOf(comesBack)];
    const before = await world.view.get(kept);

    await engine.stop();
    await outOfSight();
    await engine.start();
    await inSight();
    await world.converged({ deadlineMs: 20_000 });
    expect(await world.view.get(gone)).toBeUndefined();
    expect((await world.view.get(kept))?.modRevision).toBeGreaterThan(before?.modRevision ?? 0);
    expect(await servicesOf(agent)).toMatchObject([{ state: 'registered', containerId: comesBack.id }]);
  });

  it('out of sight while everything dies, and without a memory of it: the brake waits, then lets go', async () => {
    const containers = await Promise.all(Array.from({ length: 6 }, () => world.serve()));
    await world.converged();
    const before = await world.shown();
    const from = agent.log.length;

    await proxy.refuse();
    proxy.cut();
    await outOfSight();
    await Promise.all(containers.map((container) => container.kill()));
    // Its history of events ends with it.
    await engine.restart();
    await proxy.heal();
    await agent.logged(({ msg }) => String(msg).startsWith('brake: many removals'), { from });
    const braked = performance.now();
    expect(await world.wanted()).toHaveLength(3);
    expect(await world.shown()).toEqual(before);
    expect((await statusOf(agent)).targets[0]?.brakeEngaged).toBe(true);
    await agent.logged(({ msg }) => msg === 'brake released', { from, deadlineMs: 16_000 });
    // Read again after five seconds; the first line was read a little after the fact.
    expect(performance.now() - braked).toBeGreaterThan(4_500);
    await world.converged();
  });

  it('out of sight while one container starts, one is removed, one dies and one restarts', async () => {
    const [removed, dies, restarts] = await Promise.all([world.serve(), world.serve(), world.serve()]);
    await world.converged();
    const before = await world.shown();

    await proxy.refuse();
    proxy.cut();
    await outOfSight();
    await Promise.all([
      removed.remove({ force: true, v: true }),
      dies.kill(),
      restarts.restart({ t: 1 }),
      world.serve(),
    ]);
    expect(await world.shown()).toEqual(before);

    await proxy.heal();
    await inSight();
    await world.converged();
    expect(await servicesOf(agent)).toHaveLength(2);
  });

  it('accepting but not answering is unknown, not empty; it recovers when it answers', async () => {
    const container = await world.serve();
    await world.converged();
    const before = await world.shown();
    const from = agent.log.length;

    proxy.silence();
    const said = await agent.logged(({ msg }) => String(msg).startsWith('source out of sight'), {
      deadlineMs: 20_000,
      from,
    });
    expect(said['code']).toBe('docker-timeout');
    await outOfSight();
    await Promise.all([container.kill(), world.serve()]);
    expect(await world.shown()).toEqual(before);
    expect((await control(agent, '/readyz')).status).toBe(503);

    await proxy.heal();
    await inSight();
    await world.converged();
    expect((await control(agent, '/readyz')).status).toBe(200);
  });
});

describe('the event stream', () => {
  it('cut: it is opened again at once, and nothing that happened meanwhile is missed', async () => {
    const dies = await world.serve();
    await world.converged();
    const { reconnects } = (await statusOf(agent)).sources[0] ?? { reconnects: 0 };
    const from = agent.log.length;

    for (let round = 0; round < 3; round += 1) {
      proxy.cut();
      await world.serve();
    }
    proxy.cut();
    await dies.kill();
    await world.converged({ deadlineMs: 5_000 });
    expect((await statusOf(agent)).sources[0]?.reconnects).toBeGreaterThan(reconnects);
    // The engine itself was there all the time.
    expect(agent.log.slice(from).filter(({ msg }) => String(msg).startsWith('source out of sight'))).toEqual(
      [],
    );
  });

  it('silently dead: the replay finds the first event that did not arrive, within twelve seconds', async () => {
    const dies = await world.serve();
    await world.converged();
    await inSight();
    const before = (await statusOf(agent)).sources[0]?.reconnects ?? 0;

    proxy.freezeExisting();
    const since = performance.now();
    await Promise.all([dies.kill(), world.serve()]);
    await world.converged({ deadlineMs: 13_000 });
    expect(performance.now() - since).toBeLessThan(13_000);
    expect((await statusOf(agent)).sources[0]?.reconnects).toBeGreaterThan(before);
  });
});

describe('an agent that starts while the engine is away', () => {
  it('touches none of its records until it has seen the engine', async () => {
    const [removed] = await Promise.all([world.serve(), world.serve()]);
    await world.converged();
    const before = await world.shown();
    await agent.stop('SIGKILL');
    await proxy.refuse();
    proxy.cut();
    await removed.remove({ force: true, v: true });

    const revision = await world.view.revision();
    agent = world.launch({ stateDir: agent.stateDir });
    await agent.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 20_000 });
    await agent.logged(({ msg }) => String(msg).startsWith('source out of sight'));
    expect((await control(agent, '/readyz')).status).toBe(503);
    // The heartbeat is all that it wrote.
    expect(await world.view.settledRevision(1_000)).toBe(revision + 1);
    expect(await world.shown()).toEqual(before);

    await proxy.heal();
    await inSight();
    await world.converged();
  });
});
