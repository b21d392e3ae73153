import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import { FakeProxy, RouteRegistry, type RunningRoute, runRoute } from '../../test/kit/route-lab.ts';
import type { RouteView } from '../core/proxy-view.ts';
import { proxyView, routeViews } from './proxy-views.ts';

describe('what is shown of a proxy', () => {
  let log: ReturnType<typeof recordingLog>;
  let clock: VirtualClock;
  let registry: RouteRegistry;
  let proxy: FakeProxy;
  let route: RunningRoute;

  beforeEach(async () => {
    clock = new VirtualClock();
    log = recordingLog();
    registry = new RouteRegistry(clock);
    proxy = new FakeProxy();
    await registry.host('one');
    await registry.put('/a/web', 'x', { NAME: 'shop.example' });
    route = runRoute(proxy, registry.feed(clock), clock, undefined, log);
  });
  afterEach(async () => {
    await route.stop();
  });

  const shown = () => ({ proxy, loop: route.loop, registry: { name: 'etcd' }, paths: ['/services/'] });
  const rows = async (): Promise<readonly RouteView[]> =>
    await routeViews(shown(), new AbortController().signal);

  it('is its state, since when, and why it is not what the records say', async () => {
    await clock.advance(100);
    const first = proxyView(shown());
    expect(first).toMatchObject({ state: 'converged', why: undefined, services: 1, servers: 1 });
    await clock.advance(20_000);
    expect(proxyView(shown()).since).toBe(first.since);
    proxy.away = true;
    await clock.advance(20_000);
    expect(proxyView(shown())).toMatchObject({ state: 'lagging', why: expect.any(String) as string });
    expect(proxyView(shown()).since).toBeGreaterThan(first.since);
  });

  it('is that it waits until the registry is complete', async () => {
    await route.stop();
    let complete: () => void = () => undefined;
    const completed = new Promise<void>((resolve) => {
      complete = resolve;
    });
    route = runRoute(proxy, registry.feed(clock), clock, () => completed, log);
    await clock.advance(1000);
    expect(proxyView(shown())).toMatchObject({ state: 'waiting', why: 'the first complete pass' });
    complete();
    await clock.advance(100);
    expect(proxyView(shown()).state).toBe('converged');
  });

  it('is told once in the log, when it first is what the registry says', async () => {
    await clock.advance(30_000);
    expect(
      log.lines.filter(({ message }) => message.includes('it serves 1 services with 1 servers')),
    ).toHaveLength(1);
  });

  it('is that it lags while it refuses a single service, and which one', async () => {
    await clock.advance(100);
    proxy.refused.add('/b/web');
    await registry.put('/b/web', 'z');
    await clock.advance(100);
    const why = '/b/web: The proxy refused a command; it is read again. (not that one)';
    expect(proxyView(shown())).toMatchObject({ state: 'lagging', why });
    expect(route.loop.failure).toBeUndefined();
    expect((await rows()).map(({ server, state, notes }) => [server, state, notes.length])).toEqual([
      ['x', 'up', 0],
      ['z', 'missing', 1],
    ]);
    expect(log.lines.filter(({ message }) => message === 'the proxy lags behind')).toHaveLength(1);
    // A look at everything does not forget it.
    await clock.advance(11_000);
    expect(proxyView(shown())).toMatchObject({ state: 'lagging', why });
    proxy.refused.clear();
    await clock.advance(11_000);
    expect(proxyView(shown())).toMatchObject({ state: 'converged', why: undefined });
  });

  it('is no longer that it waits when all but one service could be had from the start', async () => {
    await route.stop();
    proxy.refused.add('/a/web');
    route = runRoute(proxy, registry.feed(clock), clock);
    await clock.advance(100);
    expect(proxyView(shown()).state).toBe('lagging');
  });

  it('are the servers that it runs, and why each of them is there', async () => {
    await registry.put('/a/web', 'y', { NAME: 'shop.example', state: 'draining' });
    await clock.advance(100);
    proxy.sessions.set('y', 3);
    expect(await rows()).toMatchObject([
      { path: '/a/web', hosts: ['shop.example'], server: 'x', state: 'up', why: 'registered', sessions: 0 },
      { server: 'y', state: 'drain', why: 'draining', sessions: 3 },
    ]);
    await registry.lose('one', ['/a/web', 'x'], ['/a/web', 'y']);
    await clock.advance(1000);
    expect((await rows()).map(({ server, why }) => `${String(server)} ${String(why)}`)).toEqual([
      'x held',
      'y held',
    ]);
  });

  it('says who has the host name that a service lost, and that an absent proxy cannot be asked', async () => {
    await registry.put('/b/web', 'z', { NAME: 'shop.example' });
    await clock.advance(100);
    const lost = (await rows()).find(({ path }) => path === '/b/web');
    expect(lost).toMatchObject({
      hosts: [],
      notes: ['shop.example belongs to /a/web, which claimed it earlier'],
    });
    proxy.away = true;
    expect((await rows()).map(({ state }) => state)).toEqual(['unknown', 'unknown']);
  });
});
