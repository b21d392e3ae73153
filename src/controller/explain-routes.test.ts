import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { FakeProxy, RouteRegistry, type RunningRoute, runRoute } from '../../test/kit/route-lab.ts';
import { RECORD, SERVICE } from '../../test/kit/status-fake.ts';
import type { ExplainedRoute } from '../core/proxy-view.ts';
import type { ExplainedEndpoint, RecordView, ServiceView } from '../core/status.ts';
import { explainRoutes } from './explain-routes.ts';

const NAME = 'shop.example';

describe('why a proxy serves a container, or does not', () => {
  let clock: VirtualClock;
  let registry: RouteRegistry;
  let proxy: FakeProxy;
  let route: RunningRoute;
  let paths: readonly string[];

  beforeEach(async () => {
    clock = new VirtualClock();
    registry = new RouteRegistry(clock);
    proxy = new FakeProxy();
    paths = ['/services/'];
    for (const host of ['one', 'two']) await registry.host(host);
    await registry.put('/a/web', 'x', { NAME, weight: 7 });
    route = runRoute(proxy, registry.feed(clock), clock);
    await clock.advance(100);
  });
  afterEach(async () => {
    await route.stop();
  });

  const explain = async (
    path: string,
    id: string,
    over: { readonly service?: Partial<ServiceView>; readonly record?: Partial<RecordView> } = {},
  ): Promise<ExplainedRoute | undefined> => {
    const record = { ...RECORD, target: 'etcd', key: `/services${path}/${id}`, ...over.record };
    const endpoint: ExplainedEndpoint = {
      service: { ...SERVICE, path, ...over.service },
      address: { code: 'address-chosen', message: '' },
      probe: undefined,
      records: [RECORD, record],
    };
    const shown = { proxy, loop: route.loop, registry: { name: 'etcd' }, paths };
    return (await explainRoutes([endpoint], [shown], new AbortController().signal))[0];
  };
  const why = async (...args: Parameters<typeof explain>): Promise<readonly string[]> =>
    (await explain(...args))?.why ?? [];

  it('tells where, with which weight, in which state, with how many sessions, and since when', async () => {
    proxy.sessions.set('x', 3);
    expect(await explain('/a/web', 'x')).toEqual({
      ...{ proxy: 'fake', path: '/a/web', hosts: [NAME], backend: '/a/web', server: 'x', weight: 7 },
      ...{ address: SERVICE.address, state: 'up', sessions: 3, since: 0, served: true, why: [] },
    });
  });

  it('tells that it drains, or is held as the last one', async () => {
    await registry.put('/a/web', 'y', { NAME, state: 'draining' });
    await clock.advance(100);
    expect(await explain('/a/web', 'y')).toMatchObject({ state: 'drain', served: false });
    expect(await why('/a/web', 'y')).toEqual([expect.stringMatching(/^it drains: open connections finish/)]);
    await registry.put('/a/web', 'x', { NAME, weight: 7, state: 'draining' });
    await clock.advance(100);
    expect(await explain('/a/web', 'y')).toMatchObject({ state: 'up', served: true });
    expect(await why('/a/web', 'y')).toEqual([expect.stringContaining('the last server of its service')]);
  });

  it('tells who won its host name, and whose settings count', async () => {
    await registry.put('/b/web', 'z', { NAME });
    await registry.put('/a/web', 'y', { NAME, proxy: { balance: 'leastconn' } });
    await clock.advance(100);
    expect(await explain('/b/web', 'z')).toMatchObject({ hosts: [], served: false });
    expect(await why('/b/web', 'z')).toEqual([`${NAME} belongs to /a/web, which claimed it earlier`]);
    expect(await why('/a/web', 'y')).toEqual([
      '/services/a/web/y asks for other settings than /services/a/web/x, which is older and decides',
    ]);
  });

  it('tells that the proxy refuses it, and that the proxy is away', async () => {
    proxy.refused.add('/b/web');
    await registry.put('/b/web', 'z');
    await clock.advance(100);
    expect(await why('/b/web', 'z')).toEqual([
      'it does not run in the proxy yet',
      'The proxy refused a command; it is read again. (not that one)',
    ]);
    proxy.away = true;
    expect(await explain('/a/web', 'x')).toMatchObject({ state: 'unknown', served: false });
    expect(await why('/a/web', 'x')).toEqual(['The proxy does not answer on its admin socket.']);
  });

  it('tells why the proxy has never heard of it', async () => {
    const first = async (...[service, record]: [Partial<ServiceView>, Partial<RecordView>?]) =>
      (await why('/c/web', 'x', { service, ...(record === undefined ? {} : { record }) }))[0];
    expect(await first({ type: 'TCP' })).toMatch(/^its type is TCP, and proxies serve HTTP only/);
    expect(await first({ state: 'announced', why: 'its port is closed' })).toBe(
      'it is not in rotation: its port is closed',
    );
    expect(await first({}, { state: 'conflict', why: 'somebody else has it' })).toMatch(
      /\(conflict\): somebody/,
    );
    expect(await first({}, { state: 'pending' })).toBe('its record in etcd is pending');
    expect(await first({}, { target: 'other' })).toMatch(/^this proxy follows \/services\/ in etcd, and its/);
    paths = ['/services/internal/'];
    expect(await first({})).toMatch(/^this proxy follows \/services\/internal\/ in etcd/);
  });

  it('is nothing where there is no endpoint', async () => {
    const shown = { proxy, loop: route.loop, registry: { name: 'etcd' }, paths };
    expect(await explainRoutes([], [shown], new AbortController().signal)).toEqual([]);
  });
});
