import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { Endpoint, LifecycleState, Phase } from '../core/endpoint.ts';
import type { OwnerFacts } from '../core/layout.ts';
import { announceLayout } from './announce.ts';
import { hostsLayout } from './hosts.ts';
import { decodeServices, servicesLayout } from './services.ts';

const phase = (state: LifecycleState, over: Partial<Phase> = {}): Phase => ({
  state,
  cause: undefined,
  since: 1,
  until: undefined,
  startedAt: 's',
  offered: true,
  ...over,
});
const owner: OwnerFacts = {
  owner: 'host-1',
  hostName: 'fury',
  addresses: { ipv4: '10.0.1.17', ipv6: undefined, origin: 'literal' },
  version: '0.1.0',
};
const endpoint = (path: string, over: Partial<Endpoint['service']> = {}): Endpoint => ({
  id: 'x',
  containerId: container(1).id,
  containerName: 'c1',
  container: container(1),
  service: {
    dialect: 'announce',
    path: path.split('/').slice(1),
    port: 80,
    protocol: 'tcp',
    type: 'HTTP',
    tags: [],
    weight: undefined,
    address: undefined,
    network: undefined,
    family: undefined,
    ...over,
  },
  ip: '10.0.1.17',
  port: 49153,
  scope: 'routable',
  first: true,
  keyId: '0ce60d000eac',
  createdAt: 1,
});
const announce = announceLayout({ prefix: '/announce', leased: false });
const services = servicesLayout({ prefix: '/services', leased: false });
const hosts = hostsLayout({ prefix: '/hosts', leased: true });
const GHOST = '/internal/app1/dev/web/ghost.example';

describe('the announce layout', () => {
  it('writes the documents of the original, field by field', () => {
    expect(announce.encode(endpoint(GHOST), phase('announced'), owner)).toEqual({
      key: '/announce/internal/app1/dev/web/ghost.example/0ce60d000eac',
      value:
        '{"ID":"0ce60d000eac","APP":"app1","ENV":"dev","SERVICE":"web","NAME":"ghost.example","PORT":"80","TYPE":"HTTP"}',
    });
  });

  it('leaves out the parts that a short path does not have', () => {
    expect(announce.encode(endpoint('/web'), phase('registered'), owner)?.value).toBe(
      '{"ID":"0ce60d000eac","SERVICE":"web","PORT":"80","TYPE":"HTTP"}',
    );
    expect(announce.encode(endpoint('/a/web'), phase('registered'), owner)?.value).toContain(
      '"APP":"a","SERVICE":"web"',
    );
  });

  it('shows every phase but the last, with the same bytes', () => {
    const states = ['announced', 'registered', 'draining', 'dormant'] as const;
    expect(
      new Set(states.map((state) => announce.encode(endpoint(GHOST), phase(state), owner)?.value)).size,
    ).toBe(1);
    expect(announce.encode(endpoint(GHOST), phase('expired'), owner)).toBeUndefined();
    expect(announce.encodeHost(owner)).toBeUndefined();
  });
});

