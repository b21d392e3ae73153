import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { Container, ContainerPort } from '../core/container.ts';
import { LABEL_KEYS, LABELS } from './labels.ts';
import { portolanDialect } from './portolan.ts';

const tcp = (port: number, hostPort?: number): ContainerPort => ({
  port,
  protocol: 'tcp',
  bindings: hostPort === undefined ? [] : [{ hostIp: '0.0.0.0', hostPort }],
});
const udp = (port: number, hostPort?: number): ContainerPort => ({ ...tcp(port, hostPort), protocol: 'udp' });

function read(
  labels: Record<string, string>,
  ports: readonly ContainerPort[] = [tcp(80, 8080)],
  over: Partial<Container> = {},
) {
  const of = container(1, { name: 'box', labels: new Map(Object.entries(labels)), ports, ...over });
  const reading = portolanDialect.read(of);
  return {
    ...reading,
    found: reading.services.map(
      ({ path, port, protocol, type }) => `/${path.join('/')} ${port}/${protocol} ${type}`,
    ),
    codes: reading.reasons.map(({ code }) => code),
    held: (reading.reserved ?? []).map(({ port, protocol, why }) => `${port}/${protocol} ${why}`),
    suggestions: reading.reasons.map(({ suggestion }) => suggestion),
    said: reading.reasons.map(({ message }) => message).join('\n'),
  };
}

describe('portolan labels of a container', () => {
  it('name its only port', () => {
    const { found, services, codes, used } = read({
      'portolan.path': '/internal/app1/dev/web/name',
      'portolan.type': 'http',
      'portolan.tags': 'b, a,b,',
      'portolan.weight': '10',
      'portolan.address': 'Container',
      'portolan.network': 'back',
      'portolan.family': 'ipv4',
    });
    expect(found).toEqual(['/internal/app1/dev/web/name 80/tcp HTTP']);
    expect(services[0]).toMatchObject({
      tags: ['a', 'b'],
      weight: 10,
      address: 'container',
      network: 'back',
      family: 'ipv4',
    });
    expect(codes).toEqual([]);
    expect(used.map(({ key }) => key)).toContain('portolan.path');
  });

  it('need portolan.port when it has several, and nothing is published under a name nobody asked for', () => {
    const several = read({ 'portolan.path': '/x' }, [tcp(80, 8080), tcp(90, 9090)]);
    expect([several.found, several.codes, several.held]).toEqual([
      [],
      ['missing-port'],
      ['80/tcp mistaken', '90/tcp mistaken'],
    ]);
    expect(several.said).toContain('80/tcp, 90/tcp');
    expect(
      read({ 'portolan.path': '/x', 'portolan.port': '90' }, [tcp(80, 8080), tcp(90, 9090)]).found,
    ).toEqual(['/x 90/tcp TCP']);
    expect(read({ 'portolan.path': '/x' }, []).codes).toEqual(['missing-port']);
  });

  it('mean the only published port although the image exposes more', () => {
    expect(read({ 'portolan.path': '/x' }, [tcp(80, 8080), tcp(9000)]).found).toEqual(['/x 80/tcp TCP']);
  });

  it('mean what is exposed when nothing is published or nothing has to be', () => {
    expect(read({ 'portolan.path': '/x' }, [tcp(9000)]).found).toEqual(['/x 9000/tcp TCP']);
    expect(read({ 'portolan.address': 'container' }, [tcp(80, 8080), tcp(9000)]).found).toEqual([
      '/box/80 80/tcp TCP',
      '/box/9000 9000/tcp TCP',
    ]);
  });

  it('without a path keep the default names of every offered port', () => {
    expect(read({ 'portolan.type': 'HTTP' }).found).toEqual(['/box 80/tcp HTTP']);
    const labels = {
      'portolan.tags': 'a',
      'com.docker.compose.project': 'shop',
      'com.docker.compose.service': 'web',
    };
    expect(read(labels, [tcp(80, 8080), udp(53, 53)]).found).toEqual([
      '/shop/web/53-udp 53/udp UDP',
      '/shop/web/80 80/tcp TCP',
    ]);
  });

  it('may name a UDP port', () => {
    expect(
      read({ 'portolan.path': '/dns', 'portolan.port': '53/udp' }, [tcp(53, 53), udp(53, 53)]).found,
    ).toEqual(['/dns 53/udp UDP']);
    expect(read({ 'portolan.path': '/dns', 'portolan.port': '53' }, [udp(53, 53)]).found).toEqual([
      '/dns 53/udp UDP',
    ]);
  });
});

