import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runs } from '../../test/kit/fuzz.ts';
import { anyRouteChange, anyRouteRecord, routeRecord } from '../../test/kit/route-records.ts';
import type { RouteRecord } from './route-record.ts';
import type { RouteService } from './route-service.ts';
import { RouteTable } from './route-table.ts';

const GRACE = 30_000;
const alive = (): boolean => true;

function tableOf(records: Iterable<RouteRecord>): RouteTable {
  const table = new RouteTable(GRACE);
  table.list({ records, alive }, 0);
  return table;
}

function all(table: RouteTable): Record<string, RouteService | undefined> {
  return Object.fromEntries([...table.paths()].sort().map((path) => [path, table.service(path)]));
}

const put = (record: RouteRecord) => ({ type: 'put', record }) as const;
const gone = (key: string, how: 'withdrawn' | 'lost') => ({ type: 'gone', key, how }) as const;
const modes = (table: RouteTable, path: string) =>
  Object.fromEntries((table.service(path)?.servers ?? []).map(({ id, mode, why }) => [id, `${mode} ${why}`]));

describe('services made of records', () => {
  it('joins the containers of one path, wherever they run', () => {
    const table = tableOf([
      routeRecord('/a/web', 'two', { ip: '10.0.0.2', owner: 'host-2', since: '2' }),
      routeRecord('/a/web', 'one', { weight: 5, since: '1' }),
    ]);
    expect(table.service('/a/web')).toEqual({
      path: '/a/web',
      hosts: ['web.a'],
      settings: {},
      notes: [],
      servers: [
        {
          id: 'one',
          key: '/services/a/web/one',
          owner: 'host-1',
          ip: '10.0.0.1',
          port: 8080,
          weight: 5,
          mode: 'ready',
          why: 'registered',
        },
        {
          id: 'two',
          key: '/services/a/web/two',
          owner: 'host-2',
          ip: '10.0.0.2',
          port: 8080,
          weight: 100,
          mode: 'ready',
          why: 'registered',
        },
      ],
    });
  });

  it('answers under the name of the record and its aliases, in one spelling', () => {
    const table = tableOf([
      routeRecord('/i/a/d/web/Ghost.Example', 'one', {
        name: 'Ghost.Example',
        settings: { aliases: ['WWW.ghost.example.', '*.ghost.example', 'bad host'] },
      }),
    ]);
    expect(table.service('/i/a/d/web/Ghost.Example')).toMatchObject({
      hosts: ['ghost.example', 'www.ghost.example', '*.ghost.example'],
      notes: ['the alias bad host is not a host name'],
    });
  });

  it('is reachable by its path backwards when it has no name', () => {
    expect(
      tableOf([routeRecord('/internal/app1/dev/web', 'one')]).service('/internal/app1/dev/web')?.hosts,
    ).toEqual(['web.dev.app1.internal']);
    const nowhere = tableOf([routeRecord('/a@b/web', 'one')]).service('/a@b/web');
    expect(nowhere?.hosts).toEqual([]);
    expect(nowhere?.notes).toHaveLength(1);
  });

  it('leaves out what is not HTTP', () => {
    expect([...tableOf([routeRecord('/a/db', 'one', { type: 'TCP' })]).paths()]).toEqual([]);
  });

  it('lets the oldest claim have a disputed host name, and says so', () => {
    const name = 'shop.example';
    const table = tableOf([
      routeRecord('/a/web', 'one', { name, since: '10' }),
      routeRecord('/b/web', 'one', { name, since: '9' }),
    ]);
    expect(table.service('/b/web')).toMatchObject({ hosts: [name], notes: [] });
    expect(table.service('/a/web')).toMatchObject({
      hosts: [],
      notes: ['shop.example belongs to /b/web, which claimed it earlier'],
    });
    table.takeDirty();
    table.change([gone('/services/b/web/one', 'withdrawn')], 0);
    expect(table.takeDirty().toSorted()).toEqual(['/a/web', '/b/web']);
    expect(table.service('/a/web')).toMatchObject({ hosts: [name], notes: [] });
  });

  it('lets the oldest replica decide about settings, and says so', () => {
    const table = tableOf([
      routeRecord('/a/web', 'one', { settings: { balance: 'leastconn' }, since: '2' }),
      routeRecord('/a/web', 'two', { since: '10' }),
    ]);
    expect(table.service('/a/web')).toMatchObject({ settings: { balance: 'leastconn' } });
    expect(table.service('/a/web')?.notes).toHaveLength(1);
  });
});

