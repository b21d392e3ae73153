import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { container, containerId, describeSimply } from '../../test/kit/containers.ts';
import { simpleLayouts } from '../../test/kit/layouts.ts';
import type { Container } from '../core/container.ts';
import { Endpoints } from './endpoints.ts';
import type { Work } from './workqueue.ts';

function setUp() {
  const clock = new VirtualClock(1000);
  const dirty: Work[] = [];
  const addresses = { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' };
  const owner = { owner: 'o', hostName: 'h', addresses, version: '1' };
  const endpoints = new Endpoints({
    describe: describeSimply,
    layouts: simpleLayouts,
    owner,
    drainMs: 30_000,
    clock,
    onDirty: (work) => dirty.push(...work),
  });
  const seen = (of: Container, at = clock.now()): void => {
    endpoints.take({ type: 'seen', container: of, at });
  };
  const taken = (): string[] => dirty.splice(0).map(({ key, cause }) => `${key} ${cause.code}`);
  taken();
  return { clock, endpoints, dirty, seen, taken };
}
const id = (n: number) => containerId(n).slice(0, 12);

describe('the desired side', () => {
  it('wants the host’s own record from the first moment, but does not know what should exist before a complete list', () => {
    const { endpoints } = setUp();
    expect(endpoints.desiredKeys('shared')).toEqual(['/hosts/o']);
    expect(endpoints.listedAt).toBeUndefined();
    endpoints.take({ type: 'listed', differences: 0, at: 5 });
    expect(endpoints.listedAt).toBe(1000);
  });

  it('reports exactly the keys of a container that starts', () => {
    const { seen, taken } = setUp();
    seen(container(1));
    expect(taken()).toEqual([`/announce/app/c1/${id(1)} started`, `/services/app/c1/${id(1)} started`]);
    seen(container(1));
    expect(taken()).toEqual([]);
  });

  it('Drain: marks at the stop signal, in one group with the note, and a relist does not cancel it', () => {
    const { seen, taken, endpoints } = setUp();
    seen(container(1));
    taken();
    endpoints.take({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: 2000 });
    const note = `/portolan/drains/o/${containerId(1)}/app/c1/80-tcp-0`;
    expect(taken()).toEqual([`${note} stop-signal`, `/services/app/c1/${id(1)} stop-signal`]);
    const groups = [note, `/services/app/c1/${id(1)}`].map(
      (key) => endpoints.claims.desired(key, 'shared')?.group,
    );
    expect(new Set(groups).size).toBe(1);
    seen(container(1, { labels: new Map([['x', 'y']]) }));
    endpoints.take({ type: 'listed', differences: 0, at: 2500 });
    expect(taken()).toEqual([]);
    expect(endpoints.drainNotes()).toMatchObject([{ cause: 'stop-signal', since: 2000 }]);
  });

  it('shows no service of a container that is told to stop before it was ever ready', () => {
    const { seen, endpoints } = setUp();
    seen(container(1, { health: 'starting' }));
    endpoints.take({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: 2000 });
    seen(container(1, { health: 'healthy' }));
    const services = endpoints.desiredKeys('shared').filter((key) => key.startsWith('/services/'));
    expect(services).toEqual([]);
  });

  it('explains a removal that an event told, and not one that a list found', () => {
    const { seen, endpoints, dirty } = setUp();
    seen(container(1));
    seen(container(2));
    dirty.length = 0;
    endpoints.take({ type: 'ended', id: containerId(1), how: 'died', explained: true, at: 1 });
    endpoints.take({ type: 'ended', id: containerId(2), how: 'removed', explained: false, at: 1 });
    expect(dirty.map(({ cause }) => [cause.code, cause.explained])).toEqual([
      ['died', true],
      ['died', true],
      ['vanished', false],
      ['vanished', false],
    ]);
    expect(endpoints.desiredKeys('shared')).toEqual(['/hosts/o']);
  });

  it('keeps everything while the source is unknown', () => {
    const { seen, endpoints, taken } = setUp();
    seen(container(1));
    taken();
    endpoints.take({
      type: 'unknown',
      failure: { kind: 'transient', code: 'docker-unreachable', message: 'm' },
    });
    expect(taken()).toEqual([]);
    expect(endpoints.desiredKeys('shared')).toHaveLength(3);
  });

  it('takes a container that ignores its stop signal back in time, without any event', async () => {
    const { seen, endpoints, clock, taken } = setUp();
    seen(container(1));
    endpoints.take({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    taken();
    await clock.advance(10_000 + 5 * 60_000);
    expect(taken().sort()).toEqual([
      `/portolan/drains/o/${containerId(1)}/app/c1/80-tcp-0 drain-ended`,
      `/services/app/c1/${id(1)} drain-ended`,
    ]);
  });

  it('adopts a drain of an earlier process, whether it is told before or after the container is seen', () => {
    const note = {
      endpoint: `${containerId(1)}/app/c1/80-tcp-0`,
      cause: 'stop-signal',
      since: 7,
      until: 9e9,
      startedAt: container(1).startedAt,
      offered: true,
    } as const;
    for (const first of [true, false]) {
      const { seen, endpoints } = setUp();
      if (first) endpoints.adopt([note]);
      seen(container(1));
      if (!first) endpoints.adopt([note]);
      expect(endpoints.drainNotes()).toEqual([note]);
    }
  });

  it('does not adopt a drain of an earlier start', () => {
    const { seen, endpoints } = setUp();
    endpoints.adopt([
      {
        endpoint: `${containerId(1)}/app/c1/80-tcp-0`,
        cause: 'stop-signal',
        since: 7,
        until: 9e9,
        startedAt: 'before',
        offered: true,
      },
    ]);
    seen(container(1));
    expect(endpoints.drainNotes()).toEqual([]);
  });

  it('lets the older container keep a disputed key, and gives it to the younger when the older is gone', () => {
    const { seen, endpoints } = setUp();
    const same = { hostname: 'db', labels: new Map([['portolan.path', '/x']]) };
    seen(container(2, same));
    seen(container(1, same));
    const value = (): string | undefined => endpoints.claims.desired('/services/x/db', 'shared')?.value;
    expect(value()).toContain(':30001');
    endpoints.take({ type: 'ended', id: containerId(1), how: 'died', explained: true, at: 1 });
    expect(value()).toContain(':30002');
  });

  it('shows an endpoint on a loopback address only to registries of this machine', () => {
    const { seen, endpoints } = setUp();
    seen(
      container(1, {
        ports: [{ port: 80, protocol: 'tcp', bindings: [{ hostIp: '127.0.0.1', hostPort: 8080 }] }],
      }),
    );
    expect([endpoints.desiredKeys('local').length, endpoints.desiredKeys('shared').length]).toEqual([3, 1]);
  });

  it('describes a container that shares another’s network again when that one changes', () => {
    const { seen, endpoints } = setUp();
    const described: string[] = [];
    const watching = new Endpoints({
      ...optionsOf(),
      describe: (of) => (described.push(of.name), describeSimply(of)),
    });
    watching.take({
      type: 'seen',
      container: container(2, { networkMode: `container:${containerId(1)}` }),
      at: 1,
    });
    watching.take({ type: 'seen', container: container(1), at: 1 });
    watching.take({ type: 'ended', id: containerId(1), how: 'died', explained: true, at: 1 });
    expect(described).toEqual(['c2', 'c1', 'c2', 'c2']);
    seen(container(3));
    expect(endpoints.size).toBe(1);
  });
});

function optionsOf() {
  const addresses = { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' };
  return {
    layouts: simpleLayouts,
    owner: { owner: 'o', hostName: 'h', addresses, version: '1' },
    drainMs: 1,
    clock: new VirtualClock(),
    onDirty: () => undefined,
  };
}
