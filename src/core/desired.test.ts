import { expect, it, describe as suite } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import { announceDialect } from '../dialect/announce.ts';
import { portolanDialect } from '../dialect/portolan.ts';
import { publishedDialect } from '../dialect/published.ts';
import type { Container, ContainerPort } from './container.ts';
import { type DescribeContext, describe } from './desired.ts';

const tcp = (port: number, ...hosts: string[]): ContainerPort => ({
  port,
  protocol: 'tcp',
  bindings: (hosts.length > 0 ? hosts : ['0.0.0.0']).map((hostIp) => ({ hostIp, hostPort: port + 8000 })),
});
const udp = (port: number): ContainerPort => ({ ...tcp(port), protocol: 'udp' });
const labels = (of: Record<string, string>) => new Map(Object.entries(of));
const context: DescribeContext = {
  host: { ipv4: '10.0.0.5', ipv6: '2001:db8::5', origin: 'literal' },
  defaults: { address: 'host', network: undefined, family: 'both' },
  oneOff: false,
  // Out of order on purpose: the order of precedence is the core's.
  dialects: [publishedDialect, announceDialect, portolanDialect],
  disabledDialects: [],
  find: () => undefined,
};

function told(of: Partial<Container>, over: Partial<DescribeContext> = {}) {
  const description = describe(container(1, { name: 'box', ...of }), { ...context, ...over });
  return {
    ...description,
    found: description.endpoints.map(
      ({ endpoint: { keyId, ip, port, service } }) =>
        `/${service.path.join('/')}/${keyId} ${ip} ${port} ${service.dialect}`,
    ),
    codes: description.reasons.map(({ code }) => code),
  };
}
const ID = '000000000001';

suite('what a container offers', () => {
  it('is its published port under a plain name', () => {
    const { found, endpoints } = told({ ports: [tcp(80)] });
    expect(found).toEqual([`/box/${ID} 10.0.0.5 8080 published`]);
    expect(endpoints[0]).toMatchObject({
      endpoint: {
        id: `${container(1).id}/box/80-tcp-0`,
        containerName: 'box',
        scope: 'routable',
        createdAt: 1,
      },
      address: { code: 'address-chosen' },
    });
  });

  it('has the host name in its keys when one was set explicitly', () => {
    expect(told({ hostname: 'ghost.example' }).endpoints[0]?.endpoint.keyId).toBe('ghost.example');
    expect(told({ hostname: '../x' }).endpoints[0]?.endpoint.keyId).toBe(ID);
    expect(told({ hostname: 'x'.repeat(65) }).endpoints[0]?.endpoint.keyId).toBe(ID);
    expect(told({ hostname: 'machine', networkMode: 'host' }).endpoints[0]?.endpoint.keyId).toBe(ID);
  });

  it('numbers what shares a path by port, protocol, family and binding; the first has the bare id', () => {
    const ports = [udp(53), tcp(53, '::', '0.0.0.0'), tcp(80, '0.0.0.0')];
    const { found } = told({
      ports,
      labels: labels({
        'portolan.53.path': '/dns',
        'portolan.53/udp.path': '/dns',
        'portolan.80.path': '/dns',
      }),
    });
    expect(found).toEqual([
      `/dns/${ID} 10.0.0.5 8053 portolan`,
      `/dns/${ID}-53-tcp-1 2001:db8::5 8053 portolan`,
      `/dns/${ID}-53-udp-0 10.0.0.5 8053 portolan`,
      `/dns/${ID}-80-tcp-0 10.0.0.5 8080 portolan`,
    ]);
  });

  it('gives the bare id to an address that other hosts see, not to loopback', () => {
    const { endpoints } = told({
      ports: [tcp(70, '127.0.0.1'), tcp(80)],
      labels: labels({ 'portolan.70.path': '/x', 'portolan.80.path': '/x' }),
    });
    expect(endpoints.map(({ endpoint }) => [endpoint.keyId, endpoint.scope])).toEqual([
      [ID, 'routable'],
      [`${ID}-70-tcp-0`, 'host'],
    ]);
  });

  it('keeps the ids of its endpoints when the host loses an address', () => {
    const ids = (host: DescribeContext['host']) =>
      told({ ports: [tcp(80, '0.0.0.0', '::')] }, { host }).endpoints.map(({ endpoint }) =>
        endpoint.id.slice(64),
      );
    expect(ids(context.host)).toEqual(['/box/80-tcp-0', '/box/80-tcp-1']);
    expect(ids({ ipv4: undefined, ipv6: '2001:db8::5', origin: 'literal' })).toEqual(['/box/80-tcp-1']);
  });
});

