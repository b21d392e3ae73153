import assert from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { announcement, describing } from '../../test/kit/announcing.ts';
import { checkPrototypes, hostileText, nearly, runs } from '../../test/kit/fuzz.ts';
import { hostileContainer } from '../../test/kit/hostile-containers.ts';
import { hostileJson, mutated } from '../../test/kit/hostile-json.ts';
import { announceLayout } from '../layout/announce.ts';
import type { AnnouncementWord } from './announcement.ts';
import type { Announcer } from './announcer.ts';
import type { Container } from './container.ts';
import { printable } from './printable.ts';

const sound = announcement(1);
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constant(sound) },
  mutated(JSON.parse(sound)).map((json) => JSON.stringify(json)),
  fc.constantFrom(53, 80, 443, 9090).map((PORT) => JSON.stringify({ PORT, TYPE: 'http' })),
  hostileJson.map((json) => JSON.stringify(json)),
  nearly(fc.constant(sound)),
  hostileText,
);
const word: fc.Arbitrary<AnnouncementWord> = fc.oneof(
  fc.constantFrom<AnnouncementWord>({ type: 'unread' }, { type: 'absent' }),
  { weight: 3, arbitrary: value.map((text): AnnouncementWord => ({ type: 'here', value: text })) },
  value.map((text): AnnouncementWord => ({ type: 'lapsed', since: 5, value: text })),
);
const announcing = fc
  .tuple(
    hostileContainer(1),
    fc.oneof(fc.constant('/internal/app1/dev/web'), hostileText),
    fc.constantFrom(undefined, '80', '9090', 'x'),
    fc.oneof(fc.constant('web'), hostileText),
  )
  .map(([of, path, port, hostname]): Container => {
    const env = new Map([...of.env, ['ANNOUNCE_PATH', path]]);
    return { ...of, hostname, env: port === undefined ? env : env.set('PORT', port) };
  });
const layout = announceLayout({ prefix: '/announce', leased: false });

describe('what a hostile container announces of itself', () => {
  it('counts only at its own keys and with its own port, whatever it says', () => {
    let open = 0;
    const by = fc.constantFrom<Announcer>('agent', 'container');
    const words = fc.array(word, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(announcing, by, words, fc.boolean(), (container, who, said, shared) => {
        const asked = new Map<string, AnnouncementWord>();
        const hear = (key: string): AnnouncementWord => {
          const at = asked.get(key) ?? said[asked.size % said.length] ?? { type: 'absent' };
          asked.set(key, at);
          return at;
        };
        const describeIt = () =>
          describing(who)(container, () => undefined, { word: hear, isShared: () => shared });
        const found = describeIt();
        assert.deepEqual(describeIt(), found);
        checkPrototypes();
        const { endpoints, announcementKeys = [], reasons } = found;
        assert.deepEqual(
          new Set([...asked.keys()].filter((key) => !announcementKeys.includes(key))),
          new Set(),
        );
        for (const key of announcementKeys) checkKey(key, container);
        for (const { message } of reasons) assert.equal(printable(message), message);
        for (const { endpoint, gate } of endpoints) {
          assert.equal(gate !== undefined, endpoint.service.announcer === 'container');
          if (gate === undefined) continue;
          assert.ok(announcementKeys.includes(gate.key));
          assert.equal(printable(gate.why), gate.why);
          const phase = { state: 'registered', cause: undefined, since: 0, until: undefined } as const;
          const own = layout.encode(endpoint, { ...phase, startedAt: undefined, offered: true }, OWNER);
          assert.equal(own, undefined);
          if (gate.state !== 'open') continue;
          open += 1;
          checkOpen(endpoint.service.port, asked.get(gate.key));
          if (gate.key.endsWith(`/${container.hostname}`) && !container.id.startsWith(container.hostname))
            assert.ok(!shared, gate.key);
        }
      }),
      runs(500),
    );
    assert.ok(open > 0, 'none was open');
  });
});

const OWNER = {
  owner: 'o',
  hostName: 'h',
  addresses: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
  version: '1',
};

function checkKey(key: string, { id, hostname }: Container): void {
  assert.ok(key.startsWith('/announce/'), key);
  const segments = key.slice('/announce/'.length).split('/');
  for (const segment of segments) assert.match(segment, /^(?!\.{1,2}$)[A-Za-z0-9._~:@+=-]{1,128}$/);
  assert.ok([id, id.slice(0, 12), hostname].includes(segments.at(-1) ?? ''), key);
}

/** What is open was said, as a document with that very port. */
function checkOpen(port: number, at: AnnouncementWord | undefined): void {
  assert.equal(at?.type, 'here');
  const { PORT } = JSON.parse(at.value) as { PORT: unknown };
  assert.equal(String(PORT), String(port));
}
