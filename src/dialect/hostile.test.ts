import fc from 'fast-check';
import { expect, it, describe as suite } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { Container } from '../core/container.ts';
import { type DescribeContext, describe } from '../core/desired.ts';
import type { Phase } from '../core/endpoint.ts';
import { announceLayout } from '../layout/announce.ts';
import { hostsLayout } from '../layout/hosts.ts';
import { servicesLayout } from '../layout/services.ts';
import { announceDialect } from './announce.ts';
import { LABEL_KEYS } from './labels.ts';
import { portolanDialect } from './portolan.ts';
import { publishedDialect } from './published.ts';

const NASTY = [
  '',
  '..',
  '/../..',
  '/a/../../portolan/owners/x',
  'a\nserver evil',
  'a\r\n',
  '\u0000',
  '\u202egnp',
  '\ud800',
  '`id`',
  '$(id)',
  '"};{"',
  '//',
  '/a//b/',
  ' ',
  'é',
  '💥',
  'x'.repeat(10_000),
  '/a'.repeat(3000),
  '__proto__',
  '/portolan/x',
  '65536',
  '-1',
  '1e3',
  '0x50',
  'NaN',
];
const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 40 }), fc.string());
/** Also values that are right, so that hostile and good metadata meet. */
const value = fc.oneof(
  nasty,
  fc.constantFrom(
    '/web',
    '/a/b/c',
    'HTTP',
    'udp',
    'true',
    'container',
    'host',
    'back',
    'ipv6',
    'both',
    '80',
    '53/udp',
    '10',
    'a,b',
  ),
);
const portText = fc.oneof(fc.constantFrom('80', '53', '53/udp', '443/tcp', '132/sctp'), nasty);
const label = fc.oneof(
  fc.constantFrom(
    'portolan.enable',
    'com.docker.compose.project',
    'com.docker.compose.service',
    'com.docker.compose.oneoff',
    'com.docker.swarm.service.id',
    '__proto__',
  ),
  fc.constantFrom(...LABEL_KEYS).map((key) => `portolan.${key}`),
  fc.tuple(portText, fc.constantFrom(...LABEL_KEYS)).map(([port, key]) => `portolan.${port}.${key}`),
  nasty.map((text) => `portolan.${text}`),
  nasty,
);
const variable = fc.oneof(
  fc.constantFrom(
    'ANNOUNCE_PATH',
    'PORT',
    'TYPE',
    'ANNOUNCE_80_PATH',
    'ANNOUNCE_80_TYPE',
    'ANNOUNCE_53_PATH',
  ),
  nasty.map((text) => `ANNOUNCE_${text}`),
  nasty,
);
const ip = fc.oneof(fc.constantFrom('0.0.0.0', '::', '', '127.0.0.1', '::1', '192.0.2.7', 'fd00::7'), nasty);
const port = fc.record({
  port: fc.constantFrom(53, 80, 443, 9090),
  protocol: fc.constantFrom('tcp' as const, 'udp' as const, 'sctp' as const),
  bindings: fc.array(fc.record({ hostIp: ip, hostPort: fc.constantFrom(0, 80, 32_768, 65_536, -1) }), {
    maxLength: 3,
  }),
});
const network = fc.record({
  name: fc.oneof(fc.constantFrom('back', 'front', 'ingress'), nasty),
  driver: fc.constantFrom('bridge', 'macvlan', undefined),
  ipv4: fc.option(ip, { nil: undefined }),
  ipv6: fc.option(ip, { nil: undefined }),
});
const map = (key: fc.Arbitrary<string>) =>
  fc.array(fc.tuple(key, value), { maxLength: 8 }).map((entries) => new Map(entries));

const anyContainer: fc.Arbitrary<Container> = fc
  .record({
    name: nasty,
    hostname: fc.oneof(fc.constant('c1'), nasty),
    labels: map(label),
    env: map(variable),
    networkMode: fc.oneof(fc.constantFrom('bridge', 'host', 'none', 'container:owner', 'container:'), nasty),
    networks: fc.uniqueArray(network, { maxLength: 3, selector: ({ name }) => name }),
    ports: fc.uniqueArray(port, {
      maxLength: 4,
      selector: ({ port: number, protocol }) => `${number}/${protocol}`,
    }),
    provisional: fc.boolean(),
  })
  .map((over) => container(1, over));

