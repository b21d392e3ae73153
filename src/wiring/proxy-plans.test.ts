import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { good } from '../../test/kit/config.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { silentLog } from '../../test/kit/haproxy.ts';
import { RouteRegistry } from '../../test/kit/route-lab.ts';
import type { PlanLine, ProxyPlanView, TargetPlan } from '../core/status.ts';
import { followDry } from './dry-routes.ts';
import { ProxyStatus } from './proxy-status.ts';

const never = new AbortController().signal;

/** A dry run over a registry in memory, for a managed HAProxy that does not run. */
describe('the plan of a proxy', () => {
  let folder: string;
  let stop: AbortController;
  let running: Promise<void>;
  let registry: RouteRegistry;
  let status: ProxyStatus;
  let kind: 'memory' | 'etcd';
  const clock = new VirtualClock();

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-plans-'));
    stop = new AbortController();
    registry = new RouteRegistry(clock);
    status = new ProxyStatus(clock);
    running = Promise.resolve();
    kind = 'etcd';
  });
  afterEach(async () => {
    stop.abort();
    await running;
    await rm(folder, { recursive: true, force: true });
  });

  const follow = async (): Promise<void> => {
    const yaml = `stateDir: ${folder}\nproxies: [{ name: edge, managed: true, bind: ["*:8080"] }]`;
    const io = { clock, random: () => 0, log: silentLog };
    const registries = [{ name: 'r', kind, store: registry.store.reader, desk: undefined }];
    running = followDry({ config: good({ yaml }).config, registries, io }, status, stop.signal);
    await eventually(() => status.heard);
  };
  const plan = async (
    lines: readonly PlanLine[],
    failure?: TargetPlan['failure'],
  ): Promise<ProxyPlanView> => {
    const ahead = { targets: [{ target: 'r', failure, lines }], owners: new Set(['me']) };
    const [first] = await status.plans(ahead, never);
    if (first === undefined) throw new Error('no proxy');
    return first;
  };
  const diffOf = ({ files }: ProxyPlanView, part: string): string =>
    files.find(({ name }) => name.includes(part))?.diff ?? '';
  const record = (id: string, owner: string): string =>
    JSON.stringify({
      ...{ ID: id, SERVICE: 'web', PORT: 80, TYPE: 'HTTP', IP: '10.0.0.7', EXT_PORT: 80, owner },
    });
  const line = (action: PlanLine['action'], key: string, after?: string): PlanLine => ({
    ...{ action, key, before: undefined, after, reason: 'x' },
  });

  it('is what it would be started with, when nothing runs; and nothing is written', async () => {
    await registry.host('one');
    await registry.put('/a/web', 'first');
    await follow();
    const view = await plan([]);
    expect(view).toMatchObject({ proxy: 'edge', failure: undefined, commands: [] });
    expect(view.reload).toBe('it does not run yet; it would be started');
    expect(diffOf(view, 'hosts.map')).toBe(
      '--- /dev/null\n+++ maps/hosts.map\n@@ -0,0 +1,1 @@\n+web.a pool-000\n',
    );
    expect(diffOf(view, 'frontend')).toContain('+  bind *:8080\n');
    expect(await readdir(folder)).toEqual([]);
  });

  it('takes into account what this host would announce, change and withdraw', async () => {
    for (const host of ['one', 'me']) await registry.host(host);
    await registry.put('/a/web', 'theirs', { weight: 5 });
    await registry.put('/a/web', 'mine', { owner: 'me' });
    await registry.put('/b/web', 'mine', { owner: 'me' });
    await follow();
    const backend = diffOf(
      await plan([
        line('delete', '/services/b/web/mine'),
        line('create', '/services/a/web/more', record('more', 'me')),
        line('update', '/services/a/web/mine', record('mine', 'me')),
        line('leave', '/services/a/web/theirs'),
        line('create', '/announce/c/web/x', record('x', 'me')),
        line('create', '/services/d/web/x', 'not a record'),
      ]),
      '20-',
    );
    expect(backend.split('\n').filter((text) => text.startsWith('+  server'))).toEqual([
      '+  server mine 10.0.0.7:80 weight 100 check inter 2000ms fall 2 rise 1',
      '+  server more 10.0.0.7:80 weight 100 check inter 2000ms fall 2 rise 1',
      '+  server theirs 127.0.0.1:80 weight 5 check inter 2000ms fall 2 rise 1',
    ]);
    expect(diffOf(await plan([line('delete', '/services/b/web/mine')]), 'hosts.map')).toContain(
      '@@ -0,0 +1,1 @@',
    );
  });

  it('keeps the last server of a lost host, whose records others remove', async () => {
    await registry.put('/a/web', 'theirs', { owner: 'gone' });
    await follow();
    expect(diffOf(await plan([line('delete', '/services/a/web/theirs')]), 'hosts.map')).toContain('+web.a');
  });

  it('cannot be told before the registry has been read, and with an embedded one before the engines have', async () => {
    const away = new RouteRegistry(clock);
    const reader = away.store.reader;
    registry = Object.assign(away, {
      store: {
        reader: {
          ...{
            get: reader.get.bind(reader),
            watch: reader.watch.bind(reader),
            close: reader.close.bind(reader),
          },
          list: () =>
            Promise.resolve({
              ok: false,
              failure: { kind: 'transient', code: 'registry-unreachable', message: 'away' },
            }),
        },
      },
    });
    await follow();
    expect(await plan([])).toMatchObject({ failure: { code: 'registry-unreachable' }, files: [] });
    stop.abort();
    await running;

    stop = new AbortController();
    kind = 'memory';
    registry = new RouteRegistry(clock);
    await follow();
    const failure = { kind: 'transient', code: 'docker-unreachable', message: 'away' } as const;
    expect(await plan([], failure)).toMatchObject({ failure, files: [] });
    expect(await plan([])).toMatchObject({ failure: undefined });
  });
});
