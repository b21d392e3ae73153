import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ProxyOutcome, ProxyPlan } from '../../src/core/proxy.ts';
import type { RouteRecord } from '../../src/core/route-record.ts';
import { RouteTable } from '../../src/core/route-table.ts';
import { eventually } from '../kit/eventually.ts';
import { routeRecord } from '../kit/route-records.ts';
import { get, WebServer } from '../kit/web-server.ts';
import type { ProxyLab } from './proxy-lab.ts';

const signal = new AbortController().signal;

/** What every proxy has to do with the same services, whatever it is. */
export function proxyContract(name: string, open: () => Promise<ProxyLab>): void {
  describe(name, () => {
    let lab: ProxyLab;
    let table: RouteTable;
    const servers: WebServer[] = [];

    beforeEach(async () => {
      lab = await open();
      table = new RouteTable(30_000);
    });
    afterEach(async () => {
      await lab.close();
      await Promise.all(servers.splice(0).map((server) => server.stop()));
    });

    const server = async (id: string, delayMs = 0, gate?: Promise<void>): Promise<WebServer> => {
      const started = await WebServer.start(id, delayMs, gate);
      servers.push(started);
      return started;
    };
    const at = (
      path: string,
      { name: id, port }: Pick<WebServer, 'name' | 'port'>,
      over: Partial<RouteRecord> = {},
    ): RouteRecord => routeRecord(path, id, { ip: '127.0.0.1', port, ...over });
    const put = (...records: readonly RouteRecord[]): void => {
      table.change(
        records.map((record) => ({ type: 'put', record })),
        0,
      );
    };
    const withdraw = (...records: readonly RouteRecord[]): void => {
      table.change(
        records.map(({ key }) => ({ type: 'gone', key, how: 'withdrawn' })),
        0,
      );
    };
    /** One pass over what changed, as the loop makes it. */
    const pass = (): Promise<ProxyOutcome> =>
      lab.proxy.writer!.apply(lab.proxy.plan(table, table.takeDirty()), signal);
    const passAll = (): Promise<ProxyOutcome> =>
      lab.proxy.writer!.apply(lab.proxy.plan(table, undefined), signal);
    const look = async (): Promise<ProxyPlan> => {
      expect(await lab.proxy.observe(signal)).toEqual({ ok: true, value: undefined });
      return lab.proxy.plan(table, undefined);
    };
    const begin = async (): Promise<void> => {
      expect(await lab.proxy.writer!.prepare()).toEqual({ ok: true, value: undefined });
      await lab.start();
      await look();
      await passAll();
      table.takeDirty();
      expect((await look()).lines).toEqual([]);
    };
    const body = async (host: string): Promise<string> => {
      const reply = await get(lab.port, host);
      return reply.status === 200 ? reply.body : String(reply.status);
    };

    it('serves by host name, joins replicas, and needs no reload for any of it', async () => {
      await begin();
      const before = await lab.proxy.probe(signal);
      const [one, two] = [await server('one'), await server('two')];
      put(
        at('/i/a/d/web/shop.example', one, {
          name: 'Shop.Example',
          settings: { aliases: ['*.shop.example'] },
        }),
        at('/i/a/d/web/shop.example', two, { name: 'Shop.Example', since: '2' }),
        at('/a/plain', one),
      );
      expect((await pass()).paths).toEqual(new Map());
      expect(new Set([await body('shop.example'), await body('SHOP.example:80')])).toEqual(
        new Set(['one', 'two']),
      );
      expect(new Set([await body('a.b.shop.example'), await body('x.shop.example')])).toEqual(
        new Set(['one', 'two']),
      );
      expect(await body('plain.a')).toBe('one');
      expect(await body('other.example')).toBe('404');
      expect(lab.proxy.running?.version).toMatch(/^\d/);
      expect((await look()).lines).toEqual([]);
      expect(await lab.proxy.probe(signal)).toEqual(before);
    });

    it('takes a draining server out of rotation, and a withdrawn one away; open requests finish', async () => {
      await begin();
      const [one, two] = [await server('one', 300), await server('two')];
      put(at('/a/web', one), at('/a/web', two, { weight: 0 }));
      await pass();
      const open = body('web.a');
      while (one.requests === 0) await new Promise(setImmediate);
      put(at('/a/web', two, { weight: 7 }), at('/a/web', one, { state: 'draining' }));
      await pass();
      expect([await body('web.a'), await body('web.a')]).toEqual(['two', 'two']);
      withdraw(at('/a/web', one));
      await pass();
      expect(await open).toBe('one');
      expect(one.requests).toBe(1);
    });

    it('counts the sessions of a server, also those that were open before a reload', async () => {
      await begin();
      let release = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const [one, two] = [await server('one', 0, gate), await server('two')];
      put(at('/a/web', one), at('/a/web', two, { weight: 0 }));
      await pass();
      const sessions = async (): Promise<Readonly<Record<string, number | undefined>>> => {
        const read = await lab.proxy.servers(signal);
        return Object.fromEntries(read.ok ? read.value.map((view) => [view.server, view.sessions]) : []);
      };
      const open = body('web.a');
      while (one.requests === 0) await new Promise(setImmediate);
      // Who answers for processes that are leaving may not be up yet.
      await eventually(async () => {
        expect(await sessions()).toEqual({ one: 1, two: 0 });
      });
      const before = await lab.proxy.probe(signal);
      lab.reload();
      await eventually(async () => {
        expect(await lab.proxy.probe(signal)).not.toEqual(before);
        // In the middle of a reload nobody may know.
        expect(await sessions()).toEqual({ one: 1, two: 0 });
      });
      release();
      expect(await open).toBe('one');
      await eventually(async () => {
        expect(await sessions()).toEqual({ one: 0, two: 0 });
      });
    });

    it('moves to another address, and changes weights', async () => {
      await begin();
      const [one, two] = [await server('one'), await server('two')];
      put(at('/a/web', one, { weight: 3 }));
      await pass();
      put({ ...at('/a/web', one, { weight: 9 }), port: two.port });
      expect((await pass()).paths).toEqual(new Map());
      expect(await body('web.a')).toBe('two');
      expect((await look()).lines).toEqual([]);
    });

    it('starts again from the same state, and takes up what it runs', async () => {
      await begin();
      const [one, two] = [await server('one'), await server('two')];
      put(
        at('/a/web', one),
        at('/a/web', two, { state: 'draining' }),
        at('/b/web', two, { name: 'b.example', settings: { aliases: ['*.b.example'] } }),
      );
      await pass();
      const files = await lab.files();
      await lab.restart();
      expect(await body('b.example')).toBe('two');
      expect([await body('web.a'), await body('web.a')]).toEqual(['one', 'one']);
      // Another process of ours finds what runs and changes no more than what a file cannot say.
      lab.renew();
      await look();
      await passAll();
      expect((await look()).lines).toEqual([]);
      expect(await lab.files()).toEqual(files);
    });

    it('lets what was freed rest also when another process of ours takes over', async () => {
      await begin();
      const one = await server('one');
      const backends = async (): Promise<readonly string[]> => {
        const read = await lab.proxy.servers(signal);
        return read.ok ? read.value.map(({ backend }) => backend) : [];
      };
      put(at('/a/web', one));
      await pass();
      expect(await body('web.a')).toBe('one');
      const [freed] = await backends();
      withdraw(at('/a/web', one));
      await pass();
      lab.renew();
      await look();
      await passAll();
      put(at('/b/web', one), at('/c/web', one));
      await pass();
      expect([await body('web.b'), await body('web.c')]).toEqual(['one', 'one']);
      expect(await backends()).not.toContain(freed);
    });

    it('repairs what somebody else changed', async () => {
      await begin();
      const one = await server('one');
      put(at('/a/web', one), at('/b/web', one, { name: 'b.example' }));
      await pass();
      for (const spoil of lab.spoilers) {
        await spoil();
        expect((await look()).lines).not.toEqual([]);
        await passAll();
        expect((await look()).lines).toEqual([]);
        expect([await body('web.a'), await body('b.example')]).toEqual(['one', 'one']);
      }
    });

    it('reloads once for settings that cannot be had at run time', async () => {
      await begin();
      const one = await server('one');
      put(
        at('/a/web', one, { settings: { balance: 'leastconn', timeoutMs: 2000, check: '/', retry: true } }),
      );
      const plan = lab.proxy.plan(table, table.takeDirty());
      expect(plan.reload).toContain('/a/web');
      const outcome = await lab.proxy.writer!.apply(plan, signal);
      expect(outcome.rest).toMatchObject({ type: 'recheck' });
      await look();
      await passAll();
      expect(lab.proxy.counters.reloads).toBe(1);
      expect(await body('web.a')).toBe('one');
      expect((await look()).lines).toEqual([]);
    });

    it('shows what it would do, and does nothing, when it has no writer', async () => {
      await begin();
      put(at('/a/web', await server('one')));
      const files = await lab.files();
      const dry = lab.dry();
      expect(dry.writer).toBeUndefined();
      await dry.observe(signal);
      const plan = dry.plan(table, undefined);
      expect(plan.lines.map(({ action }) => action)).toContain('create');
      expect(plan.lines).toEqual(expect.arrayContaining([...plan.files]));
      // What it would do is what it does: nothing is left of the plan then.
      expect(plan.commands.length).toBeGreaterThan(0);
      expect(plan.files.length).toBeGreaterThan(0);
      expect(await body('web.a')).toBe('404');
      expect(await lab.files()).toEqual(files);
    });

    it('writes the same bytes for the same services, in any order', async () => {
      await begin();
      const one = await server('one');
      const records = [at('/a/web', one), at('/a/web', { name: 'two', port: one.port }), at('/b/x', one)];
      put(...records);
      await pass();
      const files = await lab.files();
      lab.renew();
      table = new RouteTable(30_000);
      put(...records.toReversed());
      await look();
      await passAll();
      expect(await lab.files()).toEqual(files);
    });

    it('serves many services, and reads them all', async () => {
      await begin();
      const one = await server('one');
      put(...Array.from({ length: 18 }, (_, n) => at(`/s/w${String(n)}`, one)));
      await pass();
      expect(await body('w17.s')).toBe('one');
      withdraw(...Array.from({ length: 18 }, (_, n) => at(`/s/w${String(n)}`, one)));
      await pass();
      expect(await body('w17.s')).toBe('404');
      expect((await look()).lines).toEqual([]);
      expect(await lab.proxy.servers(signal)).toEqual({ ok: true, value: [] });
    });
  });
}
