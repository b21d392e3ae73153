import { describe, expect, it } from 'vitest';
import {
  announcement,
  announcementKey,
  announcer,
  announcingLayouts,
  describing,
  PATH,
} from '../../test/kit/announcing.ts';
import { VirtualClock } from '../../test/kit/clock.ts';
import { container, containerId } from '../../test/kit/containers.ts';
import type { LoopOptions, TestLoop } from '../../test/kit/loop.ts';
import { ended, endedAfterEach, flaky, seen } from '../../test/kit/loop-script.ts';
import type { Announcer } from '../core/announcer.ts';
import { failure } from '../core/failure.ts';
import { MemoryStore } from '../provider/memory/store.ts';
import { targetPlan } from './plan-view.ts';
import { recordView, serviceViews } from './views.ts';

const begin = endedAfterEach();
const start = (options: LoopOptions = {}): TestLoop =>
  begin({ describe: describing(), layouts: announcingLayouts(), predecessorDead: true, ...options });
const serviceOf = (n: number): string => `/services${PATH}/${containerId(n).slice(0, 12)}`;
const OWNER = {
  owner: 'o',
  hostName: 'h',
  addresses: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
  version: '1',
};
const view = (loop: TestLoop) => serviceViews(loop.loop.endpoints)[0];
/** Grants a lease that nobody keeps alive and puts a record under it. */
async function putUnderLease(loop: TestLoop, key: string, value: string, seconds = 15, n = 0): Promise<void> {
  const granted = await loop.stores[n]?.writer().leaseGrant(seconds, new AbortController().signal);
  if (granted?.ok !== true) throw new Error('no lease');
  await loop.put(key, value, n, granted.value.id);
}

