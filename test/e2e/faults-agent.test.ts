import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { removeAgents } from '../kit/agent.ts';
import { control, recordsOf, servicesOf, statusOf } from '../kit/control.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { freePort } from '../kit/ports.ts';
import { becomesReady, keysOf, World } from './world.ts';

let engine: PrivateEngine;
let etcd: EtcdServer;
const worlds: World[] = [];

const open = async (): Promise<World> => {
  const world = await World.open({ engine, etcd });
  worlds.push(world);
  return world;
};

/** Ends at TERM only after a while, as something that finishes its work does. */
const slowToStop = ['sh', '-c', "trap 'busybox sleep 30; exit 0' TERM; while :; do busybox sleep 0.1; done"];

beforeAll(async () => {
  [engine, etcd] = await Promise.all([PrivateEngine.start(), EtcdServer.start()]);
});
afterEach(async () => {
  await Promise.all(worlds.splice(0).map((world) => world.close()));
  await removeAgents();
});
afterAll(async () => {
  await Promise.allSettled([engine.remove(), etcd.remove()]);
});

describe('an agent killed with -9', () => {
  it('writes nothing but its heartbeat at the restart when nothing changed, under the same lease', async () => {
    const world = await open();
    await Promise.all([world.serve(), world.serve()]);
    const first = await world.ready();
    await world.converged();
    const before = await world.view.settledRevision(500);
    const heartbeat = await world.view.get(world.heartbeat);

    await first.stop('SIGKILL');
    await world.ready({ stateDir: first.stateDir });
    await world.converged();
    expect(await world.view.settledRevision(1_500)).toBe(before + 1);
    const after = await world.view.get(world.heartbeat);
    expect(after?.lease).toBe(heartbeat?.lease);
    expect(after?.modRevision).toBe(before + 1);
    expect(after?.createRevision).toBe(heartbeat?.createRevision);
  });

  it('puts right what died and started while it was away', async () => {
    const world = await open();
    const [dies, , removed] = await Promise.all([world.serve(), world.serve(), world.serve()]);
    const first = await world.ready();
    await world.converged();

    await first.stop('SIGKILL');
    await Promise.all([dies.kill(), removed.remove({ force: true }), world.serve()]);
    await world.ready({ stateDir: first.stateDir });
    await world.converged();
  });

  it('gives up a container that was restarted meanwhile for the new one on its new port', async () => {
    const world = await open();
    const container = await world.serve();
    const first = await world.ready();
    await world.converged();
    const before = await world.shown();

    await first.stop('SIGKILL');
    await container.restart({ t: 1 });
    await world.ready({ stateDir: first.stateDir });
    await world.converged();
    expect(await world.shown()).not.toEqual(before);
  });

  it('adopts a drain: the mark stays, and the record goes when the container is dead', async () => {
    const world = await open();
    const container = await world.serve({ command: slowToStop });
    const [service] = await keysOf(container);
    const first = await world.ready();
    await world.converged();
    const drains = `/portolan/drains/${world.owner}/`;

    const stopped = container.stop({ t: 25 });
    stopped.catch(() => undefined);
    await eventually(async () => {
      expect((await world.view.get(service))?.value).toContain('draining');
    });
    const notes = await world.view.list(drains);
    expect(notes.size).toBe(1);
    const marked = await world.view.get(service);

    await first.stop('SIGKILL');
    const second = await world.ready({ stateDir: first.stateDir });
    // Untouched, not even written again.
    expect(await world.view.get(service)).toEqual(marked);
    expect(await world.view.list(drains)).toEqual(notes);
    expect(await servicesOf(second)).toMatchObject([{ state: 'draining', cause: 'stop-signal' }]);
    await container.kill();
    await stopped.catch(() => undefined);
    await world.converged();
  });
});

