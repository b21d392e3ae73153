import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { type RunningListener, runListener } from '../../test/kit/listener-lab.ts';
import { FakeProxy, RouteRegistry, type RunningRoute, runRoute } from '../../test/kit/route-lab.ts';

const never = new AbortController().signal;
const DRAINED = { state: 'draining', cause: 'command' } as const;
const CARD = '/portolan/listeners/lone';
const ACK_OF_X = `${CARD}/fake.services.a.web.x`;

describe('a listener', () => {
  let clock: VirtualClock;
  let registry: RouteRegistry;
  let proxy: FakeProxy;
  let route: RunningRoute;
  let listener: RunningListener;

  /** What stands below the listener's key. */
  const told = async (): Promise<Readonly<Record<string, unknown>>> => {
    const listing = await registry.store.reader.list('/portolan/listeners/', never);
    if (!listing.ok) throw new Error(listing.failure.message);
    return Object.fromEntries(
      listing.value.entries.map(({ key, value }) => [key, JSON.parse(value) as unknown]),
    );
  };
  const revision = async (): Promise<string> => {
    const read = await registry.store.reader.get(['/'], never);
    return read.ok ? read.value.revision : '';
  };

  beforeEach(async () => {
    clock = new VirtualClock();
    registry = new RouteRegistry(clock);
    proxy = new FakeProxy();
    await registry.host('one');
    await registry.put('/a/web', 'x');
    await registry.put('/a/web', 'y');
    route = runRoute(proxy, registry.feed(clock), clock);
    listener = runListener(registry.store, proxy, route, clock);
    await clock.advance(1000);
  });
  afterEach(async () => {
    await listener.stop();
    await route.stop();
  });

  it('says whom it serves, under its lease, and writes nothing more while nothing is drained by a command', async () => {
    expect(await told()).toEqual({
      [CARD]: {
        ...{ instance: 'lone', host: 'web-1', version: '1', since: 1 },
        proxies: [{ name: 'fake', paths: ['/services/'] }],
      },
    });
    const before = await revision();
    await clock.advance(300_000);
    expect(await revision()).toBe(before);
    await registry.put('/a/web', 'x', { state: 'draining', cause: 'stop-signal' });
    await clock.advance(1000);
    expect(Object.keys(await told())).toEqual([CARD]);
    await listener.stop();
    await clock.advance(20_000);
    expect(await told()).toEqual({});
  });

  it('counts the sessions of a server that is drained by a command, with few writes, and forgets it when that is undone', async () => {
    proxy.sessions.set('x', 9);
    await registry.put('/a/web', 'x', DRAINED);
    const at = await revision();
    await clock.advance(1000);
    const ack = { proxy: 'fake', key: '/services/a/web/x', revision: at, sessions: 9, held: false };
    expect((await told())[ACK_OF_X]).toEqual(ack);
    // A session ends each second: what is told is the first count, some in between, and the end.
    let writes = 0;
    for (let left = 8; left >= 0; left -= 1) {
      const before = BigInt(await revision());
      proxy.sessions.set('x', left);
      await clock.advance(2500);
      writes += Number(BigInt(await revision()) - before);
    }
    expect((await told())[ACK_OF_X]).toEqual({ ...ack, sessions: 0 });
    expect(writes).toBeLessThanOrEqual(6);
    const before = await revision();
    await clock.advance(120_000);
    expect(await revision()).toBe(before);
    await registry.put('/a/web', 'x');
    await clock.advance(1000);
    expect(Object.keys(await told())).toEqual([CARD]);
  });

  it('says of the last server that it is held, until another one serves', async () => {
    await registry.remove('/a/web', 'y');
    proxy.sessions.set('x', 1);
    await registry.put('/a/web', 'x', DRAINED);
    await clock.advance(1000);
    expect((await told())[ACK_OF_X]).toMatchObject({ held: true, sessions: 1 });
    const before = await revision();
    proxy.sessions.set('x', 7);
    await clock.advance(120_000);
    expect(await revision()).toBe(before);
    proxy.sessions.set('x', 1);
    await registry.put('/a/web', 'z');
    await clock.advance(1000);
    expect((await told())[ACK_OF_X]).toMatchObject({ held: false, sessions: 1 });
    proxy.sessions.set('x', 0);
    await registry.remove('/a/web', 'x');
    await clock.advance(1000);
    expect(Object.keys(await told())).toEqual([CARD]);
  });

  it('says nothing of a proxy that does not answer', async () => {
    proxy.away = true;
    await registry.put('/a/web', 'x', DRAINED);
    await clock.advance(10_000);
    expect(Object.keys(await told())).toEqual([CARD]);
    proxy.away = false;
    await clock.advance(20_000);
    expect((await told())[ACK_OF_X]).toMatchObject({ sessions: 0 });
  });

  it('tells everything again under a new lease, and what somebody removed at the next resync', async () => {
    await registry.put('/a/web', 'x', DRAINED);
    await clock.advance(1000);
    const listing = await registry.store.reader.get([CARD], never);
    const lease = (listing.ok && listing.value.entries.get(CARD)?.lease) || '0';
    await registry.store.writer().leaseRevoke(lease, never);
    expect(await told()).toEqual({});
    await clock.advance(12_000);
    expect(Object.keys(await told())).toEqual([CARD, ACK_OF_X]);
    await registry.erase(CARD);
    await clock.advance(70_000);
    expect(Object.keys(await told())).toEqual([CARD, ACK_OF_X]);
  });
});