const context = (over: Partial<DescribeContext> = {}): DescribeContext => ({
  host: { ipv4: '10.0.0.5', ipv6: 'fd00::5', origin: 'literal' },
  defaults: { address: 'host', network: undefined, family: 'both' },
  oneOff: true,
  dialects: [portolanDialect, announceDialect, publishedDialect],
  disabledDialects: [],
  find: (id) => (id === 'owner' ? container(2) : undefined),
  ...over,
});
const layouts = [
  announceLayout({ prefix: '/announce', leased: false }),
  servicesLayout({ prefix: '/services', leased: false }),
  hostsLayout({ prefix: '/hosts', leased: false }),
];
const phase: Phase = {
  state: 'registered',
  cause: undefined,
  since: 0,
  until: undefined,
  startedAt: undefined,
  offered: true,
};
const owner = {
  owner: 'o',
  hostName: 'h',
  addresses: { ipv4: '10.0.0.5', ipv6: undefined, origin: 'literal' },
  version: '1',
};

/** Segments that no shell, URL or proxy file can mistake, and no way up the tree. */
const SAFE_KEY = /^\/(?:announce|services)(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~:@+=-]{1,128}){2,}$/;

suite('hostile metadata', () => {
  it('never throws, and every key stays below its prefix, in the safe characters, and unique', () => {
    fc.assert(
      fc.property(anyContainer, fc.constantFrom('host' as const, 'container' as const), (of, address) => {
        const { endpoints } = describe(
          of,
          context({ defaults: { address, network: undefined, family: 'both' } }),
        );
        const records = endpoints.flatMap(({ endpoint }) =>
          layouts.map((layout) => ({ layout, record: layout.encode(endpoint, phase, owner) })),
        );
        const keys = records.flatMap(({ layout, record }) => {
          if (record === undefined) return [];
          expect(record.key).toMatch(SAFE_KEY);
          expect(record.key.startsWith(layout.prefix)).toBe(true);
          expect(record.value).not.toMatch(/[\n\r\0]/);
          expect(() => JSON.parse(record.value) as unknown).not.toThrow();
          return [record.key];
        });
        expect(new Set(keys).size).toBe(keys.length);
        expect(new Set(endpoints.map(({ endpoint }) => endpoint.id)).size).toBe(endpoints.length);
      }),
      { numRuns: 1500 },
    );
  });

  it('never reaches a terminal through a reason', () => {
    fc.assert(
      fc.property(anyContainer, (of) => {
        const { readings, reasons, endpoints } = describe(of, context());
        for (const { message, about = '', suggestion = '' } of [
          ...reasons,
          ...readings.flatMap((reading) => reading.reasons),
          ...endpoints.map(({ address }) => address),
        ]) {
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
          expect(message + about + suggestion).not.toMatch(
            /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
          );
          expect(message.length).toBeLessThan(1000);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('costs no time in proportion to its size', () => {
    const huge = 'x'.repeat(2_000_000);
    const labels = new Map([
      ['portolan.path', `/${huge}`],
      ['portolan.tags', huge],
      [`portolan.${huge}`, huge],
      ['portolan.enable', huge],
    ]);
    const env = new Map([
      ['ANNOUNCE_PATH', huge],
      ['PORT', '9'.repeat(2_000_000)],
      [`ANNOUNCE_${huge}`, huge],
    ]);
    const before = performance.now();
    describe(container(1, { labels, env }), context());
    expect(performance.now() - before).toBeLessThan(500);
  });
});

suite('the order in which facts arrive', () => {
  it('makes no difference: labels, variables, ports, bindings and networks permuted give identical output', () => {
    const reverse = (of: Container): Container => ({
      ...of,
      labels: new Map([...of.labels].reverse()),
      env: new Map([...of.env].reverse()),
      networks: of.networks.toReversed(),
      ports: of.ports.map((its) => ({ ...its, bindings: its.bindings.toReversed() })).reverse(),
    });
    fc.assert(
      fc.property(anyContainer, fc.integer(), (of, seed) => {
        const dialects =
          seed % 2 === 0
            ? [publishedDialect, portolanDialect, announceDialect]
            : [announceDialect, publishedDialect, portolanDialect];
        expect(describe(reverse(of), context({ dialects }))).toEqual(describe(of, context()));
      }),
      { numRuns: 1000 },
    );
  });
});