describe('a container that announces itself', () => {
  it('waits for its announcement, and is registered at once with its port and type', async () => {
    const loop = start();
    await loop.listed(seen(1, announcer()));
    expect(await loop.records()).toEqual([]);
    expect(view(loop)).toMatchObject({
      state: 'announced',
      announcement: announcementKey(1),
      why: `no announcement at ${announcementKey(1)} yet`,
    });
    await loop.put(announcementKey(1), announcement(1));
    await loop.clock.advance(50);
    expect(await loop.records()).toEqual([announcementKey(1), serviceOf(1)]);
    expect(JSON.parse((await loop.content()).get(serviceOf(1)) ?? '')).toMatchObject({
      ...{ PORT: '80', TYPE: 'HTTP', IP: '10.0.0.1', EXT_PORT: '30001', state: 'registered' },
    });
    const [target] = loop.loop.targets;
    const its = target && recordView(target, loop.loop.endpoints, announcementKey(1));
    expect(its).toMatchObject({ state: 'foreign', owned: false, why: 'announced by the container itself' });
  });

  it('is withdrawn at once when its announcement lapses or is deleted, and comes back with it', async () => {
    const loop = start();
    await loop.listed(seen(1, announcer()));
    await putUnderLease(loop, announcementKey(1), announcement(1));
    await loop.clock.advance(1_000);
    expect(await loop.records()).toContain(serviceOf(1));
    await loop.clock.advance(17_000);
    expect(await loop.records()).toEqual([]);
    await loop.clock.advance(3_000);
    expect(view(loop)?.why).toMatch(/^its announcement at \S+ lapsed \ds ago$/);
    await loop.put(announcementKey(1), announcement(1));
    await loop.clock.advance(50);
    expect(await loop.records()).toContain(serviceOf(1));
    await loop.remove(announcementKey(1));
    await loop.clock.advance(50);
    expect(await loop.records()).toEqual([]);
  });

  it('never has a record or a ledger entry of ours at its key', async () => {
    const loop = start();
    await loop.listed(seen(1, announcer()));
    await loop.put(announcementKey(1), announcement(1));
    await loop.clock.advance(50);
    const ledger = (await loop.entries()).filter(({ key }) => key.startsWith('/portolan/owners/'));
    expect(ledger.map(({ value }) => value)).toEqual([serviceOf(1)]);
    await loop.say(ended(1));
    expect([...(await loop.content()).keys()]).toEqual([announcementKey(1)]);
  });

  it('that renews its announcement with the same words causes no write', async () => {
    const loop = start();
    await loop.listed(seen(1, announcer()));
    await loop.put(announcementKey(1), announcement(1));
    await loop.clock.advance(100);
    const before = Number(await loop.revision());
    for (let n = 0; n < 5; n += 1) {
      await loop.put(announcementKey(1), announcement(1));
      await loop.clock.advance(5_000);
    }
    expect(Number(await loop.revision()) - before).toBe(5);
  });

  it('may be announced by its whole id or by a host name that is unique here', async () => {
    const loop = start();
    await loop.listed(seen(1, announcer()), seen(2, { ...announcer(), hostname: 'web' }));
    await loop.put(announcementKey(1, containerId(1)), announcement(1));
    await loop.put(announcementKey(2, 'web'), announcement(2));
    await loop.clock.advance(50);
    expect(await loop.records()).toEqual(
      expect.arrayContaining([serviceOf(1), `/services${PATH}/web`]) as string[],
    );
    await loop.say(seen(3, { hostname: 'web' }));
    expect(await loop.records()).not.toContain(`/services${PATH}/web`);
    expect(serviceViews(loop.loop.endpoints).map(({ why }) => why)).toContain(
      `the host name web is not unique here, so the announcement may be another container's (${announcementKey(2, 'web')})`,
    );
    await loop.say(ended(3));
    expect(await loop.records()).toContain(`/services${PATH}/web`);
  });

  it('is registered with the port that it announces, and only with one of its own', async () => {
    const loop = start();
    const ports = [80, 8080].map((port) => ({
      ...{ port, protocol: 'tcp' as const },
      bindings: [{ hostIp: '0.0.0.0', hostPort: 40_000 + port }],
    }));
    await loop.listed(seen(1, { ...announcer({}), ports }));
    expect([...loop.loop.endpoints.containers()].map(({ why }) => why)).toEqual([
      `no announcement at ${announcementKey(1)} yet`,
    ]);
    await loop.put(announcementKey(1), announcement(1, { PORT: 8080 }));
    await loop.clock.advance(50);
    expect(JSON.parse((await loop.content()).get(serviceOf(1)) ?? '')).toMatchObject({
      ...{ PORT: '8080', EXT_PORT: '48080' },
    });
    await loop.put(announcementKey(1), announcement(1, { PORT: 81 }));
    await loop.clock.advance(50);
    expect(await loop.records()).not.toContain(serviceOf(1));
    expect([...loop.loop.endpoints.containers()].map(({ why }) => why)).toEqual([
      `its port 81 is not a port of this container; it has 80/tcp, 8080/tcp (${announcementKey(1)})`,
    ]);
  });

  it('changes its port without a warning about the key', async () => {
    const loop = start();
    const ports = [80, 8080].map((port) => ({
      ...{ port, protocol: 'tcp' as const },
      bindings: [{ hostIp: '0.0.0.0', hostPort: 40_000 + port }],
    }));
    await loop.listed(seen(1, { ...announcer(), ports }));
    for (const PORT of ['80', '8080']) {
      await loop.put(announcementKey(1), announcement(1, { PORT }));
      await loop.clock.advance(50);
    }
    expect(JSON.parse((await loop.content()).get(serviceOf(1)) ?? '')).toMatchObject({ EXT_PORT: '48080' });
    expect(loop.log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('drains at the stop signal, whatever becomes of its announcement', async () => {
    const loop = start();
    await loop.listed(seen(1, announcer()));
    await loop.put(announcementKey(1), announcement(1));
    await loop.clock.advance(50);
    await loop.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: 0 });
    await loop.remove(announcementKey(1));
    await loop.clock.advance(50);
    expect(JSON.parse((await loop.content()).get(serviceOf(1)) ?? '')).toMatchObject({ state: 'draining' });
    await loop.say(ended(1));
    expect(await loop.records()).toEqual([]);
  });

  it('is known by a label, in whatever way its path is told', async () => {
    const loop = start({ describe: describing('agent') });
    const labels = new Map([
      ['portolan.path', PATH],
      ['portolan.announce', 'container'],
    ]);
    await loop.listed(seen(1, { labels }), seen(2, announcer()));
    expect(await loop.records()).toEqual([announcementKey(2), serviceOf(2)]);
    await loop.put(announcementKey(1), announcement(1));
    await loop.clock.advance(50);
    expect(await loop.records()).toContain(serviceOf(1));
  });
});

describe('a restarted agent', () => {
  for (const leased of [false, true])
    it(`moves nothing of what announces itself (${leased ? 'ttl' : 'prune'})`, async () => {
      const clock = new VirtualClock();
      const stores = [new MemoryStore({ clock })];
      const layouts = announcingLayouts(leased);
      const first = start({ clock, stores, layouts });
      await first.listed(seen(1, announcer({})), seen(2, announcer({ PORT: '80', TYPE: 'TCP' })));
      for (const n of [1, 2]) await first.put(announcementKey(n), announcement(n));
      await clock.advance(100);
      const content = await first.content();
      expect(content.has(serviceOf(1)) && content.has(serviceOf(2))).toBe(true);
      await first.leave();
      const revision = Number(await first.revision());
      const second = start({ clock, stores, layouts, instance: 'i2' });
      await clock.advance(500);
      await second.listed(seen(1, announcer({})), seen(2, announcer({ PORT: '80', TYPE: 'TCP' })));
      await clock.advance(5_000);
      expect(await second.content()).toEqual(content);
      expect(Number(await second.revision()) - revision).toBeLessThanOrEqual(leased ? 2 : 1);
    });

  for (const env of [{ PORT: '80', TYPE: 'TCP' }, {}])
    it(`leaves alone what is announced where it cannot look yet (${JSON.stringify(env)})`, async () => {
      const { clock, store } = flaky();
      const stores = [new MemoryStore({ clock }), store];
      const first = start({ clock, stores });
      const ports = ('PORT' in env ? [80] : [80, 81]).map((port) => ({
        ...{ port, protocol: 'tcp' as const },
        bindings: [{ hostIp: '0.0.0.0', hostPort: 40_000 + port }],
      }));
      const its = { ...announcer(env), ports };
      await first.listed(seen(1, its));
      await first.put(announcementKey(1), announcement(1, { TYPE: 'TCP' }), 1);
      await clock.advance(100);
      expect(await first.records(0)).toEqual([serviceOf(1)]);
      const content = await first.content(0);
      await first.end();
      store.failing = () => failure('registry-unreachable');
      const second = start({ clock, stores, instance: 'i2' });
      await second.listed(seen(1, its));
      await clock.advance(120_000);
      expect(await second.content(0)).toEqual(content);
      store.failing = () => undefined;
      await clock.advance(30_000);
      expect(await second.content(0)).toEqual(content);
      await second.remove(announcementKey(1), 1);
      await clock.advance(100);
      expect(await second.records(0)).toEqual([]);
    });

  it('withdraws what lapsed meanwhile', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores });
    await first.listed(seen(1, announcer()));
    await first.put(announcementKey(1), announcement(1));
    await clock.advance(100);
    await first.end();
    await first.remove(announcementKey(1));
    const second = start({ clock, stores, instance: 'i2' });
    await second.listed(seen(1, announcer()));
    await clock.advance(5_000);
    expect(await second.records()).toEqual([]);
  });
});