describe('the services layout', () => {
  it('adds address, owner, state, tags and weight', () => {
    expect(
      services.encode(endpoint(GHOST, { tags: ['a', 'b'], weight: 0 }), phase('registered'), owner),
    ).toEqual({
      key: '/services/internal/app1/dev/web/ghost.example/0ce60d000eac',
      value:
        '{"ID":"0ce60d000eac","APP":"app1","ENV":"dev","SERVICE":"web","NAME":"ghost.example","PORT":"80","TYPE":"HTTP",' +
        '"IP":"10.0.1.17","EXT_PORT":"49153","owner":"host-1","state":"registered","tags":["a","b"],"weight":0}',
    });
  });

  it('adds what is asked of proxies in a fixed order, and nothing where nothing is asked', () => {
    const valueOf = (over: Partial<Endpoint['service']>): string =>
      services.encode(endpoint('/web', over), phase('registered'), owner)?.value ?? '';
    const route = {
      retry: true,
      check: '/up',
      aliases: ['a.example'],
      timeoutMs: 5,
      balance: 'first',
    } as const;
    expect(valueOf({ route })).toBe(
      valueOf({}).replace(
        /}$/,
        ',"proxy":{"aliases":["a.example"],"balance":"first","timeoutMs":5,"check":"/up","retry":true}}',
      ),
    );
    const decoded = decodeServices('/services/web/x', valueOf({ route: { ...route, protocol: 'h2c' } }));
    expect(decoded).toMatchObject({ record: { proxy: { ...route, protocol: 'h2c' } } });
  });

  it('marks a draining endpoint with its cause', () => {
    const value =
      services.encode(endpoint('/web'), phase('draining', { cause: 'stop-signal' }), owner)?.value ?? '';
    expect(JSON.parse(value)).toMatchObject({ state: 'draining', cause: 'stop-signal' });
  });

  it('shows only what may get traffic, now or after waking', () => {
    for (const state of ['registered', 'draining', 'dormant'] as const)
      expect(services.encode(endpoint('/web'), phase(state), owner)).toBeDefined();
    for (const state of ['announced', 'expired'] as const)
      expect(services.encode(endpoint('/web'), phase(state), owner)).toBeUndefined();
  });

  it('reads its own records back', () => {
    const segment = fc
      .stringMatching(/^[A-Za-z0-9._~:@+=-]{1,20}$/)
      .filter((text) => text !== '.' && text !== '..');
    const arbitrary = fc.record({
      path: fc.array(segment, { minLength: 1, maxLength: 16 }),
      port: fc.integer({ min: 1, max: 65_535 }),
      type: fc.constantFrom('HTTP', 'TCP', 'UDP'),
      tags: fc.array(segment),
      weight: fc.option(fc.integer({ min: 0, max: 256 }), { nil: undefined }),
      keyId: segment,
      ip: fc.oneof(fc.ipV4(), fc.ipV6()),
    });
    fc.assert(
      fc.property(
        arbitrary,
        fc.constantFrom('registered', 'draining', 'dormant'),
        ({ path, keyId, ip, ...over }, state) => {
          const its = { ...endpoint('/x', { path, ...over }), keyId, ip };
          const cause = state === 'draining' ? 'unhealthy' : undefined;
          const record = services.encode(its, phase(state, { cause }), owner);
          const decoded = decodeServices(record?.key ?? '', record?.value ?? '');
          expect(decoded).toMatchObject({
            record: {
              path,
              keyId,
              ID: keyId,
              IP: ip,
              PORT: over.port,
              EXT_PORT: 49153,
              TYPE: over.type,
              tags: over.tags,
              owner: 'host-1',
              state,
            },
          });
          if ('record' in decoded)
            expect([decoded.record.weight, decoded.record.cause]).toEqual([over.weight, cause]);
        },
      ),
    );
  });

  it('reads the records of the original tools, numbers and unknown fields included', () => {
    const value =
      '{"ID":"0ce60d000eac","SERVICE":"web","PORT":80,"TYPE":"http","IP":"10.0.1.17","EXT_PORT":49153,"EXTRA":{"a":1}}';
    expect(decodeServices('/services/internal/web/0ce60d000eac', value)).toEqual({
      record: {
        path: ['internal', 'web'],
        keyId: '0ce60d000eac',
        ID: '0ce60d000eac',
        SERVICE: 'web',
        PORT: 80,
        TYPE: 'HTTP',
        IP: '10.0.1.17',
        EXT_PORT: 49153,
        state: 'registered',
        tags: [],
      },
    });
  });

  it('tells what is wrong with a record instead of throwing', () => {
    const good = { ID: 'i', SERVICE: 's', PORT: '80', TYPE: 'TCP', IP: '10.0.0.1', EXT_PORT: '80' };
    const problem = (key: string, value: unknown) => {
      const decoded = decodeServices(key, typeof value === 'string' ? value : JSON.stringify(value));
      return 'problem' in decoded ? decoded.problem : undefined;
    };
    expect(problem('/services/s/i', good)).toBeUndefined();
    expect(problem('/services/s/i', { ...good, IP: '10.0.0.1\nserver evil' })).toBe(
      'IP: is not an IP address',
    );
    for (const bad of [
      '',
      'x',
      '[]',
      'null',
      { ...good, PORT: '0' },
      { ...good, EXT_PORT: 70_000 },
      { ...good, TYPE: 'FTP' },
      { ...good, weight: 1.5 },
      { ...good, tags: 'a' },
    ])
      expect(problem('/services/s/i', bad)).toBeTypeOf('string');
    for (const key of [
      '',
      '/services/',
      '/services/i',
      '/service/s/i',
      '/services/../i',
      '/services/s/',
      '/services/s/a b',
      '/services/s/..',
    ])
      expect([key, problem(key, good)]).toEqual([key, expect.any(String)]);
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.string(), fc.json()), (key, value) => {
        problem(`/services/${key}`, value);
      }),
    );
  });
});

describe('the hosts layout', () => {
  it('is a copy of the heartbeat without what changes at a restart', () => {
    expect(hosts.encodeHost(owner)).toEqual({
      key: '/hosts/host-1',
      value: '{"owner":"host-1","name":"fury","addresses":["10.0.1.17"],"version":"0.1.0"}',
    });
    expect(hosts.encodeHost({ ...owner, owner: '../x' })?.key).toBe('/hosts/..-x');
    expect(hosts.encode(endpoint('/web'), phase('registered'), owner)).toBeUndefined();
    expect(hosts.leased).toBe(true);
  });
});

describe('the prefix of a layout', () => {
  it('has one slash at each end', () => {
    for (const prefix of ['services', '/services', '/services/', '//services//'])
      expect(servicesLayout({ prefix, leased: false }).prefix).toBe('/services/');
    expect(hostsLayout({ prefix: '/a/b', leased: false }).prefix).toBe('/a/b/');
  });

  it('never lies below the bookkeeping, and never is nothing', () => {
    for (const prefix of ['/portolan', '/portolan/owners', '', '/', '/a b', '/../x'])
      expect(() => announceLayout({ prefix, leased: false })).toThrow('the prefix');
    expect(announceLayout({ prefix: '/portolan2', leased: false }).prefix).toBe('/portolan2/');
  });
});
