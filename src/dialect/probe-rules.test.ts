import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { ContainerPort } from '../core/container.ts';
import { describe as describeContainer } from '../core/desired.ts';
import { announceDialect } from './announce.ts';
import { portolanDialect } from './portolan.ts';
import { publishedDialect } from './published.ts';

const port = (number: number, protocol: 'tcp' | 'udp' = 'tcp'): ContainerPort => ({
  port: number,
  protocol,
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
  const described = describeContainer(of, {
    host: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
    defaults: { address: 'host', network: undefined, family: 'both' },
    find: () => undefined,
    oneOff: false,
    dialects: [portolanDialect, announceDialect, publishedDialect],
    disabledDialects: [],
  });
  const [reading] = described.readings;
  return {
    probes: described.endpoints.map(({ endpoint, probe }) =>
      [`/${endpoint.service.path.join('/')}`, probe?.spec.kind ?? 'none', String(probe?.port ?? '')]
        .join(' ')
        .trim(),
    ),
    specs: described.endpoints.map(({ probe }) => probe?.spec),
    said: (reading?.reasons ?? []).map(({ message }) => message),
    suggestions: (reading?.reasons ?? []).map(({ suggestion }) => suggestion),
  };
}

describe('the labels of probes', () => {
  it('say nothing about where a port appears: the plain name stays, and is probed', () => {
    expect(read({ 'portolan.probe': 'tcp' }).probes).toEqual(['/box tcp 80']);
    expect(read({ 'portolan.80.probe': 'tcp' }, [port(80), port(81)]).probes).toEqual([
      '/box/80 tcp 80',
      '/box/81 none',
    ]);
  });

  it('hold for every dialect that names the port', () => {
    const probed = read({ 'portolan.probe': 'HTTP' }, [port(80)], { ANNOUNCE_PATH: '/x/y', PORT: '80' });
    expect(probed.probes).toEqual(['/x/y http 80']);
    expect(read({ 'portolan.path': '/a', 'portolan.probe': 'http' }).probes).toEqual(['/a http 80']);
  });

  it('have defaults like those of a load balancer', () => {
    expect(read({ 'portolan.probe': 'http' }).specs[0]).toEqual({
      kind: 'http',
      path: '/',
      host: undefined,
      status: [{ from: 200, to: 399 }],
      port: undefined,
      intervalMs: 2_000,
      timeoutMs: 1_000,
      startPeriodMs: 60_000,
      rise: 2,
      fall: 3,
    });
  });

  it('are all understood', () => {
    const { specs, said } = read({
      'portolan.probe': 'http',
      'portolan.probe.path': '/health?full=1',
      'portolan.probe.host': 'shop.example:8080',
      'portolan.probe.status': '200, 204,300-302',
      'portolan.probe.port': '8081',
      'portolan.probe.interval': '10s',
      'portolan.probe.timeout': '250ms',
      'portolan.probe.start-period': '5m',
      'portolan.probe.rise': '1',
      'portolan.probe.fall': '5',
    });
    expect(specs[0]).toMatchObject({
      path: '/health?full=1',
      host: 'shop.example:8080',
      status: [
        { from: 200, to: 200 },
        { from: 204, to: 204 },
        { from: 300, to: 302 },
      ],
      port: 8081,
      intervalMs: 10_000,
      timeoutMs: 250,
      startPeriodMs: 300_000,
      rise: 1,
      fall: 5,
    });
    expect(said.filter((message) => message.includes('probe'))).toEqual([]);
  });

  it('of a port go over those of the container, one by one', () => {
    const { probes, specs } = read(
      {
        'portolan.probe': 'http',
        'portolan.probe.path': '/health',
        'portolan.81.probe.path': '/admin/health',
        'portolan.82.probe': 'off',
      },
      [port(80), port(81), port(82)],
    );
    expect(probes).toEqual(['/box/80 http 80', '/box/81 http 81', '/box/82 none']);
    expect(specs.map((spec) => spec?.path)).toEqual(['/health', '/admin/health', undefined]);
  });

  it.each([
    ['portolan.probe', 'ping', 'write tcp, http or off'],
    ['portolan.probe.path', 'health', 'write a path'],
    ['portolan.probe.path', '/a b', 'write a path'],
    ['portolan.probe.path', '/\r\nHost: evil', 'write a path'],
    ['portolan.probe.host', 'a\r\nX: y', 'write a host name'],
    ['portolan.probe.status', '99', 'write codes'],
    ['portolan.probe.status', '300-200', 'write codes'],
    ['portolan.probe.port', '0', 'write a TCP port'],
    ['portolan.probe.interval', '5', 'write a duration'],
    ['portolan.probe.interval', '1ms', 'write a duration'],
    ['portolan.probe.timeout', '1h', 'write a duration'],
    ['portolan.probe.start-period', '-1s', 'write a duration'],
    ['portolan.probe.rise', '0', 'write a whole number'],
    ['portolan.probe.fall', 'three', 'write a whole number'],
  ])('%s=%j is refused with the remedy', (label, value, remedy) => {
    const { said } = read({ 'portolan.probe': 'http', [label]: value });
    expect(
      said.filter((message) => message.startsWith(`${label}:`) && message.includes(remedy)),
    ).toHaveLength(1);
  });

  it('that are misspelt are reported with the right one', () => {
    expect(read({ 'portolan.probe.intervall': '1s' }).suggestions).toContain('portolan.probe.interval');
    expect(read({ 'portolan.prob.path': '/' }).suggestions).toContain('portolan.probe.path');
    expect(read({ 'portolan.80.probe.pth': '/' }).suggestions).toContain('portolan.80.probe.path');
    expect(read({ 'portolan.probe.80': 'tcp' }).suggestions).toContain('portolan.80.probe');
  });

  it('that say nothing beside the others are reported', () => {
    expect(read({ 'portolan.probe.path': '/h' }).said.join()).toContain(
      'says nothing without portolan.probe',
    );
    expect(read({ 'portolan.probe': 'tcp', 'portolan.probe.path': '/h' }).said.join()).toContain(
      'says nothing to a TCP probe',
    );
  });

  it('leave UDP ports alone, unless a TCP port is named', () => {
    const ports = [port(53), port(53, 'udp')];
    expect(read({ 'portolan.probe': 'tcp' }, ports).probes).toEqual(['/box/53 tcp 53', '/box/53-udp none']);
    expect(read({ 'portolan.53/udp.probe': 'tcp' }, ports).said.join()).toContain('cannot be probed');
    const named = { 'portolan.53/udp.probe': 'tcp', 'portolan.53/udp.probe.port': '53' };
    expect(read(named, ports).probes).toEqual(['/box/53 none', '/box/53-udp tcp 53']);
  });
});