describe('several registries', () => {
  it('count together: an announcement in any of them is enough', async () => {
    const clock = new VirtualClock();
    const loop = start({ clock, stores: [new MemoryStore({ clock }), new MemoryStore({ clock })] });
    await loop.listed(seen(1, announcer()));
    await loop.put(announcementKey(1), announcement(1), 1);
    await clock.advance(100);
    expect(await loop.records(0)).toEqual([serviceOf(1)]);
    await loop.put(announcementKey(1), announcement(1), 0);
    await loop.remove(announcementKey(1), 1);
    await clock.advance(100);
    expect(await loop.records(1)).toEqual([serviceOf(1)]);
  });

  it('are taken at their last word while they are out of sight', async () => {
    const { clock, memory, store } = flaky();
    const loop = start({ clock, stores: [store, new MemoryStore({ clock })] });
    await loop.listed(seen(1, announcer()));
    await loop.put(announcementKey(1), announcement(1), 0);
    await clock.advance(100);
    expect(await loop.records(1)).toEqual([serviceOf(1)]);
    store.failing = () => failure('registry-unreachable');
    await clock.advance(30_000);
    await memory
      .writer()
      .txn(
        { compares: [], then: [{ type: 'delete', key: announcementKey(1) }], otherwise: [] },
        new AbortController().signal,
      );
    await clock.advance(30_000);
    expect(await loop.records(1)).toEqual([serviceOf(1)]);
    store.failing = () => undefined;
    await clock.advance(30_000);
    expect(await loop.records(1)).toEqual([]);
  });
});

