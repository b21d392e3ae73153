import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import { templateOf } from '../../test/kit/template.ts';
import type { Container } from '../core/container.ts';
import { DEFAULT_TEMPLATE } from '../core/path-template.ts';
import { registrarDialect } from './registrar.ts';

const published = (port: number, protocol: 'tcp' | 'udp' = 'tcp', hostPort = 49_161) => ({
  port,
  protocol,
  bindings: [{ hostIp: '0.0.0.0', hostPort }],
});
const exposed = (port: number) => ({ port, protocol: 'tcp' as const, bindings: [] });
const read = (
  env: Readonly<Record<string, string>>,
  over: Partial<Container> = {},
  path = DEFAULT_TEMPLATE,
) => {
  const reading = registrarDialect(templateOf(path)).read(
    container(1, { name: 'trusting_shockley', env: new Map(Object.entries(env)), ...over }),
  );
  return {
    ...reading,
    paths: reading.services.map(
      ({ path: segments, port, protocol }) => `${port}/${protocol} ${segments.join('/')}`,
    ),
    said: reading.reasons.map(({ message }) => message),
  };
};

describe('the registrar dialect', () => {
  it('offers every published port under the template, without what differs for each container', () => {
    const { paths, said, services } = read(
      { ENVIRONMENT: 'prod', NAME: 'apache', SERVICE_443_NAME: 'web_ssl' },
      { ports: [published(80), published(443), published(53, 'udp')] },
    );
    expect(paths).toEqual(['53/udp prod/apache/53', '80/tcp prod/apache/80', '443/tcp prod/apache/web_ssl']);
    expect(services.map(({ type }) => type)).toEqual(['UDP', 'TCP', 'TCP']);
    expect(said).toEqual([]);
  });

  it('drops variables that are not set, and falls back to plain names when nothing is left', () => {
    expect(read({ NAME: 'apache' }).paths).toEqual(['80/tcp apache/80']);
    expect(read({}, {}, 'environment:NAME service:HOSTNAME').paths).toEqual(['80/tcp trusting_shockley']);
  });

  it('tells the ports apart where the template does not', () => {
    const ports = [published(80), published(81)];
    expect(read({ NAME: 'apache' }, { ports }, 'environment:NAME').paths).toEqual([
      ...['80/tcp apache/80', '81/tcp apache/81'],
    ]);
    expect(read({ NAME: 'apache' }, {}, 'environment:NAME').paths).toEqual(['80/tcp apache']);
  });

  it('reads the tags of a port, else those of the container', () => {
    const tags = (env: Readonly<Record<string, string>>) => read(env).services[0]?.tags;
    expect(tags({ TAGS: 'web, blue,,web' })).toEqual(['blue', 'web']);
    expect(tags({ TAGS: 'web', SERVICE_80_TAGS: 'canary' })).toEqual(['canary']);
    expect(tags({})).toEqual([]);
    expect(read({ TAGS: 'a b,c' })).toMatchObject({
      services: [{ tags: ['c'] }],
      reasons: [{ code: 'bad-value', about: 'TAGS' }],
    });
  });

  it('leaves ports out that are not published, and says so', () => {
    const { paths, reasons } = read({ NAME: 'etcd' }, { ports: [published(4001), exposed(7001)] });
    expect(paths).toEqual(['4001/tcp etcd/4001']);
    expect(reasons).toEqual([
      {
        code: 'unpublished-port',
        message: '7001/tcp is exposed but not published; publish it',
        about: '7001/tcp',
      },
    ]);
    expect(read({}, { ports: [] }).said).toEqual(['it exposes no port and publishes none']);
    expect(read({}, { networkMode: 'container:abc' }).said).toEqual([
      'it shares the network of container "abc", and that one publishes the ports',
    ]);
  });

  it('leaves a container out whose variables cannot stand in a path, without showing them', () => {
    const reading = read({ NAME: 'my secret' }, { ports: [published(80), published(81)] });
    expect(reading.services).toEqual([]);
    expect(reading.said).toEqual([
      'environment:NAME: a text of 9 characters has a character outside A-Z a-z 0-9 . _ ~ : @ + = -; write such as web or prod/web',
    ]);
    expect(reading.reserved?.map(({ port }) => port)).toEqual([80, 81]);
  });

  it.each([
    ['SERVICE_80_NAM', 'SERVICE_80_NAME'],
    ['service_80_tags', 'SERVICE_80_TAGS'],
    ['SERVICE_NAME_80', 'SERVICE_80_NAME'],
    ['SERVICE_80TAG', 'SERVICE_80_TAGS'],
  ])('suggests what %s was meant to be', (name, suggestion) => {
    expect(read({ [name]: 'x' }).reasons).toMatchObject([{ code: 'unknown-key', about: name, suggestion }]);
  });

  it('says nothing of the variables of other tools', () => {
    const env = {
      SERVICE_NAME: 'x',
      SERVICE_TAGS: 'x',
      SERVICE_80_CHECK_HTTP: '/',
      SERVICE_80_ID: 'x',
      SERVICE_IGNORE: '1',
    };
    expect(read(env).reasons).toEqual([]);
  });

  it('says when a variable names a port that is not there', () => {
    expect(read({ SERVICE_81_NAME: 'x', SERVICE_99999_TAGS: 'x' }).said).toEqual([
      'SERVICE_81_NAME: the container has no port 81; write the number of one that it publishes',
      'SERVICE_99999_TAGS: the container has no port 99999; write the number of one that it publishes',
    ]);
  });

  it('tells which variables it used', () => {
    const { used } = read({ NAME: 'apache', SERVICE_80_NAME: 'web', TAGS: 'a', OTHER: 'x' });
    expect(used.map(({ key }) => key)).toEqual(['NAME', 'SERVICE_80_NAME', 'TAGS']);
  });
});