describe('portolan labels of a port', () => {
  it('override those of the container', () => {
    const labels = {
      'portolan.type': 'HTTP',
      'portolan.weight': '1',
      'portolan.80.path': '/a',
      'portolan.90.path': '/b',
      'portolan.90.type': 'TCP',
      'portolan.90.weight': '2',
    };
    const { found, services } = read(labels, [tcp(80, 8080), tcp(90, 9090)]);
    expect(found).toEqual(['/a 80/tcp HTTP', '/b 90/tcp TCP']);
    expect(services.map(({ weight }) => weight)).toEqual([1, 2]);
  });

  it('add to the plain published port', () => {
    expect(read({ 'portolan.80.type': 'HTTP' }).found).toEqual(['/box 80/tcp HTTP']);
    expect(read({ 'portolan.80.type': 'HTTP' }, [tcp(80, 8080), tcp(90, 9090)]).found).toEqual([
      '/box/80 80/tcp HTTP',
    ]);
    expect(read({ 'portolan.99.type': 'HTTP' }).found).toEqual(['/box/99 99/tcp HTTP']);
  });

  it('take the path of the container, unless portolan.port gives it to another', () => {
    const two = [tcp(80, 8080), tcp(90, 9090)];
    expect(read({ 'portolan.path': '/x', 'portolan.80.type': 'HTTP' }, two).found).toEqual([
      '/x 80/tcp HTTP',
    ]);
    expect(
      read({ 'portolan.path': '/x', 'portolan.port': '90', 'portolan.80.type': 'HTTP' }, two).found,
    ).toEqual(['/box/80 80/tcp HTTP', '/x 90/tcp TCP']);
  });

  it('leave the other ports their plain names when a label means all of them', () => {
    const labels = { 'portolan.tags': 'a', 'portolan.80.path': '/x' };
    expect(read(labels, [tcp(80, 8080), tcp(90, 9090)]).found).toEqual([
      '/x 80/tcp TCP',
      '/box/90 90/tcp TCP',
    ]);
  });

  it('tell UDP from TCP', () => {
    const ports = [tcp(53, 53), udp(53, 53)];
    expect(read({ 'portolan.53/udp.path': '/u', 'portolan.53.path': '/t' }, ports).found).toEqual([
      '/t 53/tcp TCP',
      '/u 53/udp UDP',
    ]);
    expect(read({ 'portolan.53.path': '/u' }, [udp(53, 53)]).found).toEqual(['/u 53/udp UDP']);
    expect(read({ 'portolan.80.path': '/a', 'portolan.80/tcp.path': '/b' }).found).toEqual(['/b 80/tcp TCP']);
    expect(read({ 'portolan.9.path': '/a' }, []).found).toEqual(['/a 9/tcp TCP']);
  });

  it('leave the port out of every dialect with enable=false', () => {
    const { found, codes, held } = read({ 'portolan.80.enable': 'false', 'portolan.90.path': '/b' }, [
      tcp(80, 8080),
      tcp(90, 9090),
    ]);
    expect([found, codes, held]).toEqual([['/b 90/tcp TCP'], ['disabled'], ['80/tcp disabled']]);
  });
});

describe('bad values', () => {
  it('leave out what they speak about and nothing else', () => {
    const { found, codes, held, said } = read({ 'portolan.80.path': '../x', 'portolan.90.path': '/b' }, [
      tcp(80, 8080),
      tcp(90, 9090),
    ]);
    expect([found, codes, held]).toEqual([['/b 90/tcp TCP'], ['bad-path'], ['80/tcp mistaken']]);
    expect(said).toContain('portolan.80.path: "../x" segment ".." is a relative path; write a path such as');
  });

  it('of paths are told apart', () => {
    for (const path of [
      '',
      '/',
      '/a/../b',
      '/a b',
      '/a\nb',
      '/a\u0000',
      '/é',
      `/${'a'.repeat(129)}`,
      '/a'.repeat(17),
      'a'.repeat(5000),
    ])
      expect([path, read({ 'portolan.path': path }).codes]).toEqual([path, ['bad-path']]);
  });

  it('of address, network and port leave the service out', () => {
    for (const [key, value] of [
      ['address', 'bridge'],
      ['network', 'a b'],
      ['network', ''],
      ['port', '080'],
      ['port', '70000'],
      ['port', '80/sctp'],
    ] as const) {
      const { found, codes, held } = read({ 'portolan.path': '/x', [`portolan.${key}`]: value });
      expect([key, found, codes, held]).toEqual([key, [], ['bad-value'], ['80/tcp mistaken']]);
    }
  });

  it('of type, weight, tags and family fall back to the default', () => {
    for (const [key, value] of [
      ['type', 'FTP'],
      ['weight', '257'],
      ['weight', '-1'],
      ['weight', '1e2'],
      ['tags', 'a;b'],
      ['tags', 'a\nb'],
      ['family', 'ipv5'],
    ] as const) {
      const { found, codes, services, said } = read({ 'portolan.path': '/x', [`portolan.${key}`]: value });
      expect([key, found, codes]).toEqual([key, ['/x 80/tcp TCP'], ['bad-value']]);
      expect(services[0]).toMatchObject({ weight: undefined, tags: [], family: undefined });
      expect(said).toContain(`portolan.${key}`);
    }
  });

  it('of the container do no harm where the port says better', () => {
    expect(
      read({ 'portolan.address': 'x', 'portolan.80.address': 'host', 'portolan.80.path': '/a' }).found,
    ).toEqual(['/a 80/tcp TCP']);
  });

  it('of enable leave out, for they may have meant no', () => {
    expect(read({ 'portolan.80.enable': 'nope', 'portolan.80.path': '/a' })).toMatchObject({
      found: [],
      codes: ['bad-value'],
      held: ['80/tcp disabled'],
    });
    expect(read({ 'portolan.enable': '0', 'portolan.path': '/a' })).toMatchObject({
      found: [],
      codes: ['bad-value'],
    });
  });

  it('are types that do not fit the protocol, unless another port may be meant', () => {
    expect(read({ 'portolan.80.type': 'UDP' })).toMatchObject({
      found: ['/box 80/tcp TCP'],
      codes: ['bad-value'],
    });
    expect(read({ 'portolan.path': '/a', 'portolan.type': 'UDP' })).toMatchObject({
      found: ['/a 80/tcp TCP'],
      codes: ['bad-value'],
    });
    expect(read({ 'portolan.type': 'HTTP' }, [tcp(80, 80), udp(80, 80)])).toMatchObject({
      found: ['/box/80 80/tcp HTTP', '/box/80-udp 80/udp UDP'],
      codes: [],
    });
  });
});

