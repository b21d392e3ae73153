import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import { templateOf } from '../../test/kit/template.ts';
import type { Container } from '../core/container.ts';
import { describe as describeContainer } from '../core/desired.ts';
import type { Endpoint, LifecycleState } from '../core/endpoint.ts';
import type { OwnerFacts } from '../core/layout.ts';
import { DEFAULT_TEMPLATE } from '../core/path-template.ts';
import { portolanDialect } from '../dialect/portolan.ts';
import { registrarDialect } from '../dialect/registrar.ts';
import { announceLayout } from './announce.ts';
import { type RegistrarOptions, registrarLayout } from './registrar.ts';
import { servicesLayout } from './services.ts';

const layout = (over: Partial<RegistrarOptions> = {}) =>
  registrarLayout({
    ...{ prefix: '/services', leased: false, template: templateOf(DEFAULT_TEMPLATE) },
    ...{ env: [], fullEnvironment: false, ...over },
  });
const owner: OwnerFacts = {
  owner: 'o',
  hostName: 'fury',
  addresses: { ipv4: '192.168.13.90', ipv6: 'fd00::5', origin: 'literal' },
  version: '1',
};
const phase = (state: LifecycleState) => ({
  ...{ state, cause: undefined, since: 1, until: undefined, startedAt: 's', offered: true },
});
const ID = `13532987eae2${'0'.repeat(52)}`;
const binding = (hostPort: number, hostIp = '0.0.0.0') => ({ hostIp, hostPort });

/** The container of the original's README. */
const apache = (env: Readonly<Record<string, string>> = {}, over: Partial<Container> = {}): Container =>
  container(1, {
    ...{ id: ID, name: 'trusting_shockley', hostname: '13532987eae2', image: 'eboraas/apache' },
    env: new Map(Object.entries({ ENVIRONMENT: 'prod', NAME: 'apache', HOME: '/', ...env })),
    ports: [{ port: 80, protocol: 'tcp', bindings: [binding(49_161)] }],
    ...over,
  });

function endpointsOf(of: Container): readonly Endpoint[] {
  return describeContainer(of, {
    host: owner.addresses,
    defaults: { address: 'host', network: undefined, family: 'both' },
    oneOff: true,
    dialects: [portolanDialect, registrarDialect(templateOf(DEFAULT_TEMPLATE))],
    disabledDialects: [],
    find: () => undefined,
  }).endpoints.map(({ endpoint }) => endpoint);
}

const written = (of: Container, over: Partial<RegistrarOptions> = {}, state: LifecycleState = 'registered') =>
  endpointsOf(of).flatMap((endpoint) => layout(over).encode(endpoint, phase(state), owner) ?? []);