describe('an agent that ends', () => {
  it('leaves its records and says handover; the successor takes up at once', async () => {
    const world = await open();
    await world.serve();
    const first = await world.ready({ args: ['--handover', '60s'] });
    await world.converged();
    const before = await world.view.settledRevision(500);
    const records = await world.shown();

    expect(await first.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    const heartbeat = await world.view.get(world.heartbeat);
    expect(JSON.parse(heartbeat?.value ?? '')).toMatchObject({ handover: true, ttl: 60 });
    expect(await world.shown()).toEqual(records);
    expect(await world.view.revision()).toBe(before + 1);

    // Another state folder: nothing but the heartbeat tells it that the first is gone.
    const second = world.launch();
    const held = await second.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 10_000 });
    const listening = await second.logged(({ msg }) => msg === 'listening');
    expect(Date.parse(String(held['time'])) - Date.parse(String(listening['time']))).toBeLessThan(1_000);
    await becomesReady(second);
    await world.converged();
    expect(await world.view.settledRevision(500)).toBe(before + 2);
  });

  it('withdraws with --deregister-on-exit: records first, heartbeat last', async () => {
    const world = await open();
    await Promise.all([world.serve(), world.serve(), world.serve()]);
    const agent = await world.ready({ args: ['--deregister-on-exit'] });
    await world.converged();
    const before = await world.view.settledRevision(500);

    expect(await agent.stop('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await world.shown()).toEqual([]);
    const removals = await world.view.removalsSince(before);
    expect(removals.length).toBe(16);
    const last = removals.at(-1)?.revision ?? 0;
    for (const { key, revision } of removals)
      if (world.isHeartbeat(key)) expect(revision).toBe(last);
      else expect(revision).toBeLessThan(last);
  });
});

describe('two agents', () => {
  it('with one owner id: the second stands by, says so, prunes nothing and takes over when the first is killed', async () => {
    const world = await open();
    await world.serve();
    const first = await world.ready({ args: ['--lease-ttl', '5s'] });
    await world.converged();
    // It sees another engine: everything of the first would be an orphan to it.
    const other = await PrivateEngine.start();
    try {
      const port = await freePort();
      const twin = ['--docker-host', other.dockerHost, '--lease-ttl', '5s', '--resync', '1s'];
      const second = world.launch({ args: [...twin, '--http-listen', `127.0.0.1:${port}`] });
      await second.logged(({ msg }) => String(msg).startsWith('standing by'), { deadlineMs: 15_000 });
      const before = await world.view.revision();
      const readyz = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect(readyz.status).toBe(503);
      expect(await readyz.json()).toMatchObject({
        ready: false,
        waitingFor: [expect.stringMatching(/standing by/)],
      });
      expect((await statusOf(second)).targets[0]?.session.type).toBe('standby');
      const health = await second.ask('health');
      expect(health.code).not.toBe(0);
      expect(health.stdout + health.stderr).toMatch(/standing by/);
      const hosts = await second.ask('get', 'hosts');
      expect(hosts.stdout).toContain(world.owner);
      // Several of its resyncs have passed by now.
      expect(await world.view.revision()).toBe(before);
      await world.converged();
      expect((await statusOf(first)).ready).toBe(true);

      await first.stop('SIGKILL');
      await second.logged(({ msg }) => msg === 'host lease held', { deadlineMs: 12_000 });
      await becomesReady(second);
      // Now they are orphans, and what its own engine runs is what counts.
      const own = [`/hosts/${world.owner}`, 'heartbeat', `owned /hosts/${world.owner}`];
      await eventually(async () => {
        expect(await world.shown()).toEqual(own);
      });
    } finally {
      await other.remove();
    }
  });

  it('on one state folder: the second ends with a clear message', async () => {
    const world = await open();
    const first = await world.ready();
    const second = world.launch({ stateDir: first.stateDir });
    expect((await second.exited).code).not.toBe(0);
    const said = second.output.join('\n');
    expect(said).toMatch(/does another agent run on this state folder\?/);
    expect(said).toContain(first.stateDir);
    expect(said).not.toMatch(/^\s+at /m);
    expect((await statusOf(first)).ready).toBe(true);
  });

  it('of two owners share one registry, and neither touches the other', async () => {
    const [here, there] = await Promise.all([open(), World.open({ etcd })]);
    worlds.push(there);
    const path = `/${here.owner}/shared/s/x`;
    const [mine, theirs] = await Promise.all([
      here.serve({ hostname: 'twin', labels: { 'portolan.path': path } }),
      there.serve(),
    ]);
    const [, rival] = await Promise.all([here.ready(), there.ready()]);
    const key = `/services${path}/twin`;
    await eventually(async () => {
      expect(await here.view.get(key)).toBeDefined();
    });
    await there.converged();
    const held = await here.view.get(key);
    const contents = await here.shown();

    // The same key from the other host: the one who came first keeps it.
    const clash = await there.serve({ hostname: 'twin', labels: { 'portolan.path': path } });
    await eventually(async () => {
      const conflict = (await recordsOf(rival)).find((record) => record.key === key);
      expect(conflict).toMatchObject({ state: 'conflict', owned: false });
    });
    expect(await here.view.get(key)).toEqual(held);
    await clash.remove({ force: true });
    await theirs.remove({ force: true });
    await there.converged();
    expect(await here.shown()).toEqual(contents);

    const again = await there.serve({ hostname: 'twin', labels: { 'portolan.path': path } });
    await mine.remove({ force: true });
    await eventually(async () => {
      const taken = JSON.parse((await here.view.get(key))?.value ?? '{}') as Record<string, unknown>;
      expect(taken['owner']).toBe(there.owner);
    });
    expect((await control(rival, '/readyz')).status).toBe(200);
    await again.remove({ force: true });
    await eventually(async () => {
      expect(await here.view.get(key)).toBeUndefined();
    });
  });
});