describe('misspelt labels', () => {
  it('are reported with the nearest right one, and the rest goes on', () => {
    const near: Record<string, string> = {
      'portolan.pth': 'portolan.path',
      'portolan.Path': 'portolan.path',
      'portolan.adress': 'portolan.address',
      'portolan.80.tpye': 'portolan.80.type',
      'portolan.53/udp.paht': 'portolan.53/udp.path',
      'portolan.80/tpc.path': 'portolan.80/tcp.path',
      'portolan.path.80': 'portolan.80.path',
      'portolan.80': 'portolan.80.path',
      'portolan.http.path': 'portolan.<port>.path',
      'Portolan.path': 'portolan.path',
      'portolan.ports': 'portolan.port',
    };
    for (const [label, right] of Object.entries(near)) {
      const { codes, suggestions, found } = read({ [label]: '/x', 'portolan.80.path': '/y' });
      expect([label, codes, suggestions, found]).toEqual([
        label,
        ['unknown-key'],
        [right],
        ['/y 80/tcp TCP'],
      ]);
    }
  });

  it('are reported even when nothing is near', () => {
    for (const label of [
      'portolan.demo',
      'portolan.test',
      'portolan.',
      'portolan.80.',
      'portolan.constructor',
      'portolan.__proto__',
      `portolan.${'x'.repeat(500)}`,
    ]) {
      const { codes, suggestions } = read({ [label]: 'x' });
      expect([label, codes, suggestions]).toEqual([label, ['unknown-key'], [undefined]]);
    }
  });

  it('that name no port or one for SCTP say so', () => {
    expect(read({ 'portolan.0.path': '/x' }).codes).toEqual(['bad-value']);
    expect(read({ 'portolan.080.path': '/x' }).codes).toEqual(['bad-value']);
    expect(read({ 'portolan.99999.path': '/x' }).codes).toEqual(['bad-value']);
    expect(read({ 'portolan.80/sctp.path': '/x' }).codes).toEqual(['protocol-unsupported']);
  });
});

describe('a container as a whole', () => {
  it('is absent without labels, disabled with enable=false, and speaks about no port with enable=true alone', () => {
    expect(read({ other: 'x' }).codes).toEqual(['dialect-absent']);
    expect(read({ 'portolan.enable': 'FALSE', 'portolan.path': '/x' })).toMatchObject({
      codes: ['disabled'],
      found: [],
    });
    expect(read({ 'portolan.enable': 'true' })).toMatchObject({ codes: ['no-service'], found: [] });
  });

  it('keeps no value of a label', () => {
    expect(JSON.stringify(read({ 'portolan.path': '/geheim' }).used)).not.toContain('geheim');
  });
});

describe('the table of labels', () => {
  it('gives an example for each that its own schema accepts', () => {
    for (const key of LABEL_KEYS) {
      const { example, schema } = LABELS[key];
      expect(example.startsWith(`portolan.${key}=`)).toBe(true);
      expect(schema.safeParse(example.slice(example.indexOf('=') + 1)).success).toBe(true);
    }
  });
});
