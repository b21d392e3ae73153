import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settle, VirtualClock } from '../../test/kit/clock.ts';
import { containerId, describeSimply } from '../../test/kit/containers.ts';
import { type RunningListener, runListener } from '../../test/kit/listener-lab.ts';
import { TestLoop } from '../../test/kit/loop.ts';
import { seen, short } from '../../test/kit/loop-script.ts';
import { FakeProxy, type RunningRoute, routeFeed, runRoute } from '../../test/kit/route-lab.ts';
import type { Container } from '../core/container.ts';
import type { Description } from '../core/desired.ts';
import { WHOLE_HOST } from '../core/drain-order.ts';
import type { Acknowledgement } from '../core/status.ts';
import { servicesLayout } from '../layout/services.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const ONE = containerId(1);
const WEB = { labels: new Map([['portolan.path', '/app/web']]) };

/** As `describeSimply`, but of a kind that proxies serve. */
function describeHttp(container: Container): Description {
  const description = describeSimply(container);
  const endpoints = description.endpoints.map((one) => ({
    ...one,
    endpoint: { ...one.endpoint, service: { ...one.endpoint.service, type: 'HTTP' as const } },
  }));
  return { ...description, endpoints };
}

describe('a drain by command, with proxies', () => {
  let clock: VirtualClock;
  let store: MemoryStore;
  let agent: TestLoop;
  let proxy: FakeProxy;
  let route: RunningRoute;
  let listener: RunningListener;

  const order = async (subject: string, drained: boolean): Promise<void> => {
    agent.loop.commands.give(subject, drained, clock.now());
    await clock.advance(1500);
  };
  const targets = (): readonly Acknowledgement[] | undefined => agent.loop.commands.views()[0]?.targets;
  const atProxy = (): Acknowledgement | undefined => targets()?.find(({ target }) => target.includes(' on '));

  beforeEach(async () => {
    clock = new VirtualClock();
    store = new MemoryStore({ clock });
    const layouts = [servicesLayout({ prefix: '/services', leased: false })];
    agent = new TestLoop({ clock, stores: [store], layouts, describe: describeHttp });
    proxy = new FakeProxy();
    route = runRoute(proxy, routeFeed(store.reader, clock), clock);
    listener = runListener(store, proxy, route, clock);
    await agent.listed(seen(1, WEB), seen(2, WEB));
    await clock.advance(1000);
  });
  afterEach(async () => {
    await listener.stop();
    await route.stop();
    await agent.end();
  });

  it('Drain: is acknowledged by a proxy when its last session has ended', async () => {
    proxy.sessions.set(short(1), 2);
    await order(ONE, true);
    expect(targets()).toEqual([
      { target: 'r0', acknowledged: true, why: undefined },
      { target: 'fake on web-1', acknowledged: false, why: '2 open session(s)' },
    ]);
    proxy.sessions.set(short(1), 0);
    await clock.advance(2500);
    expect(atProxy()).toEqual({ target: 'fake on web-1', acknowledged: true, why: undefined });
    await order(ONE, false);
    await order(ONE, true);
    expect(atProxy()).toMatchObject({ acknowledged: true });
  });

  it('works alike in the process of the agent, under its lease, and is over with that', async () => {
    const { desk } = agent.registries[0]!;
    await listener.stop();
    await clock.advance(20_000);
    listener = runListener(store, proxy, route, clock, { host: 'h', desk });
    await order(ONE, true);
    expect(atProxy()).toEqual({ target: 'fake on h', acknowledged: true, why: undefined });
    const told = async () =>
      (await agent.entries()).filter(({ key }) => key.startsWith('/portolan/listeners/'));
    expect((await told()).map(({ key }) => key.split('/').slice(3, 5))).toEqual([
      ['o'],
      ['o', expect.any(String)],
    ]);
    await agent.leave();
    expect(await told()).toHaveLength(2);
    await clock.advance(20_000);
    expect(await told()).toEqual([]);
  });

  it('says that the last server is held, and with what it is replaced it is not', async () => {
    await order(WHOLE_HOST, true);
    expect(atProxy()).toMatchObject({ acknowledged: false, held: true });
    expect(atProxy()?.why).toMatch(/^held: last server \(\/services\/app\/web\/\w+ and 1 more\)$/);
    await order(WHOLE_HOST, false);
    await order(ONE, true);
    expect(atProxy()).toEqual({ target: 'fake on web-1', acknowledged: true, why: undefined });
  });

  it('waits for a proxy that has not taken it out yet, and no longer when its listener is dead', async () => {
    proxy.away = true;
    await order(ONE, true);
    expect(atProxy()).toMatchObject({
      acknowledged: false,
      why: `/services/app/web/${short(1)} not taken out yet`,
    });
    await listener.stop();
    await clock.advance(20_000);
    expect(atProxy()).toBeUndefined();
    expect(targets()).toMatchObject([{ target: 'r0', acknowledged: true }]);
  });

  it('asks no proxy about what drains for another reason, or nobody serves', async () => {
    await agent.say({ type: 'stopping', id: ONE, signal: 'SIGTERM', at: clock.now() });
    await order(ONE, true);
    expect(atProxy()).toBeUndefined();
    await agent.say(seen(3, { state: 'exited' }));
    await order(containerId(3), true);
    expect(agent.loop.commands.views().every(({ targets: all }) => all.length === 1)).toBe(true);
  });

  it('knows who listens only while something is drained, and not before it has looked', async () => {
    const { listeners } = agent.registries[0]!;
    expect(listeners.known).toBe(false);
    agent.loop.commands.give(ONE, true, clock.now());
    expect(targets()?.every(({ acknowledged }) => !acknowledged)).toBe(true);
    await clock.advance(1500);
    expect(listeners.known).toBe(true);
    store.disconnect();
    await settle();
    expect(targets()).toMatchObject([{ target: 'r0' }, { target: 'the proxies of r0', acknowledged: false }]);
    await clock.advance(3000);
    expect(atProxy()).toMatchObject({ acknowledged: true });
    await order(ONE, false);
    expect(listeners.known).toBe(false);
  });
});