describe('a dry run', () => {
  it('plans what an announcement brings, and writes nothing', async () => {
    const loop = start({ dryRun: true });
    await loop.put(announcementKey(1), announcement(1));
    const before = await loop.revision();
    await loop.listed(seen(1, announcer()), seen(2, announcer()));
    const [target] = loop.loop.targets;
    const plan = target && targetPlan(target, 'sync', loop.clock, undefined);
    expect(plan?.lines.map(({ action, key }) => [action, key])).toEqual([['create', serviceOf(1)]]);
    expect(await loop.revision()).toBe(before);
  });
});

describe('changing who announces', () => {
  it('leaves a record of ours to the container that has made it its own', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, describe: describing('agent') });
    await first.listed(seen(1, announcer()));
    expect(await first.records()).toEqual([announcementKey(1), serviceOf(1)]);
    await first.end();
    await putUnderLease(first, announcementKey(1), announcement(1), 600);
    const second = start({ clock, stores, instance: 'i2' });
    await second.listed(seen(1, announcer()));
    await clock.advance(1_000);
    const ledger = (await second.entries()).filter(({ key }) => key.startsWith('/portolan/owners/'));
    expect(ledger.map(({ value }) => value)).toEqual([serviceOf(1)]);
    expect(await second.records()).toEqual([announcementKey(1), serviceOf(1)]);
  });

  it('at a change of the settings moves nothing of what has long announced itself', async () => {
    let by: Announcer = 'agent';
    const loop = start({ describe: describing(() => by) });
    await loop.put(announcementKey(1), announcement(1, { TYPE: 'TCP' }));
    await loop.listed(seen(1, announcer()), seen(2, announcer()));
    expect(await loop.records()).toEqual(
      [1, 2].map((n) => announcementKey(n)).concat([1, 2].map((n) => serviceOf(n))),
    );
    const before = await loop.content();
    const revisionOf = async (wanted: string) =>
      (await loop.entries()).find(({ key }) => key === wanted)?.modRevision;
    const revision = await revisionOf(serviceOf(1));
    by = 'container';
    loop.loop.settingsChanged(OWNER);
    await loop.clock.advance(5_000);
    const kept = [announcementKey(1), serviceOf(1)];
    expect(await loop.records()).toEqual(kept);
    expect(await revisionOf(serviceOf(1))).toBe(revision);
    by = 'agent';
    loop.loop.settingsChanged(OWNER);
    await loop.clock.advance(5_000);
    expect(await loop.content()).toEqual(before);
  });

  it('withdraws our own, which is no word of the container', async () => {
    const clock = new VirtualClock();
    const stores = [new MemoryStore({ clock })];
    const first = start({ clock, stores, describe: describing('agent') });
    await first.listed(seen(1, announcer()));
    await first.end();
    const second = start({ clock, stores, instance: 'i2' });
    await second.listed(seen(1, announcer()));
    await clock.advance(5_000);
    expect(await second.records()).toEqual([]);
    expect(container(1).id).toBe(containerId(1));
  });
});
