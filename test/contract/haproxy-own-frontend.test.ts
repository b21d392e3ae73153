import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { RouteTable } from '../../src/core/route-table.ts';
import type { Haproxy } from '../../src/proxy/haproxy/haproxy.ts';
import { HAPROXY_VERSIONS, HaproxyLab, haproxyProgram } from '../kit/haproxy.ts';
import { settleRoutes } from '../kit/haproxy-route.ts';
import { repository } from '../kit/paths.ts';
import { routeRecord } from '../kit/route-records.ts';
import { get, WebServer } from '../kit/web-server.ts';

/** `manifests/haproxy.cfg` as a user has it, with the paths of a lab. */
describe.each(HAPROXY_VERSIONS)("a user's own front end in HAProxy %s", (version) => {
  let lab: HaproxyLab;
  let web: WebServer;
  afterEach(async () => {
    await lab.close();
    await web.stop();
  });

  const open = async (): Promise<{ readonly own: string; readonly proxy: Haproxy }> => {
    web = await WebServer.start('served');
    lab = await HaproxyLab.create(version, { frontend: undefined });
    const proxy = lab.adapter();
    const own = `${lab.folder}/haproxy.cfg`;
    const text = readFileSync(`${repository}manifests/haproxy.cfg`, 'utf8')
      .replaceAll('/etc/haproxy/portolan', lab.folder)
      .replace('/run/haproxy/admin.sock mode 660 group haproxy', lab.settings.socket)
      .replace('bind *:80', `bind 127.0.0.1:${String(lab.port)}`);
    await writeFile(own, text);
    expect(await proxy.writer?.prepare()).toMatchObject({ ok: true });
    await lab.start(own);
    return { own, proxy };
  };
  const tableOf = (...records: readonly ReturnType<typeof routeRecord>[]): RouteTable => {
    const table = new RouteTable(30_000);
    table.list({ records, alive: () => true }, 0);
    return table;
  };
  const at = (path: string, over = {}) =>
    routeRecord(path, 's', { ip: '127.0.0.1', port: web.port, ...over });
  const answers = async (...hosts: readonly string[]): Promise<readonly string[]> =>
    await Promise.all(hosts.map(async (host) => (await get(lab.port, host)).body));

  it('takes up the backends of Portolan by its maps, without a reload, and keeps what is its own', async () => {
    const { proxy } = await open();
    await settleRoutes(
      proxy,
      tableOf(at('/a/web', { name: 'Shop.example', settings: { aliases: ['*.b.example'] } })),
    );
    expect(proxy.counters.reloads).toBe(0);
    expect(await answers('shop.EXAMPLE', 'x.b.example', 'other.example')).toEqual([
      'served',
      'served',
      'This is your own.',
    ]);
    expect((await get(lab.port, 'shop.example', { path: '/own/x' })).body).toBe('This is your own.');
    await settleRoutes(proxy, tableOf());
    expect(await answers('shop.example')).toEqual(['This is your own.']);
    expect(proxy.counters.reloads).toBe(0);
  });

  it('is reloaded and checked with the files of Portolan, alone or together with its own', async () => {
    const { own } = await open();
    const program = haproxyProgram(version);
    const checks = [[program, '-c', '-f'], [program, '-c', '-f', own, '-f'], []];
    const balances = ['leastconn', 'random', 'first'] as const;
    for (const [n, check] of checks.entries()) {
      const proxy = lab.adapter({ settings: { check } });
      const balance = balances[n];
      await settleRoutes(proxy, tableOf(at('/a/web', { name: 'shop.example', settings: { balance } })));
      expect(proxy.counters.reloads).toBe(1);
      expect(await answers('shop.example', 'other.example')).toEqual(['served', 'This is your own.']);
    }
  });
});
