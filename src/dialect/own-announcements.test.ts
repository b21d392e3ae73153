import { describe, expect, it } from 'vitest';
import { announceLayout } from '../layout/announce.ts';
import { readOwnAnnouncements } from './own-announcements.ts';

const read = (env: Readonly<Record<string, string>>, hostname = '0ce60d000eac') =>
  readOwnAnnouncements(new Map(Object.entries(env)), hostname);
const written = (env: Readonly<Record<string, string>>) => {
  const layout = announceLayout({ prefix: '/announce', leased: true });
  const owner = {
    owner: 'o',
    hostName: 'h',
    version: '1',
    addresses: { ipv4: undefined, ipv6: undefined, origin: '' },
  };
  const phase = {
    state: 'announced',
    cause: undefined,
    since: 0,
    until: undefined,
    startedAt: undefined,
  } as const;
  return read(env).endpoints.map((endpoint) => layout.encode(endpoint, { ...phase, offered: false }, owner));
};

describe('what a process announces of itself', () => {
  it('is the document of announce-service, byte for byte', () => {
    expect(
      written({ ANNOUNCE_PATH: '/internal/app1/dev/web/ghost.example', PORT: '80', TYPE: 'HTTP' }),
    ).toEqual([
      {
        key: '/announce/internal/app1/dev/web/ghost.example/0ce60d000eac',
        value:
          '{"ID":"0ce60d000eac","APP":"app1","ENV":"dev","SERVICE":"web","NAME":"ghost.example","PORT":"80","TYPE":"HTTP"}',
      },
    ]);
  });

  it('is one record for each port, and two ports of one path have two names', () => {
    const env = {
      ANNOUNCE_8081_PATH: '/a/dev/web',
      ANNOUNCE_8080_PATH: '/a/dev/web',
      ANNOUNCE_70_PATH: '/a/dev/db',
    };
    expect(written(env).map((record) => record?.key)).toEqual([
      '/announce/a/dev/db/0ce60d000eac',
      '/announce/a/dev/web/0ce60d000eac',
      '/announce/a/dev/web/0ce60d000eac-8081-tcp-0',
    ]);
  });

  it('is nothing without a path, and nobody but the engine knows which ports a container exposes', () => {
    expect(read({ PORT: '80' })).toMatchObject({ endpoints: [], reasons: [{ code: 'dialect-absent' }] });
    expect(read({ ANNOUNCE_PATH: '/a/b' })).toMatchObject({
      endpoints: [],
      reasons: [{ message: 'ANNOUNCE_PATH needs PORT, the port of this container that it means' }],
    });
  });

  it('leaves out what is wrong, with the reason, and takes the rest', () => {
    const reading = read({ ANNOUNCE_PATH: '/a/b', PORT: '80', ANNOUNCE_81_PATH: '/a/$(x)' });
    expect(reading.endpoints.map(({ port }) => port)).toEqual([80]);
    expect(reading.reasons).toMatchObject([{ code: 'bad-path', about: 'ANNOUNCE_81_PATH' }]);
  });

  it('is nothing under a host name that cannot stand in a key', () => {
    expect(read({ ANNOUNCE_PATH: '/a/b', PORT: '80' }, 'a/b')).toMatchObject({
      endpoints: [],
      reasons: [{ message: expect.stringContaining('--hostname') as string }],
    });
  });
});
