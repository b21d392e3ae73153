import { describe, expect, it } from 'vitest';
import { announcement, announcementKey, announcer, describing, PATH } from '../../test/kit/announcing.ts';
import { container, containerId } from '../../test/kit/containers.ts';
import { whyClosed } from './announced.ts';
import type { AnnouncementWord, Hearsay } from './announcement.ts';

/** What stands at some keys; elsewhere nothing does. */
const hearing = (
  words: Readonly<Record<string, AnnouncementWord>>,
  shared: readonly string[] = [],
): Hearsay => ({
  word: (key) => words[key] ?? { type: 'absent' },
  isShared: (name) => shared.includes(name),
});
const here = (value: string): AnnouncementWord => ({ type: 'here', value });
const of = (words: Parameters<typeof hearing>[0], env?: Record<string, string>, over = {}) =>
  describing()(container(1, { ...announcer(env), ...over }), () => undefined, hearing(words));
const [KEY, LONG] = [announcementKey(1), announcementKey(1, containerId(1))];

describe('an announcement', () => {
  it.each([
    ['no JSON', 'its announcement is no JSON object'],
    ['[80]', 'its announcement has no PORT'],
    ['{"TYPE":"HTTP"}', 'its announcement has no PORT'],
    ['{"PORT":"080"}', 'the PORT of its announcement is not a number from 1 to 65535'],
    ['{"PORT":1e9}', 'the PORT of its announcement is not a number from 1 to 65535'],
    [announcement(1, { PORT: '81' }), 'its port 81 is not a port of this container; it has 80/tcp'],
    [announcement(1, { TYPE: 'UDP' }), 'its port 80 is not a port of this container; it has 80/tcp'],
  ])('that says %s is refused with the reason', (value, why) => {
    const [its] = of({ [KEY]: here(value) }).endpoints;
    expect(its?.gate).toMatchObject({ state: 'closed', why: `${why} (${KEY})` });
  });

  it('takes numbers and any case, and leaves what it does not say to metadata', () => {
    const type = (value: object, TYPE = 'HTTP') =>
      of({ [KEY]: here(JSON.stringify(value)) }, { PORT: '80', TYPE }).endpoints[0]?.endpoint.service.type;
    expect([
      type({ PORT: 80, TYPE: 'tcp' }),
      type({ PORT: '80' }),
      type({ PORT: '80', TYPE: 'SCTP' }),
      type({ PORT: '80', TYPE: 7 }, 'TCP'),
    ]).toEqual(['TCP', 'HTTP', 'HTTP', 'TCP']);
  });

  it('may name any port of a container with an address of its own', () => {
    const labels = new Map([
      ['portolan.80.path', PATH],
      ['portolan.address', 'container'],
      ['portolan.announce', 'container'],
    ]);
    const said = { [KEY]: here(announcement(1, { PORT: 9 })) };
    const [its] = of(said, {}, { labels }).endpoints;
    expect(its).toMatchObject({ gate: { state: 'open' }, endpoint: { port: 9, ip: '172.17.0.2' } });
  });

  it('chooses among several services of its path, and withholds the plain names of the others', () => {
    const ports = [80, 81].map((port) => ({
      ...{ port, protocol: 'tcp' as const },
      bindings: [{ hostIp: '0.0.0.0', hostPort: 40_000 + port }],
    }));
    const env = { PORT: '80', ANNOUNCE_81_PATH: PATH };
    const found = of({ [KEY]: here(announcement(1, { PORT: 81 })) }, env, { ports });
    expect(found.endpoints.map(({ endpoint }) => [endpoint.service.path.at(-1), endpoint.port])).toEqual([
      ['web', 40_081],
    ]);
  });

  it('by id goes before one by host name, and what stands before what lapsed', () => {
    const over = { hostname: 'web' };
    const byName = announcementKey(1, 'web');
    const gate = (words: Parameters<typeof hearing>[0]) => of(words, undefined, over).endpoints[0]?.gate;
    const lapsed: AnnouncementWord = { type: 'lapsed', since: 1_000, value: announcement(1) };
    expect(gate({})?.key).toBe(byName);
    expect(gate({ [byName]: here(announcement(1)) })).toMatchObject({ key: byName, state: 'open' });
    expect(gate({ [LONG]: here(announcement(1)), [byName]: here('x') })?.key).toBe(LONG);
    expect(gate({ [KEY]: lapsed, [byName]: here(announcement(1)) })).toMatchObject({
      key: byName,
      state: 'open',
    });
    expect(gate({ [KEY]: lapsed, [byName]: { type: 'unread' } })).toMatchObject({
      key: KEY,
      state: 'closed',
    });
    expect(gate({ [byName]: { type: 'unread' } })?.state).toBe('unread');
  });

  it('that lapsed keeps its port, and tells since when it is gone', () => {
    const value = announcement(1);
    const [its] = of({ [KEY]: { type: 'lapsed', since: 1_000, value } }, {}).endpoints;
    expect(its?.endpoint.service.port).toBe(80);
    expect(its?.gate && whyClosed(its.gate, 4_000)).toBe(`its announcement at ${KEY} lapsed 3s ago`);
  });

  it('concerns no container that the agent announces', () => {
    const found = describing('agent')(container(1, announcer()), () => undefined, hearing({}));
    expect([found.announcementKeys, found.endpoints[0]?.gate]).toEqual([undefined, undefined]);
    const labels = new Map([['portolan.announce', 'agent']]);
    expect(of({}, { PORT: '80' }, { labels }).announcementKeys).toBeUndefined();
    const plain = describing()(container(2), () => undefined, hearing({}));
    expect([plain.announcementKeys, plain.endpoints.length]).toEqual([undefined, 1]);
  });
});