describe('membership', () => {
  const one = routeRecord('/a/web', 'one');
  const two = routeRecord('/a/web', 'two', { owner: 'host-2' });

  it('drains a server that is told to stop, and holds the last one', () => {
    const table = tableOf([one, two]);
    table.change([put({ ...one, state: 'draining' })], 0);
    expect(modes(table, '/a/web')).toEqual({ one: 'drain draining', two: 'ready registered' });
    table.change([put({ ...two, state: 'draining' })], 0);
    expect(modes(table, '/a/web')).toEqual({ one: 'ready held', two: 'ready held' });
    table.change([put(routeRecord('/a/web', 'three'))], 0);
    expect(modes(table, '/a/web')).toEqual({
      one: 'drain draining',
      three: 'ready registered',
      two: 'drain draining',
    });
  });

  it('removes a withdrawn server at once, also the last one', () => {
    const table = tableOf([one]);
    table.change([gone(one.key, 'withdrawn')], 0);
    expect([...table.paths()]).toEqual([]);
  });

  it('keeps the servers of a lost host for the grace, and longer while nothing else serves', () => {
    const table = tableOf([one, two]);
    table.change([gone(two.key, 'lost')], 1000);
    expect(modes(table, '/a/web')).toEqual({ one: 'ready registered', two: 'ready lost' });
    expect(table.tick(1000)).toBe(1000 + GRACE);
    expect(table.tick(1000 + GRACE)).toBeUndefined();
    expect(modes(table, '/a/web')).toEqual({ one: 'ready registered' });

    table.change([gone(one.key, 'lost')], 50_000);
    table.tick(50_000 + 10 * GRACE);
    expect(modes(table, '/a/web')).toEqual({ one: 'ready held' });
    table.change([put(routeRecord('/a/web', 'three'))], 50_000 + 10 * GRACE);
    expect(modes(table, '/a/web')).toEqual({ three: 'ready registered' });
  });

  it('forgets what a host did not bring back when it returned', () => {
    const table = tableOf([one]);
    table.change([gone(one.key, 'lost')], 0);
    table.returned('host-2', 5000);
    expect(modes(table, '/a/web')).toEqual({ one: 'ready held' });
    table.returned('host-1', 5000);
    expect([...table.paths()]).toEqual([]);
  });

  it('tells lost from withdrawn by the heartbeat when a list misses a record', () => {
    const table = tableOf([one, two, routeRecord('/a/web', 'x', { owner: undefined })]);
    table.list({ records: [], alive: (owner) => owner === 'host-1' }, 0);
    expect(modes(table, '/a/web')).toEqual({ two: 'ready held' });
  });
});

describe('whatever the order', () => {
  it('makes the same of the same records', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyRouteRecord, { selector: ({ key }) => key, maxLength: 9 }), (records) => {
        expect(all(tableOf(records.toReversed()))).toEqual(all(tableOf(records)));
      }),
      runs(300),
    );
  });

  it('comes one by one to what it makes of all at once, and tells every path that changed', () => {
    fc.assert(
      fc.property(fc.array(anyRouteChange, { maxLength: 40 }), (changes) => {
        const table = new RouteTable(GRACE);
        const records = new Map<string, RouteRecord>();
        const seen = new Map<string, RouteService>();
        for (const change of changes) {
          if (change.type === 'put') records.set(change.record.key, change.record);
          else records.delete(change.key);
          table.change([change], 0);
          for (const path of table.takeDirty()) {
            const service = table.service(path);
            if (service === undefined) seen.delete(path);
            else seen.set(path, service);
          }
        }
        const atOnce = all(tableOf(records.values()));
        expect(all(table)).toEqual(atOnce);
        expect(Object.fromEntries(seen)).toEqual(atOnce);
      }),
      runs(300),
    );
  });

  it('never gives one host name to two services', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyRouteRecord, { selector: ({ key }) => key }), (records) => {
        const hosts = Object.values(all(tableOf(records))).flatMap((service) => service?.hosts ?? []);
        expect(new Set(hosts).size).toBe(hosts.length);
      }),
      runs(200),
    );
  });
});
