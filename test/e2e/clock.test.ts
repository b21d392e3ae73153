import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { BUSY_MS } from '../kit/allowance.ts';
import { ClockOfProcess } from '../kit/clock-of-process.ts';
import { statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { agrees, disturbances } from './census.ts';
import { keysOf, type RunningContainer, World } from './world.ts';

const HOUR_S = 3_600;
const DRAIN_S = 8;
/** Far longer than the test, for it is killed at the end. */
const slowToStop = ['sh', '-c', "trap 'busybox sleep 60; exit 0' TERM; while :; do busybox sleep 0.1; done"];

let folder: string;
let engine: PrivateEngine;
let etcd: EtcdServer;
let proxy: TcpProxy;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-clock-'));
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
  proxy = await TcpProxy.start({
    to: { path: engine.socketPath },
    listen: { path: join(folder, 'engine.sock') },
  });
});
afterAll(async () => {
  await proxy.stop();
  await Promise.allSettled([engine.remove(), etcd.remove()]);
  await rm(folder, { recursive: true, force: true });
});

describe.each([
  { way: 'forward', seconds: HOUR_S },
  { way: 'back', seconds: -HOUR_S },
])('an agent whose clock is set $way by an hour while it runs', ({ seconds }) => {
  let clock: ClockOfProcess;
  let world: World;
  let agent: Agent;
  let steady: readonly RunningContainer[];
  let began: number;

  beforeAll(async () => {
    clock = new ClockOfProcess();
    world = await World.open({ engine, etcd, dockerHost: `unix://${join(folder, 'engine.sock')}` });
    const args = ['--lease-ttl', '5s', '--drain-time', `${DRAIN_S}s`];
    agent = await world.ready({ args, env: clock.env });
    steady = await Promise.all([world.serve(), world.serve(), world.serve()]);
    await agrees(world);
    began = await world.view.revision();
  });
  afterAll(async () => {
    await world.close();
    await removeAgents();
    clock.remove();
  });

  const valueOf = async (key: string): Promise<string | undefined> => (await world.view.get(key))?.value;

  /** What the agent's own log says is the time, compared with ours. */
  const clockOf = async (): Promise<number> => {
    const from = agent.log.length;
    const container = await world.serve();
    const line = await agent.logged(({ time }) => time !== undefined, { from });
    await container.remove({ force: true, v: true });
    return (Date.parse(String(line['time'])) - Date.now()) / 1_000;
  };

  it('keeps heartbeat and records, and drains last as long as they should', async () => {
    const sick = await world.serve({ health: 'test ! -e /sick' });
    const stopping = await world.serve({ command: slowToStop });
    const [sickKey, stoppingKey] = [(await keysOf(sick))[0], (await keysOf(stopping))[0]];
    await agrees(world);
    const heartbeat = await world.view.get(world.heartbeat);

    await world.docker.exec(sick, 'busybox touch /sick');
    const stopped = stopping.stop({ t: 60 });
    stopped.catch(() => undefined);
    for (const key of [sickKey, stoppingKey])
      await eventually(async () => (await valueOf(key))?.includes('"draining"') === true, { everyMs: 20 });
    const drained = performance.now();
    const marked = await world.view.revision();
    clock.set(seconds);

    await eventually(async () => (await valueOf(sickKey)) === undefined, { deadlineMs: 20_000 });
    const lasted = (performance.now() - drained) / 1_000;
    expect(lasted).toBeGreaterThan(DRAIN_S - 2);
    expect(lasted).toBeLessThan(DRAIN_S + 8);
    expect(Math.abs((await clockOf()) - seconds)).toBeLessThan(10);

    // Still told to stop, whatever the clock says; and what comes and goes is seen as soon as ever.
    expect(await valueOf(stoppingKey)).toContain('"draining"');
    const [news] = await keysOf(await world.serve());
    await eventually(async () => (await valueOf(news)) !== undefined, { deadlineMs: 1_000 + BUSY_MS });
    await stopping.kill();
    await stopped.catch(() => undefined);
    await sick.remove({ force: true, v: true });
    await agrees(world);

    expect((await world.view.get(world.heartbeat))?.createRevision).toBe(heartbeat?.createRevision);
    expect(await disturbances(world, steady, began)).toEqual([]);
    // The marks of the stop were put before; the container never came back into rotation.
    const changes = await world.view.changesSince(marked);
    const ofStopping = changes.filter(({ key }) => key === stoppingKey);
    expect(ofStopping.map(({ type }) => type)).toEqual(['DELETE']);
    // No storm of writes: what came and went meanwhile was written, perhaps marked, and deleted, a health check may have come late; nothing else was.
    const times = new Map<string, number>();
    for (const { key } of changes) times.set(key, (times.get(key) ?? 0) + 1);
    expect(Math.max(...times.values())).toBeLessThanOrEqual(6);
    expect(times.has(world.heartbeat)).toBe(false);
  });

  it('brakes as long as it should: neither released at once nor held for an hour', async () => {
    // Back to the machine's time, to be set again in the midst of the brake.
    clock.set(0);
    const containers = await Promise.all(Array.from({ length: 6 }, () => world.serve()));
    await agrees(world);
    const since = await world.view.revision();
    const from = agent.log.length;
    await proxy.refuse();
    proxy.cut();
    await eventually(async () => (await statusOf(agent)).sources[0]?.connected === false);
    await Promise.all([...steady, ...containers].map((container) => container.kill()));
    // Its memory of their deaths ends with it.
    await engine.restart();
    await proxy.heal();
    await agent.logged(({ msg }) => String(msg).startsWith('brake: many'), { from, everyMs: 20 });
    const braked = performance.now();
    clock.set(seconds);
    await agent.logged(({ msg }) => msg === 'brake released', { from, deadlineMs: 25_000, everyMs: 20 });
    const lasted = (performance.now() - braked) / 1_000;
    expect(lasted).toBeGreaterThan(4.5);
    expect(lasted).toBeLessThan(15 + BUSY_MS / 1_000);
    await agrees(world);
    const beats = (await world.view.changesSince(since)).filter(({ key }) => key === world.heartbeat);
    expect(beats).toEqual([]);
  });
});