suite('several dialects on one container', () => {
  const env = labels({ ANNOUNCE_PATH: '/web', PORT: '80' });

  it('share a port under different paths, and the first keeps a path that both claim', () => {
    expect(told({ env, ports: [tcp(80)], labels: labels({ 'portolan.80.path': '/other' }) }).found).toEqual([
      `/other/${ID} 10.0.0.5 8080 portolan`,
      `/web/${ID} 10.0.0.5 8080 announce`,
    ]);
    const same = told({
      env,
      ports: [tcp(80)],
      labels: labels({ 'portolan.80.path': '/web', 'portolan.80.weight': '7' }),
    });
    expect(same.found).toEqual([`/web/${ID} 10.0.0.5 8080 portolan`]);
    expect(same.codes).toEqual(['claimed-by-other-dialect', 'claimed-by-other-dialect']);
  });

  it('leave plain names to ports that no metadata speaks about', () => {
    const { found, codes } = told({ env, ports: [tcp(80), tcp(90)] });
    expect(found).toEqual([`/box/90/${ID} 10.0.0.5 8090 published`, `/web/${ID} 10.0.0.5 8080 announce`]);
    expect(codes).toEqual(['claimed-by-other-dialect']);
  });

  it('give no plain name to a port whose own name is mistaken, and do not harm each other', () => {
    const { found, codes } = told({
      env,
      ports: [tcp(80), tcp(90)],
      labels: labels({ 'portolan.80.path': '../x', 'portolan.90.path': '' }),
    });
    expect(found).toEqual([`/web/${ID} 10.0.0.5 8080 announce`]);
    expect(codes).toEqual(['claimed-by-other-dialect', 'claimed-by-other-dialect']);
  });

  it('all leave a port out that a label disables', () => {
    const { found, codes } = told({
      env,
      ports: [tcp(80)],
      labels: labels({ 'portolan.80.enable': 'false' }),
    });
    expect([found, codes]).toEqual([[], ['disabled', 'disabled']]);
  });

  it('are read in their order of precedence, and one that is switched off says so', () => {
    const { readings, found } = told({ env, ports: [tcp(80)] }, { disabledDialects: ['announce'] });
    expect(readings.map(({ dialect }) => dialect)).toEqual(['portolan', 'announce', 'published']);
    expect(readings[1]?.reasons.map(({ code }) => code)).toEqual(['dialect-off']);
    expect(found).toEqual([`/box/${ID} 10.0.0.5 8080 published`]);
  });
});

suite('a container that offers nothing', () => {
  it('does not run', () => {
    for (const state of ['created', 'exited', 'dead', 'restarting', 'removing'] as const)
      expect(told({ state })).toMatchObject({ found: [], codes: ['not-running'] });
    expect(told({ state: 'paused' }).found).toHaveLength(1);
  });

  it('asked to be left out, whatever dialects are on', () => {
    const off = { labels: labels({ 'portolan.enable': 'false', 'portolan.path': '/x' }) };
    expect(told(off)).toMatchObject({ found: [], codes: ['disabled'] });
    expect(told(off, { disabledDialects: ['portolan'] })).toMatchObject({ found: [], codes: ['disabled'] });
    expect(told({ labels: labels({ 'portolan.enable': 'maybe' }) })).toMatchObject({
      found: [],
      codes: ['bad-value'],
    });
  });

  it('is a one-off of compose, unless that is asked for', () => {
    const oneOff = { 'com.docker.compose.oneoff': 'True' };
    expect(told({ labels: labels(oneOff) })).toMatchObject({ found: [], codes: ['one-off'] });
    expect(told({ labels: labels(oneOff) }, { oneOff: true }).found).toHaveLength(1);
    expect(told({ labels: labels({ ...oneOff, 'portolan.enable': 'true' }) }).found).toHaveLength(1);
    expect(told({ labels: labels({ 'com.docker.compose.oneoff': 'False' }) }).found).toHaveLength(1);
  });

  it('waits while the engine still chooses host ports, for names depend on all ports', () => {
    expect(told({ provisional: true, portsIncomplete: true })).toMatchObject({
      found: [],
      codes: ['provisional'],
    });
    expect(told({ provisional: true }).found).toHaveLength(1);
  });

  it('shares a network whose owner is not known; labels still say what it would offer', () => {
    const sidecar = {
      networkMode: `container:${container(9).id}`,
      labels: labels({ 'portolan.80.path': '/x' }),
    };
    expect(told(sidecar)).toMatchObject({ found: [], codes: ['network-owner-unknown'] });
    const owner = container(9, { ports: [tcp(80)] });
    const find = (id: string) => (id === owner.id ? owner : undefined);
    expect(told(sidecar, { find }).found).toEqual([`/x/${ID} 10.0.0.5 8080 portolan`]);
    expect(told(sidecar, { find: () => ({ ...owner, portsIncomplete: true }) }).codes).toEqual([
      'provisional',
    ]);
  });
});
