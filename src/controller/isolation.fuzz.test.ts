import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { container } from '../../test/kit/containers.ts';
import { checkPrototypes, runs } from '../../test/kit/fuzz.ts';
import { hostileContainer, type Victim } from '../../test/kit/hostile-containers.ts';
import type { Container } from '../core/container.ts';
import { describe as describeContainer } from '../core/desired.ts';
import type { DesiredRecord } from '../core/record.ts';
import { announceDialect } from '../dialect/announce.ts';
import { portolanDialect } from '../dialect/portolan.ts';
import { publishedDialect } from '../dialect/published.ts';
import { announceLayout } from '../layout/announce.ts';
import { hostsLayout } from '../layout/hosts.ts';
import { servicesLayout } from '../layout/services.ts';
import { Endpoints } from './endpoints.ts';

const addresses = { ipv4: '10.0.0.5', ipv6: 'fd00::5', origin: 'literal' };

function endpointsOf(onCollision: () => void = () => undefined): Endpoints {
  return new Endpoints({
    describe: (of, find) =>
      describeContainer(of, {
        host: addresses,
        defaults: { address: 'host', network: undefined, family: 'both' },
        oneOff: true,
        dialects: [portolanDialect, announceDialect, publishedDialect],
        disabledDialects: [],
        find,
      }),
    layouts: [announceLayout, servicesLayout, hostsLayout].map((layout, index) =>
      layout({ prefix: ['/announce', '/services', '/hosts'][index] ?? '', leased: false }),
    ),
    owner: { owner: 'o', hostName: 'h', addresses, version: '1' },
    drainMs: 30_000,
    clock: new VirtualClock(1000),
    onDirty: () => undefined,
    onCollision,
  });
}

const AUDIENCES = ['local', 'shared'] as const;

/** What is to stand in the registries. */
function recordsOf(endpoints: Endpoints): ReadonlyMap<string, DesiredRecord | undefined> {
  return new Map(
    AUDIENCES.flatMap((audience) =>
      endpoints
        .desiredKeys(audience)
        .map((key) => [`${audience} ${key}`, endpoints.claims.desired(key, audience)] as const),
    ),
  );
}

const see = (endpoints: Endpoints, of: Container): void => {
  endpoints.take({ type: 'seen', container: of, at: 1000 });
};

/** Each says what it offers in another way. */
const GOOD = [
  container(1),
  container(2, { labels: new Map([['portolan.path', '/shop/web']]) }),
  container(3, { env: new Map([['ANNOUNCE_PATH', '/internal/app/dev/api']]) }),
];
const VICTIMS: readonly Victim[] = GOOD.map(({ id, hostname, name }, index) => ({
  id,
  hostname,
  path: ['/c1', '/shop/web', '/internal/app/dev/api'][index] ?? name,
}));

describe('Isolation', () => {
  it('one hostile container changes no record of another, while it is there and after it', () => {
    const alone = endpointsOf();
    for (const good of GOOD) see(alone, good);
    const expected = recordsOf(alone);
    assert.ok(expected.size >= 2 * 2 * GOOD.length);
    let claimed = 0;
    let disputed = 0;
    fc.assert(
      fc.property(hostileContainer(9, VICTIMS), fc.nat(GOOD.length), (hostile, place) => {
        const endpoints = endpointsOf(() => {
          disputed += 1;
        });
        for (const of of [...GOOD.slice(0, place), hostile, ...GOOD.slice(place)]) see(endpoints, of);
        const found = recordsOf(endpoints);
        for (const [key, record] of expected) assert.deepEqual(found.get(key), record, key);
        for (const [key, record] of found)
          if (!expected.has(key)) assert.ok(record?.group.startsWith(hostile.id), key);
        claimed += found.size - expected.size;

        endpoints.take({ type: 'ended', id: hostile.id, how: 'died', explained: true, at: 2000 });
        assert.deepEqual(recordsOf(endpoints), expected);
        checkPrototypes();
      }),
      runs(500),
    );
    assert.ok(claimed > 0, 'no hostile container offered anything');
    assert.ok(disputed > 0, 'none asked for what another has');
  });
});
