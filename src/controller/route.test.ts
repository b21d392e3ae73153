import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { recordingLog } from '../../test/kit/loop.ts';
import {
  FakeProxy,
  KeptRecords,
  RouteRegistry,
  type RunningRoute,
  runRoute,
} from '../../test/kit/route-lab.ts';
import { failure } from '../core/failure.ts';

describe('the route loop', () => {
  let clock: VirtualClock;
  let registry: RouteRegistry;
  let proxy: FakeProxy;
  let route: RunningRoute;

  const begin = async (complete?: () => Promise<void>): Promise<void> => {
    route = runRoute(proxy, registry.feed(clock), clock, complete);
    await clock.advance(100);
  };
  beforeEach(async () => {
    clock = new VirtualClock();
    registry = new RouteRegistry(clock);
    proxy = new FakeProxy();
    await registry.host('one');
    await registry.put('/a/web', 'x');
  });
  afterEach(async () => {
    await route.stop();
  });

  it('serves what the records of all owners offer, and follows them', async () => {
    await begin();
    expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
    await registry.put('/a/web', 'y', { owner: 'two' });
    await registry.put('/a/web', 'x', { state: 'draining' });
    await clock.advance(20);
    expect(proxy.serves).toEqual({ '/a/web': 'x drain, y ready' });
    await registry.remove('/a/web', 'x');
    await registry.put('/b/web', 'z');
    await clock.advance(20);
    expect(proxy.serves).toEqual({ '/a/web': 'y ready', '/b/web': 'z ready' });
    expect(route.loop.converged).toBe(true);
  });

  it('takes a withdrawn server away at once, and keeps the last one of a lost host', async () => {
    await begin();
    await registry.put('/b/web', 'z');
    await registry.lose('one', ['/a/web', 'x']);
    await registry.remove('/b/web', 'z');
    await clock.advance(60_000);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready', '/b/web': 'z ready' });
    await registry.put('/a/web', 'new', { owner: 'two' });
    await clock.advance(20);
    expect(proxy.serves).toEqual({ '/a/web': 'new ready', '/b/web': 'z ready' });
    await registry.host('one');
    await clock.advance(20_000);
    expect(proxy.serves).toEqual({ '/a/web': 'new ready' });
  });

  it('freezes while the registry is out of sight, and catches up', async () => {
    await begin();
    registry.store.disconnect();
    await registry.put('/a/web', 'y', { owner: 'two' });
    expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
    await clock.advance(3000);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready, y ready' });
    registry.store.close();
    await clock.advance(60_000);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready, y ready' });
  });

  it('says once that the registry is out of sight, and that it is in sight again', async () => {
    const log = recordingLog();
    route = runRoute(proxy, registry.feed(clock), clock, undefined, log);
    await clock.advance(100);
    registry.store.close();
    await clock.advance(60_000);
    expect(log.lines.map(({ message }) => message).filter((message) => message.includes('sight'))).toEqual([
      'the registry is in sight',
      'the registry is out of sight; the proxy stays as it is',
    ]);
  });

  it('changes nothing before the registry is complete', async () => {
    let done = (): void => undefined;
    const complete = new Promise<void>((resolve) => {
      done = resolve;
    });
    await begin(() => complete);
    await clock.advance(60_000);
    expect(proxy.passes).toBe(0);
    done();
    await clock.advance(20);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
  });

  it('puts a proxy right within a second that somebody restarted', async () => {
    await begin();
    await clock.advance(1000);
    proxy.restart();
    await clock.advance(1000);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
  });

  it('tries again what failed, and when the proxy is back', async () => {
    proxy.outcomes.push({ type: 'retry', failure: failure('proxy-refused') });
    await begin();
    await clock.advance(1000);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
    proxy.away = true;
    proxy.restart();
    await registry.put('/a/web', 'y');
    await clock.advance(30_000);
    expect(route.loop.converged).toBe(false);
    proxy.away = false;
    await clock.advance(1000);
    expect(proxy.serves).toEqual({ '/a/web': 'x ready, y ready' });
  });

  it('leaves the proxy alone while nothing changes, but for a look now and then', async () => {
    await begin();
    const before = proxy.passes;
    await clock.advance(9000);
    expect(proxy.passes).toBe(before);
  });

  describe('after a restart of the agent', () => {
    let memory: KeptRecords;
    let log: ReturnType<typeof recordingLog>;
    beforeEach(() => {
      memory = new KeptRecords();
      log = recordingLog();
    });

    const start = async (complete?: () => Promise<void>): Promise<void> => {
      route = runRoute(proxy, registry.feed(clock), clock, complete, log, memory);
      await clock.advance(500);
    };

    it('keeps the last server of a lost host until something replaces it', async () => {
      await start();
      await route.stop();
      await registry.lose('one', ['/a/web', 'x']);
      await start();
      await clock.advance(120_000);
      expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
      await route.stop();
      await start();
      expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
      await registry.put('/a/web', 'new', { owner: 'two' });
      await clock.advance(31_000);
      expect(proxy.serves).toEqual({ '/a/web': 'new ready' });
      await route.stop();
      await start();
      expect(proxy.serves).toEqual({ '/a/web': 'new ready' });
    });

    it('lets go what was withdrawn meanwhile, and what a host that is there again does not bring back', async () => {
      await registry.put('/b/web', 'z', { owner: 'two' });
      await start();
      await route.stop();
      await registry.remove('/a/web', 'x');
      await registry.lose('two', ['/b/web', 'z']);
      await start();
      expect(proxy.serves).toEqual({ '/b/web': 'z ready' });
      await registry.host('two');
      await clock.advance(20_000);
      expect(proxy.serves).toEqual({});
      await route.stop();
      await start();
      expect(proxy.serves).toEqual({});
    });

    it('lets a server of a lost host go after the grace when others serve', async () => {
      await registry.put('/a/web', 'y', { owner: 'two' });
      await start();
      await route.stop();
      await registry.lose('one', ['/a/web', 'x']);
      await start();
      expect(proxy.serves).toEqual({ '/a/web': 'x ready, y ready' });
      await clock.advance(31_000);
      expect(proxy.serves).toEqual({ '/a/web': 'y ready' });
    });

    it('judges an embedded registry, which begins empty, when it is complete', async () => {
      await registry.put('/b/web', 'z');
      await start();
      await route.stop();
      registry = new RouteRegistry(clock);
      let done = (): void => undefined;
      const complete = new Promise<void>((resolve) => {
        done = resolve;
      });
      await start(() => complete);
      await registry.host('one');
      await registry.put('/a/web', 'x');
      await clock.advance(5000);
      expect(proxy.serves).toEqual({ '/a/web': 'x ready', '/b/web': 'z ready' });
      done();
      await clock.advance(100);
      expect(proxy.serves).toEqual({ '/a/web': 'x ready' });
    });

    it('says once that it cannot keep what a later process has to know, and tries again', async () => {
      memory.broken = true;
      await start();
      await clock.advance(5000);
      const message = 'after a restart it would not be known who offered what the proxy serves';
      expect(log.lines.filter((line) => line.message === message)).toHaveLength(1);
      memory.broken = false;
      await clock.advance(500);
      expect((await memory.recall()).map(({ key }) => key)).toEqual(['/services/a/web/x']);
    });
  });
});
