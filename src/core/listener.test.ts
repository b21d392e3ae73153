import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ackName, type DrainAck, type Listener, parseAck, parseCard, restsOf } from './listener.ts';

const ONE = '/services/a/web/one';
const TWO = '/services/a/web/two';

function listener(paths: readonly string[], ...acks: readonly Partial<DrainAck>[]): Listener {
  const whole = acks.map((ack) => ({
    ...{ proxy: 'edge', key: ONE, revision: '10', sessions: 0, held: false },
    ...ack,
  }));
  return {
    ...{ id: 'x', instance: 'i', host: 'web-1', version: '1', since: 1 },
    proxies: [{ name: 'edge', paths }],
    acks: new Map(whole.map((ack) => [ackName(ack.proxy, ack.key), ack])),
  };
}

const drained = (...keys: readonly string[]) => keys.map((key) => ({ key, revision: '10' }));
const rest = (one: Listener, ...keys: readonly string[]) => restsOf([one], drained(...keys));

describe('what proxies have left of drained records', () => {
  it('concerns only those that serve one of them', () => {
    expect(rest(listener(['/services/a/']), ONE)).toHaveLength(1);
    expect(rest(listener(['/services/b/', '/services/a/we/']), ONE)).toEqual([]);
    expect(rest(listener(['/services/']))).toEqual([]);
  });

  it('is nothing when each has no session and follows the record at least as it says so', () => {
    const nothing = [{ proxy: 'edge on web-1', why: undefined, held: false }];
    expect(rest(listener(['/services/'], {}), ONE)).toEqual(nothing);
    expect(rest(listener(['/services/'], { revision: '100' }), ONE)).toEqual(nothing);
    const earlier = listener(['/services/'], { revision: '9' });
    expect(rest(earlier, ONE)).toMatchObject([{ why: `${ONE} not taken out yet`, held: false }]);
    const other = listener(['/services/'], { proxy: 'other' });
    expect(rest(other, ONE)).toMatchObject([{ why: `${ONE} not taken out yet` }]);
  });

  it('is told with its sessions, and held only where nothing else is left', () => {
    const held = listener(['/services/'], { held: true, sessions: 4 }, { key: TWO, held: true });
    expect(rest(held, ONE, TWO)).toMatchObject([
      { why: `held: last server (${ONE} and 1 more)`, held: true },
    ]);
    const busy = listener(['/services/'], { held: true }, { key: TWO, sessions: 3 });
    expect(rest(busy, ONE, TWO)).toMatchObject([
      { why: `3 open session(s); held: last server (${ONE})`, held: false },
    ]);
    const silent = listener(['/services/'], { held: true });
    expect(rest(silent, ONE, TWO)).toMatchObject([{ held: false }]);
  });
});

describe('what stands below the keys of listeners', () => {
  it('is read or left out, whatever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        expect(parseAck(json)).toBeUndefined();
        expect(parseCard(json)).toBeUndefined();
      }),
    );
    expect(parseAck({ proxy: 'p', key: 'k', revision: '-1', sessions: 0, held: false })).toBeUndefined();
    expect(parseAck({ proxy: 'p', key: 'k', revision: '1', sessions: -1, held: false })).toBeUndefined();
  });
});