describe('the registrar layout', () => {
  it('writes the document of service-registrar, byte for byte', () => {
    expect(written(apache())).toEqual([
      {
        key: '/services/prod/apache/80/49161/13532987eae2',
        value: `{"id":"${ID}","host":"fury","ipaddress":"192.168.13.90","env":{"ENVIRONMENT":"prod","NAME":"apache"},"tags":[],"name":"/trusting_shockley","image":"eboraas/apache","hostname":"13532987eae2","host_port":"49161","proto":"tcp","port":"80","path":"/services/prod/apache/80/49161/13532987eae2"}`,
      },
    ]);
  });

  it('puts the name of a port in the place of its number, and tags in the order in which they were written', () => {
    const [record] = written(apache({ SERVICE_80_NAME: 'web', TAGS: 'b, a' }));
    expect(record?.key).toBe('/services/prod/apache/web/49161/13532987eae2');
    expect(JSON.parse(record?.value ?? '')).toMatchObject({
      port: '80',
      tags: ['b', 'a'],
      path: record?.key,
    });
  });

  it('copies of the environment what the template and the settings name, and all of it only by the switch', () => {
    const env = (of: Container, over: Partial<RegistrarOptions> = {}): unknown =>
      (JSON.parse(written(of, over)[0]?.value ?? '') as { env: unknown }).env;
    const secretive = apache({ APP: 'shop', PASSWORD: 'hunter2', OPTS: '-Dx=y', EMPTY: '' });
    expect(env(secretive)).toEqual({ APP: 'shop', ENVIRONMENT: 'prod', NAME: 'apache' });
    expect(env(secretive, { env: ['HOME'] })).toEqual({
      APP: 'shop',
      ENVIRONMENT: 'prod',
      HOME: '/',
      NAME: 'apache',
    });
    // The original kept what follows the last "=", and the variable's own name for an empty value.
    expect(env(secretive, { fullEnvironment: true })).toEqual({
      ...{ APP: 'shop', EMPTY: '', ENVIRONMENT: 'prod', HOME: '/', NAME: 'apache', OPTS: '-Dx=y' },
      PASSWORD: 'hunter2',
    });
  });

  it('shows only what is in rotation: its readers know of no state', () => {
    const states: LifecycleState[] = ['announced', 'registered', 'draining', 'dormant', 'expired'];
    const shown = states.filter((state) => written(apache(), {}, state).length > 0);
    expect(shown).toEqual(['registered', 'dormant']);
  });

  it('takes the first binding of each port, with its own address', () => {
    const ports = [
      {
        ...{ port: 80, protocol: 'tcp' as const },
        bindings: [binding(49_161, '::'), binding(8080, '192.0.2.7'), binding(49_161)],
      },
      { port: 81, protocol: 'tcp' as const, bindings: [] },
      { port: 443, protocol: 'tcp' as const, bindings: [binding(49_162, '192.0.2.7')] },
    ];
    const documents = written(apache({}, { ports })).map(({ value }) => JSON.parse(value) as object);
    expect(documents).toMatchObject([
      { port: '443', host_port: '49162', ipaddress: '192.0.2.7' },
      { port: '80', host_port: '49161', ipaddress: '192.168.13.90' },
    ]);
  });

  it('writes one document for a port that has two paths', () => {
    const labels = new Map([['portolan.80.path', '/a/b/c']]);
    expect(written(apache({}, { labels })).map(({ key }) => key)).toEqual([
      '/services/prod/apache/80/49161/13532987eae2',
    ]);
  });

  it('makes keys of every field', () => {
    const path =
      'string:x service:ID service:HOST service:IPADDRESS service:NAME service:IMAGE service:PROTO';
    expect(written(apache(), { template: templateOf(path) }).map(({ key }) => key)).toEqual([
      `/services/x/${ID}/fury/192.168.13.90/trusting_shockley/eboraas/apache/tcp`,
    ]);
  });

  it('objects to a container whose key cannot be made, without showing why in its words', () => {
    const objections = (of: Container, path: string) =>
      endpointsOf(of).map(
        (endpoint) => layout({ template: templateOf(path) }).objection?.(endpoint, owner)?.message,
      );
    expect(objections(apache(), DEFAULT_TEMPLATE)).toEqual([undefined]);
    expect(objections(apache({ OTHER: 'hunter2 !' }), 'environment:OTHER')).toEqual([
      'it is not in the layout registrar: environment:OTHER: a text of 9 characters has a character outside A-Z a-z 0-9 . _ ~ : @ + = -',
    ]);
    expect(objections(apache(), 'environment:NONE')).toEqual([
      'it is not in the layout registrar: no element of layouts.registrar.path has a value; set one of the variables it names',
    ]);
    expect(written(apache(), { template: templateOf('environment:NONE') })).toEqual([]);
  });

  it('is the only one that sees the environment', () => {
    const [endpoint] = endpointsOf(apache({ PASSWORD: 'hunter2' }));
    if (endpoint === undefined) throw new Error('nothing is offered');
    expect(JSON.stringify(endpoint)).not.toContain('hunter2');
    for (const other of [announceLayout, servicesLayout])
      expect(
        other({ prefix: '/x', leased: false }).encode(endpoint, phase('registered'), owner)?.value,
      ).not.toContain('hunter2');
  });
});
