import fc from 'fast-check';
import type { RouteRecord } from '../../src/core/route-record.ts';
import type { RouteChange } from '../../src/core/route-table.ts';

/** A record of server `id` of a service; `since`: the revision at which it was created. */
export function routeRecord(path: string, id: string, over: Partial<RouteRecord> = {}): RouteRecord {
  return {
    key: `/services${path}/${id}`,
    path,
    id,
    owner: 'host-1',
    type: 'HTTP',
    name: undefined,
    ip: '10.0.0.1',
    port: 8080,
    weight: undefined,
    state: 'registered',
    settings: {},
    since: '1',
    ...over,
  };
}

const NAMES = ['a.example', 'b.example', 'A.example.', '*.example', 'not a host', '10.0.0.1'];

/** Records that often meet: few paths, few servers, few names, and what is disputed has different ages. */
export const anyRouteRecord: fc.Arbitrary<RouteRecord> = fc
  .record({
    path: fc.constantFrom('/a/web', '/b/web', '/c/api'),
    id: fc.constantFrom('one', 'two', 'three'),
    owner: fc.constantFrom('host-1', 'host-2', undefined),
    type: fc.constantFrom('HTTP', 'HTTP', 'HTTP', 'TCP'),
    name: fc.constantFrom(undefined, ...NAMES),
    port: fc.integer({ min: 1, max: 3 }),
    weight: fc.constantFrom(undefined, 0, 5, 256),
    state: fc.constantFrom('registered', 'registered', 'draining', 'dormant'),
    settings: fc.constantFrom({}, { aliases: ['b.example'] }, { balance: 'leastconn' }, { retry: true }),
    since: fc.integer({ min: 1, max: 12 }).map(String),
  } as const)
  .map(({ path, id, ...over }) => routeRecord(path, id, over));

export const anyRouteChange: fc.Arbitrary<RouteChange> = fc.oneof(
  { weight: 3, arbitrary: anyRouteRecord.map((record) => ({ type: 'put', record }) as const) },
  {
    weight: 1,
    arbitrary: anyRouteRecord.map(({ key }) => ({ type: 'gone', key, how: 'withdrawn' }) as const),
  },
);
