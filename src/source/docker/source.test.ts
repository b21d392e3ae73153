import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fakeId } from '../../../test/kit/fake-container.ts';
import { SourceProbe } from '../../../test/kit/source-probe.ts';

let probe: SourceProbe;

beforeEach(() => {
  probe = new SourceProbe();
});

afterEach(async () => {
  expect(await probe.stop()).toBe(0);
});

describe('start', () => {
  it('lists what runs, and only that', async () => {
    probe.engine.run({ name: 'web' });
    probe.engine.create({ name: 'idle' });
    probe.engine.stop(probe.engine.run({ name: 'old' }));
    await probe.begin();
    expect(probe.words()).toEqual(['seen web running', 'listed 0']);
    expect(probe.calls('inspect')).toBe(1);
    expect(probe.engine.calls.indexOf('events')).toBeLessThan(probe.engine.calls.indexOf('list'));
    expect(probe.source.status()).toMatchObject({
      connected: true,
      engineVersion: '20.10.24',
      apiVersion: '1.41',
    });
  });

  it('has at most eight inspections in flight', async () => {
    for (let n = 0; n < 50; n += 1) probe.engine.run();
    const release = probe.engine.hold('inspect');
    await probe.begin();
    expect(probe.engine.mostInspections).toBe(8);
    release();
    await probe.clock.advance(0);
    expect(probe.said).toHaveLength(51);
    expect(probe.engine.mostInspections).toBe(8);
  });

  it('serves a start before the rest of a first list', async () => {
    for (let n = 0; n < 50; n += 1) probe.engine.run();
    const release = probe.engine.hold('inspect');
    await probe.begin();
    probe.engine.run({ name: 'urgent' });
    await probe.clock.advance(0);
    release();
    await probe.clock.advance(0);
    expect(probe.words().indexOf('seen urgent running')).toBeLessThan(17);
  });

  it('sees what starts between subscription and list', async () => {
    const release = probe.engine.hold('list');
    await probe.begin();
    probe.engine.run({ name: 'early' });
    await probe.clock.advance(0);
    release();
    await probe.clock.advance(0);
    expect(probe.words().at(-1)).toBe('listed 0');
    expect(probe.words()).toContain('seen early running');
    // The list was answered before the start and must not be believed against the event.
    expect(probe.words().filter((word) => word.startsWith('died'))).toEqual([]);
  });

  it('names what cannot be read, and goes on with the others', async () => {
    const bad = probe.engine.run({ name: 'bad', inspection: { State: 'nonsense' } });
    probe.engine.run({ name: 'good' });
    await probe.begin();
    expect(probe.words()).toEqual(['seen good running', 'listed 0']);
    expect(probe.said.at(-1)).toMatchObject({ unread: [bad] });
  });

  it('does not read again what cannot be read, until it changes', async () => {
    const bad = probe.engine.run({ name: 'bad', inspection: { State: 'nonsense' } });
    await probe.begin();
    expect(await probe.during(() => undefined, 130_000)).toEqual(['listed 0', 'listed 0']);
    expect(probe.said.at(-1)).toMatchObject({ unread: [bad] });
    expect(probe.calls('inspect')).toBe(1);
  });

  it('tries one failed inspection again by itself', async () => {
    const flaky = probe.engine.run({ name: 'flaky' });
    probe.engine.run({ name: 'good' });
    probe.engine.failNext(`inspect ${flaky}`, 2);
    await probe.begin();
    expect(probe.words()).toEqual(['seen good running', 'listed 0']);
    expect(probe.said.at(-1)).toMatchObject({ unread: [flaky] });
    expect(await probe.during(() => undefined, 1_000)).toEqual(['seen flaky running']);
  });
});

