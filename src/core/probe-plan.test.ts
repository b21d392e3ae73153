import { describe, expect, it } from 'vitest';
import { container, containerId } from '../../test/kit/containers.ts';
import { SPEC } from '../../test/kit/prober-fake.ts';
import type { Container } from './container.ts';
import { type ProbePlan, type ProbeSpec } from './probe.ts';
import { planProbe } from './probe-plan.ts';
import type { Service } from './service.ts';

const SERVICE: Service = {
  dialect: 'published',
  path: ['a'],
  port: 80,
  protocol: 'tcp',
  type: 'TCP',
  tags: [],
  weight: undefined,
  address: undefined,
  network: undefined,
  family: undefined,
};
const net = (name: string, driver: string, ipv4: string | undefined, ipv6?: string) => ({
  name,
  driver,
  ipv4,
  ipv6,
});

interface Asked {
  readonly over?: Partial<Container>;
  readonly service?: Partial<Service>;
  readonly ip?: string;
  readonly spec?: Partial<ProbeSpec>;
  readonly network?: string;
  readonly others?: readonly Container[];
}

function planned({ over, service, ip = '10.0.0.1', spec, network, others = [] }: Asked): ProbePlan {
  return planProbe({ ...SPEC, ...spec }, { ...SERVICE, ...service }, ip, container(1, over), {
    host: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
    defaults: { address: 'host', network, family: 'both' },
    find: (id) => others.find((other) => other.id === id),
  });
}

describe('a probe goes', () => {
  it("to the container's own address and port, never to the published one", () => {
    expect(planned({})).toMatchObject({ addresses: ['172.17.0.2'], port: 80, hint: undefined });
  });

  it('to another port of the container when a label says so', () => {
    expect(planned({ spec: { port: 8081 } }).port).toBe(8081);
  });

  it('to the very address that is registered, if that is its own', () => {
    const networks = [net('a', 'bridge', '172.18.0.2'), net('b', 'bridge', '172.19.0.2')];
    expect(planned({ over: { networks }, ip: '172.19.0.2' }).addresses).toEqual(['172.19.0.2']);
  });

  it('to the network that a label or the configuration names, else to the first that the host reaches', () => {
    const networks = [
      net('a', 'macvlan', '192.168.0.2'),
      net('b', 'bridge', '172.19.0.2'),
      net('c', 'bridge', '172.20.0.2'),
      net('none', 'bridge', undefined),
    ];
    expect(planned({ over: { networks } }).addresses).toEqual(['172.19.0.2']);
    expect(planned({ over: { networks }, network: 'c' }).addresses).toEqual(['172.20.0.2']);
    expect(planned({ over: { networks }, network: 'c', service: { network: 'b' } }).addresses).toEqual([
      '172.19.0.2',
    ]);
  });

  it('to the other family where the container has only that', () => {
    expect(planned({ ip: 'fd00::1' }).addresses).toEqual(['172.17.0.2']);
    const networks = [net('a', 'bridge', '172.18.0.2', 'fd01::2')];
    expect(planned({ ip: 'fd00::1', over: { networks } }).addresses).toEqual(['fd01::2']);
  });

  it("to this machine and then to the host's address, on the host's network", () => {
    const over = { networkMode: 'host', networks: [] };
    expect(planned({ over }).addresses).toEqual(['127.0.0.1', '10.0.0.1']);
    expect(planned({ over, ip: 'fd00::1' }).addresses).toEqual(['::1', 'fd00::1']);
  });

  it('to the container whose network it shares', () => {
    const owner = container(2, { networks: [net('x', 'bridge', '172.21.0.9')] });
    const over = { networkMode: `container:${containerId(2)}`, networks: [] };
    expect(planned({ over, others: [owner] }).addresses).toEqual(['172.21.0.9']);
    expect(planned({ over })).toMatchObject({ addresses: [] });
  });

  it('to a macvlan or overlay address, with a word on why that may fail', () => {
    for (const driver of ['macvlan', 'ipvlan', 'overlay'])
      expect(planned({ over: { networks: [net('lan', driver, '192.168.0.2')] } })).toMatchObject({
        addresses: ['192.168.0.2'],
        hint: expect.stringContaining(driver) as string,
      });
  });

  it('nowhere while there is no address, and says so', () => {
    expect(planned({ over: { networks: [] } })).toMatchObject({
      addresses: [],
      hint: expect.stringContaining('no address') as string,
    });
    expect(planned({ over: { provisional: true } }).hint).toContain('not known yet');
  });
});
