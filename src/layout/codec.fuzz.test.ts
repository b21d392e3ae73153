import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import * as z from 'zod';
import { checkPrototypes, hostileText, nearly, runs } from '../../test/kit/fuzz.ts';
import { hostileContainer } from '../../test/kit/hostile-containers.ts';
import { hostileJson, mutated } from '../../test/kit/hostile-json.ts';
import { templateOf } from '../../test/kit/template.ts';
import { describe as describeContainer } from '../core/desired.ts';
import type { Endpoint, LifecycleState, Phase } from '../core/endpoint.ts';
import type { Layout, OwnerFacts } from '../core/layout.ts';
import { DEFAULT_TEMPLATE } from '../core/path-template.ts';
import { announceDialect } from '../dialect/announce.ts';
import { portolanDialect } from '../dialect/portolan.ts';
import { publishedDialect } from '../dialect/published.ts';
import { registrarDialect } from '../dialect/registrar.ts';
import { announceLayout } from './announce.ts';
import { hostsLayout } from './hosts.ts';
import { registrarLayout } from './registrar.ts';
import { decodeServices, servicesLayout } from './services.ts';

const announce = announceLayout({ prefix: '/announce', leased: false });
const services = servicesLayout({ prefix: '/deep/services', leased: false });
const asRegistrar = (fullEnvironment: boolean): Layout =>
  registrarLayout({
    ...{ prefix: '/deep/registrar', leased: false, env: [], fullEnvironment },
    template: templateOf(DEFAULT_TEMPLATE),
  });
const registrar = asRegistrar(false);
const revealing = asRegistrar(true);
const hosts = hostsLayout({ prefix: '/hosts', leased: false });

const STATES: readonly LifecycleState[] = ['announced', 'registered', 'draining', 'dormant', 'expired'];
const phase: fc.Arbitrary<Phase> = fc.record({
  state: fc.constantFrom(...STATES),
  cause: fc.constantFrom('stop-signal' as const, 'unhealthy' as const, undefined),
  since: fc.nat(),
  until: fc.constant(undefined),
  startedAt: fc.option(hostileText, { nil: undefined }),
  offered: fc.boolean(),
});
const owner: fc.Arbitrary<OwnerFacts> = fc.record({
  owner: fc.oneof(fc.constant('host-1'), hostileText),
  hostName: hostileText,
  addresses: fc.constant({ ipv4: '10.0.0.5', ipv6: 'fd00::5', origin: 'literal' }),
  version: fc.constant('1'),
});

function endpointsOf(container: Parameters<typeof describeContainer>[0]): readonly Endpoint[] {
  return describeContainer(container, {
    host: { ipv4: '10.0.0.5', ipv6: 'fd00::5', origin: 'literal' },
    defaults: { address: 'host', network: undefined, family: 'both' },
    oneOff: true,
    dialects: [
      portolanDialect,
      announceDialect,
      registrarDialect(templateOf(DEFAULT_TEMPLATE)),
      publishedDialect,
    ],
    disabledDialects: [],
    find: () => undefined,
  }).endpoints.map(({ endpoint }) => endpoint);
}

/** Segments that no shell, URL, terminal or proxy file can mistake, and no way up the tree. */
function checkKey(key: string, { prefix }: Layout): void {
  assert.ok(key.startsWith(prefix), key);
  const segments = key.slice(prefix.length).split('/');
  assert.ok(segments.length >= 1 && segments.length <= 17, key);
  for (const segment of segments) assert.match(segment, /^(?!\.{1,2}$)[A-Za-z0-9._~:@+=-]{1,128}$/);
}

const announced = z.strictObject({
  ID: z.string(),
  APP: z.string().optional(),
  ENV: z.string().optional(),
  SERVICE: z.string(),
  NAME: z.string().optional(),
  PORT: z.string().regex(/^[1-9]\d{0,4}$/),
  TYPE: z.enum(['HTTP', 'TCP', 'UDP']),
});

function checkAnnounced({ keyId, service }: Endpoint, { key, value }: { key: string; value: string }): void {
  checkKey(key, announce);
  assert.equal(key, `/announce/${[...service.path, keyId].join('/')}`);
  const { ID, PORT, TYPE, APP, ENV, SERVICE, NAME } = announced.parse(JSON.parse(value));
  assert.deepEqual([ID, PORT, TYPE], [keyId, String(service.port), service.type]);
  const said = [APP, ENV, SERVICE, NAME].filter((part) => part !== undefined).join('/');
  assert.ok(`/${service.path.join('/')}`.endsWith(`/${said}`), said);
}

function checkService(its: Endpoint, of: Phase, record: { key: string; value: string }, by: string): void {
  checkKey(record.key, services);
  const decoded = decodeServices(record.key, record.value, services.prefix);
  assert.ok('record' in decoded, JSON.stringify(decoded));
  const { path, keyId, ID, IP, EXT_PORT, PORT, TYPE, tags, weight, state, owner: owned } = decoded.record;
  const { service } = its;
  assert.deepEqual(
    { path, keyId, ID, IP, EXT_PORT, PORT, TYPE, tags, weight, state, owned },
    {
      ...{ path: service.path, keyId: its.keyId, ID: its.keyId, IP: its.ip, EXT_PORT: its.port },
      ...{ PORT: service.port, TYPE: service.type, tags: service.tags, weight: service.weight },
      ...{ state: of.state, owned: by },
    },
  );
}