describe('events', () => {
  beforeEach(async () => {
    await probe.begin();
  });

  it('says a start at once from the facts of create, and confirms it', async () => {
    let id = '';
    expect(
      await probe.during(
        () => (id = probe.engine.create({ name: 'web', ports: { '80/tcp': 8080, '81/tcp': 0 } })),
      ),
    ).toEqual([]);
    const release = probe.engine.hold('inspect');
    expect(
      await probe.during(() => {
        probe.engine.start(id);
      }),
    ).toEqual(['seen web running provisional']);
    expect(probe.said[0]).toMatchObject({
      container: { startedAt: undefined, networks: [], ports: [{ port: 80 }] },
    });
    expect(await probe.during(release)).toEqual(['seen web running']);
    expect(probe.said[0]).toMatchObject({ container: { ports: [{ port: 80 }, { port: 81 }] } });
  });

  it('waits for an inspection of create that is under way, and confirms what it foretells', async () => {
    const release = probe.engine.hold('inspect');
    const id = probe.engine.create({ name: 'web' });
    await probe.clock.advance(0);
    expect(
      await probe.during(() => {
        probe.engine.start(id);
      }),
    ).toEqual([]);
    expect(await probe.during(release)).toEqual(['seen web running provisional', 'seen web running']);
    expect(probe.calls('inspect')).toBe(2);
  });

  it('confirms fixed ports only after what the start sets in motion', async () => {
    const id = probe.engine.create({ name: 'web', ports: { '80/tcp': 8080 } });
    await probe.clock.advance(0);
    const asked = probe.calls('inspect');
    const start = () => {
      probe.engine.start(id);
    };
    expect(await probe.during(start, 10)).toEqual(['seen web running provisional']);
    expect(probe.calls('inspect')).toBe(asked);
    expect(await probe.during(() => undefined, 20)).toEqual(['seen web running']);
    expect(probe.calls('inspect')).toBe(asked + 1);
  });

  it('has nothing to confirm when the container dies at once', async () => {
    const id = probe.engine.create({ name: 'web', ports: { '80/tcp': 8080 } });
    await probe.clock.advance(0);
    const asked = probe.calls('inspect');
    const startAndDie = () => {
      probe.engine.start(id);
      probe.engine.stop(id);
    };
    await probe.during(startAndDie, 1_000);
    expect(probe.words().at(-1)).toMatch(/^died /);
    expect(probe.calls('inspect')).toBe(asked);
  });

  it('takes an answer to the inspection of create that says running for the whole truth', async () => {
    let id = '';
    probe.engine.quietly(() => (id = probe.engine.run({ name: 'web' })));
    const release = probe.engine.hold('inspect');
    probe.engine.announce(id, 'create');
    await probe.clock.advance(0);
    probe.engine.announce(id, 'start');
    expect(await probe.during(release)).toEqual(['seen web running']);
    expect(probe.calls('inspect')).toBe(1);
  });

  it('foretells nothing in the network of another container', async () => {
    const other = probe.engine.run({ name: 'other' });
    const id = probe.engine.create({ name: 'side', network: `container:${other}` });
    await probe.clock.advance(0);
    expect(
      await probe.during(() => {
        probe.engine.start(id);
      }),
    ).toEqual(['seen side running']);
  });

  it('says stop and death at once, without an inspection', async () => {
    const id = probe.engine.run({ name: 'web' });
    await probe.clock.advance(0);
    const before = probe.calls('inspect');
    expect(
      await probe.during(() => {
        probe.engine.stop(id);
      }),
    ).toEqual(['stopping 1 SIGTERM', 'died 1']);
    expect(
      await probe.during(() => {
        probe.engine.remove(id);
      }),
    ).toEqual(['removed 1']);
    expect(probe.calls('inspect')).toBe(before);
  });

  it('takes only ending signals for a stop', async () => {
    const id = probe.engine.run({ stopSignal: 'SIGQUIT' });
    await probe.clock.advance(0);
    expect(
      await probe.during(() => {
        probe.engine.kill(id, 1);
        probe.engine.kill(id, 10);
      }),
    ).toEqual([]);
    expect(
      await probe.during(() => {
        probe.engine.kill(id, 3);
      }),
    ).toEqual(['stopping 1 SIGQUIT']);
  });

  it('takes no signal without a name for a stop, and knows what Podman calls a death', async () => {
    const id = probe.engine.run({ name: 'web' });
    await probe.clock.advance(0);
    expect(
      await probe.during(() => {
        probe.engine.announce(id, 'kill');
      }),
    ).not.toContainEqual(expect.stringMatching(/^stopping/));
    expect(
      await probe.during(() => {
        probe.engine.announce(id, 'died');
        probe.engine.announce(id, 'remove');
      }),
    ).toEqual(['died 1', 'removed 1']);
  });

  it('keeps a signal that comes before the facts', async () => {
    const release = probe.engine.hold('inspect');
    const id = probe.engine.run({ name: 'web', stubborn: true });
    await probe.clock.advance(0);
    expect(
      await probe.during(() => {
        probe.engine.kill(id, 15);
      }),
    ).toEqual([]);
    const heard = await probe.during(release);
    expect(heard.at(-1)).toBe('stopping 1 SIGTERM');
    expect(heard[0]).toMatch(/^seen web running/);
  });

  it('drops an inspection that an event has made out of date', async () => {
    const id = probe.engine.run({ name: 'web' });
    await probe.clock.advance(0);
    const release = probe.engine.hold('inspect');
    probe.engine.pause(id);
    await probe.clock.advance(0);
    probe.engine.rename(id, 'other');
    probe.engine.unpause(id);
    await probe.clock.advance(0);
    expect(await probe.during(release)).toEqual(['seen other running']);
  });

  it('drops an inspection of a container that died', async () => {
    const id = probe.engine.run({ name: 'web' });
    await probe.clock.advance(0);
    const release = probe.engine.hold('inspect');
    probe.engine.rename(id, 'other');
    await probe.clock.advance(0);
    probe.engine.die(id);
    expect(await probe.during(release)).toEqual(['died 1']);
  });

  it('says nothing twice', async () => {
    const id = probe.engine.run({ name: 'web' });
    await probe.clock.advance(0);
    expect(
      await probe.during(() => {
        probe.engine.rename(id, 'web');
      }),
    ).toEqual([]);
  });

  it('gives the time of the event', async () => {
    probe.engine.run();
    await probe.clock.advance(0);
    expect(probe.said.at(-1)).toMatchObject({ type: 'seen', at: probe.clock.now() });
  });

  it('learns the driver of a new network from its event', async () => {
    probe.engine.addNetwork('lan', 'macvlan');
    const id = probe.engine.run({ name: 'web', network: 'lan' });
    await probe.clock.advance(0);
    expect(probe.said.at(-1)).toMatchObject({
      container: { networks: [{ name: 'lan', driver: 'macvlan' }] },
    });
    probe.engine.connect(id, 'bridge');
    await probe.clock.advance(0);
    expect(probe.said.at(-1)).toMatchObject({
      container: { networks: [{ name: 'bridge' }, { name: 'lan' }] },
    });
    expect(probe.calls('networks')).toBe(0);
  });
});

