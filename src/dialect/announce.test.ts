import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import type { ContainerPort } from '../core/container.ts';
import { announceDialect } from './announce.ts';

const port = (number: number, protocol: ContainerPort['protocol'] = 'tcp'): ContainerPort => ({
  port: number,
  protocol,
  bindings: [{ hostIp: '0.0.0.0', hostPort: number }],
});

function read(env: Record<string, string>, ports: readonly ContainerPort[] = [port(80)]) {
  const reading = announceDialect.read(container(1, { env: new Map(Object.entries(env)), ports }));
  return {
    ...reading,
    found: reading.services.map(
      ({ path, port, protocol, type }) => `/${path.join('/')} ${port}/${protocol} ${type}`,
    ),
    codes: reading.reasons.map(({ code }) => code),
    held: (reading.reserved ?? []).map(({ port, protocol, why }) => `${port}/${protocol} ${why}`),
    suggestions: reading.reasons.map(({ suggestion }) => suggestion),
    keys: reading.used.map(({ key }) => key),
  };
}

describe('the announce variables', () => {
  it('announce a path, a port and a type', () => {
    const { found, codes, keys } = read({
      ANNOUNCE_PATH: '/internal/app1/dev/web/ghost.example',
      PORT: '2368',
      TYPE: 'http',
    });
    expect(found).toEqual(['/internal/app1/dev/web/ghost.example 2368/tcp HTTP']);
    expect([codes, keys]).toEqual([[], ['ANNOUNCE_PATH', 'PORT', 'TYPE']]);
  });

  it('default to the only exposed TCP port and to TCP', () => {
    expect(read({ ANNOUNCE_PATH: '/a' }, [port(80), port(53, 'udp')]).found).toEqual(['/a 80/tcp TCP']);
  });

  it('need PORT when there are several ports or none, and withhold the plain names', () => {
    expect(read({ ANNOUNCE_PATH: '/a' }, [port(80), port(90)])).toMatchObject({
      found: [],
      codes: ['missing-port'],
      held: ['80/tcp mistaken', '90/tcp mistaken'],
    });
    expect(read({ ANNOUNCE_PATH: '/a' }, [])).toMatchObject({ found: [], codes: ['missing-port'] });
  });

  it('announce several ports, one of them in both forms', () => {
    const env = {
      ANNOUNCE_PATH: '/a',
      PORT: '80',
      ANNOUNCE_80_PATH: '/b',
      ANNOUNCE_90_PATH: '/c',
      ANNOUNCE_90_TYPE: 'HTTP',
      ANNOUNCE_80_TYPE: 'HTTP',
      TYPE: 'TCP',
    };
    expect(read(env).found).toEqual(['/a 80/tcp TCP', '/b 80/tcp HTTP', '/c 90/tcp HTTP']);
    expect(read({ ANNOUNCE_90_PATH: '/c', TYPE: 'HTTP' }).found).toEqual(['/c 90/tcp HTTP']);
    expect(read({ ANNOUNCE_PATH: '/a', ANNOUNCE_80_TYPE: 'HTTP' })).toMatchObject({
      found: ['/a 80/tcp HTTP'],
      codes: [],
    });
  });

  it('are absent when nothing is set, or set to nothing', () => {
    expect(read({ PORT: '80', TYPE: 'HTTP' }).codes).toEqual(['dialect-absent']);
    expect(read({ ANNOUNCE_PATH: '' }).codes).toEqual(['dialect-absent']);
    expect(read({ ANNOUNCE_PATH: '/a', PORT: '', TYPE: '' }).found).toEqual(['/a 80/tcp TCP']);
  });

  it('report what cannot be read, and the others go on', () => {
    const env = {
      ANNOUNCE_PATH: '/a/../b',
      PORT: '80',
      ANNOUNCE_90_PATH: '/c',
      ANNOUNCE_70000_PATH: '/d',
      ANNOUNCE_91_TYPE: 'HTTP',
    };
    const { found, codes, held } = read(env);
    expect(found).toEqual(['/c 90/tcp TCP']);
    expect(codes).toEqual(['bad-path', 'bad-value', 'missing-path']);
    expect(held).toEqual(['80/tcp mistaken']);
    expect(read({ ANNOUNCE_PATH: '/a', PORT: 'eighty' })).toMatchObject({ found: [], codes: ['bad-value'] });
    expect(read({ ANNOUNCE_PATH: '/a', ANNOUNCE_90_PATH: '/b', PORT: '80', TYPE: 'SMTP' })).toMatchObject({
      found: ['/a 80/tcp TCP', '/b 90/tcp TCP'],
      codes: ['bad-value'],
    });
  });

  it('that are too long are not taken for what they begin with', () => {
    const far = ' '.repeat(5000);
    expect(read({ ANNOUNCE_PATH: `/a${'/'.repeat(5000)}b` })).toMatchObject({
      found: [],
      codes: ['bad-path'],
    });
    expect(read({ ANNOUNCE_PATH: '/a', PORT: `80${far}1` })).toMatchObject({
      found: [],
      codes: ['bad-value'],
    });
    expect(read({ ANNOUNCE_PATH: `${far}/a` }).codes).toEqual(['bad-path']);
  });

  it('are reported when misspelt, without their value', () => {
    const near: Record<string, string | undefined> = {
      ANNOUNCE_PAHT: 'ANNOUNCE_PATH',
      announce_path: 'ANNOUNCE_PATH',
      ANNOUNCE_PORT: 'PORT',
      ANNOUNCE_TYPE: 'TYPE',
      ANNOUNCE_PATH_80: 'ANNOUNCE_80_PATH',
      ANNOUNCE_80_PTH: 'ANNOUNCE_80_PATH',
      ANNOUNCE_80_: undefined,
      ANNOUNCE_INTERVAL: undefined,
    };
    for (const [name, right] of Object.entries(near)) {
      const { codes, suggestions, reasons } = read({ [name]: 'hunter2' });
      expect([name, codes, suggestions]).toEqual([name, ['unknown-key'], [right]]);
      expect(JSON.stringify(reasons)).not.toContain('hunter2');
    }
  });
});
