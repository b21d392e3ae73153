import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { recordsOf, servicesOf, statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { RegistryView } from '../kit/registry-view.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';
import { becomesReady, keysOf, World } from './world.ts';

let engine: PrivateEngine;
let etcd: EtcdServer;
const closing: (() => Promise<unknown>)[] = [];

const open = async (options: Parameters<typeof World.open>[0] = {}): Promise<World> => {
  const world = await World.open({ engine, etcd, ...options });
  closing.push(() => world.close());
  return world;
};

beforeAll(async () => {
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await removeAgents();
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), etcd.remove()]);
});

describe('while the agent is away', () => {
  it('what somebody did to its records is put right at the restart, and what is theirs by now is left', async () => {
    const world = await open();
    const containers = await Promise.all(Array.from({ length: 4 }, () => world.serve()));
    const first = await world.ready();
    await world.converged();
    const keys = (await Promise.all(containers.map(keysOf))).map(([service]) => service);
    const [deleted = '', altered = '', replaced = '', untouched = ''] = keys;
    const before = await world.view.get(untouched);
    const ours = await world.view.get(replaced);

    await first.stop('SIGKILL');
    await world.view.remove(deleted);
    await world.view.put(altered, 'altered');
    await world.view.remove(replaced);
    await world.view.put(replaced, 'theirs');
    const theirs = await world.view.get(replaced);
    const second = await world.ready({ stateDir: first.stateDir });
    await eventually(async () => {
      const states = new Map((await recordsOf(second)).map(({ key, state }) => [key, state]));
      expect(keys.map((key) => states.get(key))).toEqual(['synced', 'synced', 'conflict', 'synced']);
    });
    expect(await world.view.get(replaced)).toEqual(theirs);
    expect(await world.view.get(untouched)).toEqual(before);
    await world.view.remove(replaced);
    await world.converged();
    expect((await world.view.get(replaced))?.value).toBe(ours?.value);
  });

  it('a draining container that dies leaves neither record nor drain behind', async () => {
    const world = await open();
    const command = ['sh', '-c', "trap 'busybox sleep 30' TERM; while :; do busybox sleep 0.1; done"];
    const container = await world.serve({ command });
    const [service] = await keysOf(container);
    const first = await world.ready();
    await world.converged();
    const stopped = container.stop({ t: 20 });
    stopped.catch(() => undefined);
    await eventually(async () => {
      expect((await world.view.get(service))?.value).toContain('draining');
    });
    await first.stop('SIGKILL');
    await container.kill();
    await stopped.catch(() => undefined);
    // Started anew, it does not drain any more.
    await container.start();
    const second = await world.ready({ stateDir: first.stateDir });
    await world.converged();
    expect(await servicesOf(second)).toMatchObject([{ state: 'registered' }]);
  });
});

describe('an agent that was suspended past its lease', () => {
  it('finds its place taken, writes nothing, and takes over again when the other ends', async () => {
    const world = await open();
    await Promise.all([world.serve(), world.serve()]);
    const ttl = ['--lease-ttl', '5s'];
    const first = await world.ready({ args: ttl });
    await world.converged();
    const second = world.launch({ args: ttl });
    await second.logged(({ msg }) => String(msg).startsWith('standing by'), { deadlineMs: 15_000 });

    first.kill('SIGSTOP');
    await second.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 15_000 });
    await becomesReady(second);
    const dies = await world.serve();
    await world.converged();
    await dies.kill();
    first.kill('SIGCONT');
    await first.logged(({ msg }) => String(msg).startsWith('standing by'), { deadlineMs: 10_000 });
    await world.converged();
    // Neither of the two goes on writing.
    const revision = await world.view.settledRevision(500);
    expect(await world.view.settledRevision(2_500)).toBe(revision);
    expect((await statusOf(first)).targets[0]?.session.type).toBe('standby');
    expect((await statusOf(second)).targets[0]?.session.type).toBe('held');

    const from = first.log.length;
    expect(await second.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    await first.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 5_000, from });
    await world.serve();
    await world.converged();
  });
});

describe('an agent asked to end', () => {
  it('ends in time although its registry hangs', async () => {
    const world = await open();
    const proxy = await TcpProxy.start({ to: { port: etcd.port } });
    closing.push(() => proxy.stop());
    await world.serve();
    const args = ['--deregister-on-exit'];
    const agent = await world.ready({ registries: [`etcd://127.0.0.1:${proxy.port}`], args });
    await world.converged();
    proxy.silence();
    const since = performance.now();
    expect(await agent.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(12_000);
    await agent.logged(({ msg }) => String(msg).startsWith('could not say goodbye'));
  });

  it('says goodbye in good order although its engine hangs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'portolan-away-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const listen = { path: join(folder, 'engine.sock') };
    const proxy = await TcpProxy.start({ to: { path: engine.socketPath }, listen });
    closing.push(() => proxy.stop());
    const world = await open({ dockerHost: `unix://${listen.path}` });
    await world.serve();
    const agent = await world.ready();
    await world.converged();
    const before = await world.shown();
    proxy.silence();
    const since = performance.now();
    expect(await agent.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(3_000);
    expect(await world.shown()).toEqual(before);
    expect((await world.view.get(world.heartbeat))?.value).toContain('"handover":true');
  });

  it('ends at once while nothing that it needs is there yet', async () => {
    const world = await open();
    const nowhere = ['--docker-host', 'unix:///nowhere/docker.sock'];
    const agent = world.launch({ registries: ['etcd://127.0.0.1:1'], args: nowhere });
    await agent.logged(({ msg }) => String(msg).startsWith('source out of sight'), { deadlineMs: 15_000 });
    const since = performance.now();
    expect(await agent.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - since).toBeLessThan(3_000);
  });
});

describe('a drain', () => {
  it('noted in one registry holds in the other that was away when it began', async () => {
    const [world, second] = await Promise.all([open(), EtcdServer.start()]);
    closing.push(() => second.remove());
    const view = new RegistryView(second);
    const command = ['sh', '-c', "trap 'busybox sleep 30' TERM; while :; do busybox sleep 0.1; done"];
    const container = await world.serve({ command });
    const [service] = await keysOf(container);
    const registries = [world.registry, `etcd://127.0.0.1:${second.port}`];
    const first = await world.ready({ registries });
    await Promise.all([world.converged(), world.converged({ view })]);

    await second.pause();
    const stopped = container.stop({ t: 25 });
    stopped.catch(() => undefined);
    await eventually(async () => {
      expect((await world.view.get(service))?.value).toContain('draining');
    });
    await first.stop('SIGKILL');
    await second.unpause();
    const next = await world.ready({ registries, stateDir: first.stateDir });
    await eventually(async () => {
      expect((await view.get(service))?.value).toContain('draining');
    });
    expect(await servicesOf(next)).toMatchObject([{ state: 'draining', cause: 'stop-signal' }]);
    await container.kill();
    await stopped.catch(() => undefined);
    await Promise.all([world.converged(), world.converged({ view })]);
  });
});
