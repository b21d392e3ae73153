import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { ContainerPort } from '../core/container.ts';
import { describe as describeContainer } from '../core/desired.ts';
import { announceDialect } from './announce.ts';
import { portolanDialect } from './portolan.ts';
import { publishedDialect } from './published.ts';

const port = (number: number): ContainerPort => ({
  port: number,
  protocol: 'tcp',
  bindings: [{ hostIp: '0.0.0.0', hostPort: 30_000 + number }],
});

function read(
  labels: Record<string, string>,
  ports: readonly ContainerPort[] = [port(80)],
  env: Record<string, string> = {},
) {
  const of = container(1, {
    name: 'box',
    labels: new Map(Object.entries(labels)),
    env: new Map(Object.entries(env)),
    ports,
  });
  const { readings, endpoints, reasons } = describeContainer(of, {
    host: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
    defaults: { address: 'host', network: undefined, family: 'both' },
    find: () => undefined,
    oneOff: false,
    dialects: [portolanDialect, announceDialect, publishedDialect],
    disabledDialects: [],
  });
  return {
    routes: Object.fromEntries(
      endpoints.map(({ endpoint: { service } }) => [`/${service.path.join('/')}`, service.route]),
    ),
    said: [...readings.flatMap((reading) => reading.reasons), ...reasons].map(({ message }) => message),
  };
}

const HTTP = { 'portolan.type': 'HTTP' };

describe('what labels ask of proxies', () => {
  it('travels with the service in the one spelling that everybody reads', () => {
    const { routes, said } = read({
      ...HTTP,
      'portolan.route.aliases': ' *.Shop.Example., shop.example,a.example ,shop.example',
      'portolan.route.balance': 'LeastConn',
      'portolan.route.timeout': '1m30s',
      'portolan.route.check': '/health?full=1',
      'portolan.route.retry': 'True',
      'portolan.route.protocol': 'H2C',
    });
    expect(routes).toEqual({
      '/box': {
        aliases: ['*.shop.example', 'a.example', 'shop.example'],
        balance: 'leastconn',
        timeoutMs: 90_000,
        check: '/health?full=1',
        retry: true,
        protocol: 'h2c',
      },
    });
    expect(said.filter((message) => message.includes('route'))).toEqual([]);
  });

  it('is said for the container and over it for a port, and is absent where nothing is asked', () => {
    const labels = {
      ...HTTP,
      'portolan.route.retry': 'true',
      'portolan.80.route.retry': 'false',
      'portolan.81.route.timeout': '2s',
    };
    expect(read(labels, [port(80), port(81), port(82)]).routes).toEqual({
      '/box/80': undefined,
      '/box/81': { timeoutMs: 2000, retry: true },
      '/box/82': { retry: true },
    });
  });

  it('holds for every dialect that names the port, and publishes nothing by itself', () => {
    const labels = { 'portolan.route.balance': 'first' };
    const env = { ANNOUNCE_PATH: '/x/y', PORT: '80', TYPE: 'HTTP' };
    expect(read(labels, [port(80)], env)).toMatchObject({ routes: { '/x/y': { balance: 'first' } } });
    expect(read({ 'portolan.80.route.balance': 'first' }, [port(80), port(81)]).routes).toEqual({
      '/box/80': { balance: 'first' },
      '/box/81': undefined,
    });
  });

  it('is told to be of no use where the service is not HTTP', () => {
    const { said } = read({ 'portolan.route.retry': 'true' });
    expect(said.join('\n')).toContain('80/tcp: /box has type TCP, so proxies do not heed');
    expect(said.join('\n')).toContain('write portolan.type=HTTP');
  });

  it.each([
    ['aliases', 'a b.example', 'host names'],
    ['aliases', 'a.example\nserver evil 1.2.3.4', 'host names'],
    ['aliases', 'a;b', 'host names'],
    ['aliases', '../x', 'host names'],
    ['aliases', '*', 'host names'],
    ['aliases', 'a.*.example', 'host names'],
    ['aliases', ',', 'host names'],
    ['aliases', `${'a'.repeat(64)}.example`, 'host names'],
    ['aliases', Array.from({ length: 65 }, (_, n) => `a${String(n)}`).join(','), 'at most 64'],
    ['balance', 'source', 'roundrobin, leastconn, random or first'],
    ['balance', 'first\n  server evil 1.2.3.4', 'roundrobin'],
    ['timeout', '5', 'a duration from 1ms to 24h'],
    ['timeout', '0s', 'a duration from 1ms to 24h'],
    ['timeout', '25h', 'a duration from 1ms to 24h'],
    ['check', 'health', 'a path of'],
    ['check', '/a b', 'a path of'],
    ['check', '/a";b', 'a path of'],
    ['check', '/a\nb', 'a path of'],
    ['check', `/${'a'.repeat(256)}`, 'a path of'],
    ['retry', 'maybe', 'write true or false'],
    ['protocol', 'h2', 'write http1 or h2c'],
  ])('counts as not said when %s is %j, with a reason and a remedy', (key, value, remedy) => {
    const { routes, said } = read({ ...HTTP, [`portolan.route.${key}`]: value });
    expect(routes).toEqual({ '/box': undefined });
    const told = said.filter((message) => message.includes(`portolan.route.${key}`));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(remedy);
    expect(told[0]).not.toContain('\n');
  });

  it('is known by near misses of its names', () => {
    expect(read({ 'portolan.route.timout': '1s' }).said.join()).toContain(
      'did you mean portolan.route.timeout?',
    );
    expect(read({ 'portolan.80.route.alias': 'a' }).said.join()).toContain(
      'did you mean portolan.80.route.aliases?',
    );
  });
});