const ROTATING: Phase = {
  ...{ state: 'registered', cause: undefined, since: 0, until: undefined, startedAt: 's', offered: true },
};
const registered = z.strictObject({
  ...{ id: z.string(), host: z.string(), ipaddress: z.string() },
  ...{ env: z.record(z.string(), z.string()), tags: z.array(z.string()) },
  ...{ name: z.string().startsWith('/'), image: z.string(), hostname: z.string() },
  ...{ host_port: z.string(), proto: z.enum(['tcp', 'udp']), port: z.string(), path: z.string() },
});

describe('what hostile containers offer', () => {
  it('becomes keys below the prefix and values that read back as the same endpoint', () => {
    let seen = 0;
    fc.assert(
      fc.property(hostileContainer(1), phase, owner, (container, of, by) => {
        const endpoints = endpointsOf(container);
        seen += endpoints.length;
        const keys = endpoints.flatMap((endpoint) => {
          const [said, offered] = [announce, services].map((layout) => layout.encode(endpoint, of, by));
          if (said !== undefined) checkAnnounced(endpoint, said);
          if (offered !== undefined) checkService(endpoint, of, offered, by.owner);
          for (const { value } of [said, offered].filter((record) => record !== undefined)) {
            assert.ok(value.length < 32_768 + by.owner.length * 6);
            // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
            assert.doesNotMatch(value, /[\u0000-\u001f]/);
          }
          return [said?.key, offered?.key].filter((key) => key !== undefined);
        });
        assert.equal(new Set(keys).size, keys.length);
        checkPrototypes();
      }),
      runs(1200),
    );
    assert.ok(seen > 0, 'no container offered anything');
  });

  it('becomes documents of service-registrar in their form, or there is a reason', () => {
    let seen = 0;
    fc.assert(
      fc.property(hostileContainer(1), owner, fc.boolean(), (container, by, fullEnvironment) => {
        const layout = fullEnvironment ? revealing : registrar;
        for (const endpoint of endpointsOf(container)) {
          const record = layout.encode(endpoint, ROTATING, by);
          if (record === undefined) {
            assert.ok(!endpoint.first || layout.objection?.(endpoint, by) !== undefined);
            continue;
          }
          seen += 1;
          checkKey(record.key, layout);
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
          assert.doesNotMatch(record.value, /[\u0000-\u001f]/);
          const { env, ...fields } = registered.parse(JSON.parse(record.value));
          assert.equal(fields.path, record.key);
          for (const [name, value] of Object.entries(env)) {
            assert.equal(value, endpoint.container.env.get(name));
            assert.ok(fullEnvironment || /^(?:ENVIRONMENT|NAME|APP)$/.test(name), name);
          }
        }
        checkPrototypes();
      }),
      runs(1200),
    );
    assert.ok(seen > 0, 'no container offered anything');
  });

  it('shows the host itself below the prefix', () => {
    fc.assert(
      fc.property(owner, (by) => {
        const record = hosts.encodeHost(by);
        assert.ok(record !== undefined);
        checkKey(record.key, hosts);
        const value = z.strictObject({
          owner: z.literal(by.owner),
          name: z.literal(by.hostName),
          addresses: z.array(z.string()),
          version: z.string(),
        });
        // A half of a pair is written as an escape, and so it is read back.
        assert.ok(value.safeParse(JSON.parse(record.value)).success);
      }),
      runs(500),
    );
  });
});

const RECORD = {
  ...{ ID: '0ce60d000eac', APP: 'app', SERVICE: 'web', PORT: '80', TYPE: 'HTTP', IP: '10.0.1.17' },
  ...{ EXT_PORT: '49153', owner: 'o', state: 'draining', cause: 'unhealthy', tags: ['a'], weight: 5 },
};
const anyKey = fc.oneof(
  fc.constant('/services/shop/web/0ce60d000eac'),
  nearly(fc.constant('/services/shop/web/0ce60d000eac')),
  hostileText.map((text) => `/services/${text}`),
  hostileText,
);
const anyValue = fc.oneof(
  mutated(RECORD).map((json) => JSON.stringify(json)),
  hostileJson.map((json) => JSON.stringify(json)),
  nearly(fc.constant(JSON.stringify(RECORD))),
  fc.uint8Array({ maxLength: 100 }).map((bytes) => new TextDecoder().decode(bytes)),
);

describe('a record that somebody else wrote', () => {
  it('is read soundly or skipped with a reason, whatever it is', () => {
    let read = 0;
    fc.assert(
      fc.property(anyKey, anyValue, (key, value) => {
        const decoded = decodeServices(key, value);
        checkPrototypes();
        if ('problem' in decoded) {
          assert.match(decoded.problem, /\S/);
          assert.ok(decoded.problem.length < 300, decoded.problem);
          return;
        }
        read += 1;
        const { path, keyId, PORT, EXT_PORT, TYPE, tags, weight = 0 } = decoded.record;
        for (const segment of [...path, keyId])
          assert.match(segment, /^(?!\.{1,2}$)[A-Za-z0-9._~:@+=-]{1,128}$/);
        for (const port of [PORT, EXT_PORT])
          assert.ok(Number.isInteger(port) && port >= 1 && port <= 65_535, String(port));
        assert.ok(['HTTP', 'TCP', 'UDP'].includes(TYPE));
        assert.ok(tags.every((tag) => typeof tag === 'string'));
        assert.ok(Number.isInteger(weight) && weight >= 0 && weight <= 256);
      }),
      runs(2000),
    );
    assert.ok(read > 0, 'none could be read');
  });
});
