import { afterEach, describe, expect, it } from 'vitest';
import type { Proxy } from '../../src/core/proxy.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../kit/eventually.ts';
import { HaproxyLab, silentLog } from '../kit/haproxy.ts';
import { HttpLoad } from '../kit/http-load.ts';
import { folderMemory, RouteRegistry, type RunningRoute, runRoute } from '../kit/route-lab.ts';
import { get, WebServer } from '../kit/web-server.ts';

const HOST = 'shop.example';
const PATH = `/i/shop/dev/web/${HOST}`;

describe('a registry, the route loop and a real HAProxy', () => {
  let lab: HaproxyLab;
  let route: RunningRoute | undefined;
  const servers: WebServer[] = [];

  const begin = async () => {
    lab = await HaproxyLab.create('2.6');
    const proxy = lab.adapter();
    expect(await proxy.writer?.prepare()).toMatchObject({ ok: true });
    await lab.start();
    const registry = new RouteRegistry(systemClock);
    await registry.host('one');
    run(proxy, registry);
    return { proxy, registry };
  };
  const run = (proxy: Proxy, registry: RouteRegistry): void => {
    const feed = registry.feed(systemClock);
    route = runRoute(proxy, feed, systemClock, undefined, silentLog, folderMemory(lab.folder));
  };
  const serve = async (registry: RouteRegistry, id: string): Promise<WebServer> => {
    const server = await WebServer.start(id, 5);
    servers.push(server);
    await registry.put(PATH, id, { NAME: HOST, EXT_PORT: server.port });
    return server;
  };
  const served = async (): Promise<boolean> => (await get(lab.port, HOST)).status === 200;

  afterEach(async () => {
    await route?.stop();
    await lab.close();
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('loses no request and reloads nothing while servers that exit at once are replaced one by one', async () => {
    const { proxy, registry } = await begin();
    const running: WebServer[] = [];
    for (const id of ['s0', 's1', 's2']) running.push(await serve(registry, id));
    await eventually(served);
    const load = new HttpLoad({ port: lab.port, host: HOST, everyMs: 5 });
    for (let n = 3; n < 15; n += 1) {
      const fresh = await serve(registry, `s${String(n)}`);
      running.push(fresh);
      await eventually(() => fresh.requests > 10, { everyMs: 5 });
      const [old] = running.splice(0, 1);
      // Told to stop, and gone at the same moment.
      const marked = registry.put(PATH, old!.name, { NAME: HOST, EXT_PORT: old!.port, state: 'draining' });
      await Promise.all([marked, old!.stop()]);
      await registry.remove(PATH, old!.name);
    }
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(load.sent).toBeGreaterThan(20);
    expect(proxy.counters.reloads).toBe(0);
    await eventually(async () => {
      const seen = await proxy.servers(new AbortController().signal);
      expect(seen.ok && seen.value.map(({ server }) => server)).toEqual(
        running.map(({ name }) => name).sort(),
      );
    });
  });

  it('is put right after somebody killed it, or reloaded it behind our back', async () => {
    const { registry } = await begin();
    await serve(registry, 'one');
    await eventually(served);
    await eventually(() => route!.loop.converged);
    // What stands in the files is older than what runs: the reload would bring it back.
    await lab.ask('set server pool-000/one state maint;del server pool-000/one');
    lab.reloadByHand();
    await eventually(served);
    await lab.kill('SIGKILL');
    await serve(registry, 'two');
    await lab.start();
    await eventually(async () => {
      expect(await lab.ask('show servers state pool-000')).toMatch(/ one .* two /s);
    });
    expect(await served()).toBe(true);
  });

  it('keeps the last server of a lost host over a restart of the agent, and frees what was withdrawn', async () => {
    const { registry } = await begin();
    const last = await serve(registry, 'last');
    await registry.host('two');
    const other = { NAME: 'other.example', EXT_PORT: last.port, owner: 'two' };
    await registry.put('/i/other/dev/web/other.example', 'z', other);
    await eventually(async () => (await served()) && (await get(lab.port, 'other.example')).status === 200);
    await route?.stop();
    await registry.remove('/i/other/dev/web/other.example', 'z');
    await registry.lose('one', [PATH, 'last']);
    const load = new HttpLoad({ port: lab.port, host: HOST, everyMs: 5 });
    const proxy = lab.adapter();
    run(proxy, registry);
    await eventually(async () => (await get(lab.port, 'other.example')).status === 404);
    await eventually(() => route!.loop.converged);
    const fresh = await serve(registry, 'fresh');
    await eventually(() => fresh.requests > 10);
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(proxy.counters.reloads).toBe(0);
  });
});