describe('relist', () => {
  it('inspects only what is new or changed, and counts what no event had told', async () => {
    for (let n = 0; n < 20; n += 1) probe.engine.run();
    await probe.begin();
    probe.engine.quietly(() => {
      probe.engine.rename(fakeId(3), 'renamed');
      probe.engine.remove(fakeId(4));
      probe.engine.stop(fakeId(5));
      probe.engine.run({ name: 'new' });
      probe.engine.stop(fakeId(6));
      probe.engine.start(fakeId(6));
    });
    probe.engine.calls.length = 0;
    const heard = await probe.during(() => {
      probe.source.relist();
    }, 1_000);
    expect(heard.at(-1)).toBe('listed 5');
    expect(heard.slice(0, -1).sort()).toEqual(
      [
        'died 5 unexplained',
        'removed 4 unexplained',
        'seen c6 running',
        'seen new running',
        'seen renamed running',
      ].sort(),
    );
    expect(probe.calls('inspect')).toBe(3);
    expect(
      await probe.during(() => {
        probe.source.relist();
      }, 1_000),
    ).toEqual(['listed 0']);
    expect(probe.calls('inspect')).toBe(3);
    expect(probe.source.status().differencesFound).toBe(5);
  });

  it('comes at the resync interval', async () => {
    await probe.begin();
    expect(await probe.during(() => undefined, 125_000)).toEqual(['listed 0', 'listed 0']);
  });

  it('lets the event of a death come after the list', async () => {
    const id = probe.engine.run();
    await probe.begin();
    probe.engine.quietly(() => {
      probe.engine.stop(id);
    });
    probe.source.relist();
    await probe.clock.advance(50);
    probe.engine.announce(id, 'die');
    expect(await probe.during(() => undefined, 1_000)).toEqual(['died 1', 'listed 0']);
  });
});
