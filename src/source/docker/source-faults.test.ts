import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SourceProbe } from '../../../test/kit/source-probe.ts';
import { ok } from '../../core/failure.ts';

let probe: SourceProbe;

beforeEach(() => {
  probe = new SourceProbe();
});

afterEach(async () => {
  expect(await probe.stop()).toBe(0);
});

describe('connection', () => {
  it('reconnects at once after a cut, and explains what happened meanwhile', async () => {
    const id = probe.engine.run({ name: 'web' });
    await probe.begin();
    await probe.clock.advance(1_000);
    probe.engine.failNext('events', 1);
    const heard = await probe.during(() => {
      probe.engine.cut();
      probe.engine.stop(id);
      probe.engine.run({ name: 'new' });
    }, 5_000);
    expect(heard).toContain('died 1');
    expect(heard).toContain('seen new running');
    expect(heard.at(-1)).toBe('listed 0');
    expect(probe.source.status()).toMatchObject({ connected: true, reconnects: 1 });
  });

  it('says nothing when only the stream was lost and nothing changed', async () => {
    probe.engine.run({ name: 'web' });
    await probe.begin();
    await probe.clock.advance(20_000);
    expect(
      await probe.during(() => {
        probe.engine.cut();
      }),
    ).toEqual(['listed 0']);
  });

  it('says unknown once while the engine is away, and lists when it is back', async () => {
    probe.engine.run({ name: 'web' });
    await probe.begin();
    expect(
      await probe.during(() => {
        probe.engine.goAway();
      }, 60_000),
    ).toEqual(['unknown docker-unreachable']);
    expect(probe.source.status()).toMatchObject({
      connected: false,
      failure: { code: 'docker-unreachable' },
    });
    probe.engine.quietly(() => probe.engine.run({ name: 'new' }));
    expect(
      await probe.during(() => {
        probe.engine.comeBack();
      }, 10_000),
    ).toEqual(['seen new running', 'listed 1']);
    expect(probe.source.status()).toMatchObject({ connected: true, failure: undefined });
  });

  it('says unknown from the start when there is no engine', async () => {
    probe.engine.goAway();
    await probe.begin();
    await probe.clock.advance(10_000);
    expect(probe.words()).toEqual(['unknown docker-unreachable']);
    expect(
      await probe.during(() => {
        probe.engine.comeBack();
      }, 10_000),
    ).toEqual(['listed 0']);
  });

  it('takes an engine that hangs for away', async () => {
    await probe.begin();
    expect(
      await probe.during(() => {
        probe.engine.hang();
      }, 16_000),
    ).toEqual(['unknown docker-timeout']);
    expect(
      await probe.during(() => {
        probe.engine.comeBack();
      }, 20_000),
    ).toContain('listed 0');
  });

  it('goes on when one inspection hangs', async () => {
    const id = probe.engine.run({ name: 'stuck' });
    probe.engine.run({ name: 'web' });
    probe.engine.hold(`inspect ${id}`);
    await probe.begin();
    await probe.clock.advance(4_000);
    expect(probe.words()).toEqual(['seen web running']);
    expect(await probe.during(() => undefined, 2_000)).toEqual(['listed 0']);
    expect(probe.said.at(-1)).toMatchObject({ unread: [id] });
  });

  it('does not keep asking an engine that is away', async () => {
    probe.engine.goAway();
    await probe.begin();
    await probe.clock.advance(60_000);
    expect(probe.calls('version')).toBeLessThan(25);
  });
});

describe('events that cannot be read', () => {
  it('make it list at once, for one of them may have told something', async () => {
    await probe.begin();
    probe.engine.quietly(() => probe.engine.run({ name: 'new' }));
    expect(
      await probe.during(() => {
        probe.engine.mumble('{"Type":"container","Action":\n');
      }),
    ).toEqual(['seen new running', 'listed 1']);
  });

  it('do not keep it listing, however many there are', async () => {
    await probe.begin();
    const before = probe.calls('list');
    for (let n = 0; n < 100; n += 1) {
      probe.engine.mumble('rubbish\n');
      await probe.clock.advance(100);
    }
    expect(probe.calls('list') - before).toBeLessThan(4);
  });
});

describe('replay', () => {
  it.each([0, 3_600_000, -3_600_000])(
    'finds a silently dead stream with clocks %i ms apart',
    async (offset) => {
      probe.engine.clockOffsetMs = offset;
      await probe.begin();
      await probe.clock.advance(30_000);
      probe.engine.deafen();
      probe.engine.run({ name: 'unheard' });
      expect(await probe.during(() => undefined, 12_000)).toEqual(
        expect.arrayContaining(['seen unheard running', 'listed 0']),
      );
      expect(probe.source.status().reconnects).toBe(1);
    },
  );

  it('leaves a living stream alone, busy or quiet', async () => {
    await probe.begin();
    for (let n = 0; n < 30; n += 1) {
      probe.engine.run();
      await probe.clock.advance(3_000);
    }
    await probe.clock.advance(60_000);
    expect(probe.source.status().reconnects).toBe(0);
    expect(probe.calls('events')).toBe(1);
    expect(probe.calls('replay')).toBeGreaterThanOrEqual(14);
  });

  it('does not say a signal again after a reconnect', async () => {
    const id = probe.engine.run({ stubborn: true });
    await probe.begin();
    probe.engine.kill(id, 15);
    await probe.clock.advance(120_000);
    expect(
      await probe.during(() => {
        probe.engine.cut();
      }, 1_000),
    ).toEqual(['listed 0']);
  });
});

describe('lookup', () => {
  it('finds any container by name, id and prefix', async () => {
    const id = probe.engine.create({ name: 'idle' });
    const never = new AbortController().signal;
    await probe.begin();
    for (const reference of ['idle', id, id.slice(0, 63), '/idle']) {
      expect(await probe.source.lookup(reference, never)).toMatchObject({
        ok: true,
        value: { name: 'idle', state: 'created' },
      });
    }
    expect(await probe.source.lookup('nobody', never)).toEqual({ ok: true, value: undefined });
  });
});

describe('what the engine says', () => {
  it.each([3_600_000, -3_600_000])(
    'tells the time of an event by our own clock, though that of the engine is %i ms off',
    async (offset) => {
      probe.engine.clockOffsetMs = offset;
      const id = probe.engine.run({ name: 'web' });
      await probe.begin();
      await probe.during(() => {
        probe.engine.kill(id, 15);
      }, 100);
      const [stopping] = probe.said.filter(({ type }) => type === 'stopping');
      expect(Math.abs((stopping as { at: number }).at - probe.clock.now())).toBeLessThan(2000);
    },
  );

  it('Unknown is not empty: a list with an unreadable row ends no container', async () => {
    probe.engine.run({ name: 'web' });
    await probe.begin();
    const list = probe.engine.list.bind(probe.engine);
    probe.engine.list = async (signal) => {
      const answer = await list(signal);
      return answer.ok ? ok(answer.value.map(() => ({ Id: 7 }))) : answer;
    };
    probe.source.relist();
    const heard = await probe.during(() => undefined, 2000);
    expect(
      heard.filter(
        (word) => word.startsWith('removed') || word.startsWith('died') || word.startsWith('ended'),
      ),
    ).toEqual([]);
    expect(probe.said.find(({ type }) => type === 'listed')).toMatchObject({ unread: [expect.any(String)] });
  });
});
