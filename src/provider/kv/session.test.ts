import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../test/kit/clock.ts';
import { FlakyStore } from '../../../test/kit/flaky-store.ts';
import { failure, ok } from '../../core/failure.ts';
import type { HostEntry, SessionState } from '../../core/ports.ts';
import { MemoryStore } from '../memory/store.ts';
import { Session } from './session.ts';

const KEY = '/portolan/hosts/o';
const CARD = '/portolan/cards/o';
const never = new AbortController().signal;
const log = { debug() {}, info() {}, warn() {}, error() {} };

function bench() {
  const clock = new VirtualClock();
  const memory = new MemoryStore({ clock });
  const open = (
    instance: string,
    predecessorDead?: (entry: HostEntry) => Promise<boolean>,
    addresses: readonly string[] = [],
  ) => {
    const store = new FlakyStore(memory);
    const states: SessionState[] = [];
    const stop = new AbortController();
    const session = new Session({
      ...{ reader: store.reader, writer: store.writer(), key: KEY, card: CARD, ttlSeconds: 15, clock, log },
      identity: { instance, name: 'host', addresses, version: '1', since: 0 },
      predecessorDead: predecessorDead ?? (() => Promise.resolve(false)),
      random: () => 0.5,
      rehang: () => Promise.resolve(ok(undefined)),
      changed: (state) => states.push(state),
    });
    const types = () => states.map(({ type }) => type);
    return { store, session, states, types, stop, run: () => session.run(stop.signal) };
  };
  const value = async () => {
    const read = await memory.reader.get([KEY], never);
    return read.ok ? read.value.entries.get(KEY) : undefined;
  };
  return { clock, memory, open, value };
}

describe('a session', () => {
  it('is kept alive every third of the lease and writes nothing else', async () => {
    const { clock, open } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(0);
    expect(one.types()).toEqual(['held']);
    const writes = one.store.count('txn');
    await clock.advance(60_000);
    expect(one.store.count('leaseKeepAlive')).toBe(12);
    expect(one.store.count('txn')).toBe(writes);
    expect(one.types()).toEqual(['held']);
  });

  it('outlives failures that are shorter than two thirds of the lease', async () => {
    const { clock, open } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(4_900);
    one.store.failing = () => failure('registry-timeout');
    await clock.advance(4_000);
    one.store.failing = () => undefined;
    await clock.advance(30_000);
    expect(one.types()).toEqual(['held']);
  });

  it('is lost once the lease may have run out, tries at least every two seconds, and is held again', async () => {
    const { clock, open } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(0);
    one.store.failing = () => failure('registry-unreachable');
    await clock.advance(14_000);
    expect(one.states.at(-1)).toMatchObject({ type: 'lost', failure: { code: 'registry-unreachable' } });
    expect(one.session.held).toBeUndefined();
    expect(one.session.refusal.code).toBe('registry-unreachable');
    const before = one.store.calls.length;
    await clock.advance(20_000);
    expect(one.store.calls.length - before).toBeGreaterThanOrEqual(10);
    one.store.failing = () => undefined;
    await clock.advance(2_000);
    expect(one.types()).toEqual(['held', 'lost', 'held']);
  });

  it('holds nothing at all in the very turn in which the heartbeat is deleted', async () => {
    const { clock, memory, open } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(0);
    await memory.writer().txn({ compares: [], then: [{ type: 'delete', key: KEY }], otherwise: [] }, never);
    await Promise.resolve();
    expect(one.session.held).toBeUndefined();
    await clock.advance(0);
    expect(one.types()).toEqual(['held', 'lost', 'held']);
  });

  it('stands by for a living one as long as that lives, and takes over after a missed keep-alive', async () => {
    const { clock, open } = bench();
    const [one, two] = [open('one'), open('two')];
    void one.run();
    await clock.advance(0);
    void two.run();
    await clock.advance(120_000);
    expect(two.types()).toEqual(['standby']);
    expect(two.states[0]).toMatchObject({ holder: 'one' });
    one.stop.abort();
    await clock.advance(10_000);
    expect(two.types()).toEqual(['standby', 'held']);
    expect(two.states.at(-1)).toMatchObject({ takenUp: true });
  });

  it('of two that start at once only one holds', async () => {
    const { clock, open } = bench();
    const [one, two] = [open('one'), open('two')];
    void one.run();
    void two.run();
    await clock.advance(1_000);
    expect([one.types(), two.types()].flat().sort()).toEqual(['held', 'standby']);
  });

  it('believes that a predecessor is dead when it is told so', async () => {
    const { clock, open } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(0);
    one.stop.abort();
    const told: string[] = [];
    const two = open('two', (entry) => {
      told.push(entry.instance);
      return Promise.resolve(true);
    });
    void two.run();
    await clock.advance(0);
    expect(told).toEqual(['one']);
    expect(two.states).toEqual([{ type: 'held', lease: '1001', takenUp: true }]);
  });

  it('adopts its own heartbeat when the answer to the write was lost', async () => {
    const { clock, open, value } = bench();
    const one = open('one');
    let lost = 0;
    const writer = one.store;
    writer.failing = (call) => {
      if (call !== 'leaseTimeToLive' || lost > 0) return undefined;
      lost += 1;
      return failure('registry-timeout');
    };
    void one.run();
    await clock.advance(0);
    const first = await value();
    one.session.recheck();
    await clock.advance(2_000);
    expect(lost).toBe(1);
    expect(one.types()).toEqual(['held', 'lost', 'held']);
    expect((await value())?.modRevision).toBe(first?.modRevision);
  });

  it('writes nothing after a handover, and ends', async () => {
    const { clock, open, value } = bench();
    const one = open('one');
    const running = one.run();
    await clock.advance(0);
    expect(await one.session.handover(300_000, never)).toEqual({ ok: true, value: undefined });
    await running;
    expect(one.session.held).toBeUndefined();
    expect(JSON.parse((await value())?.value ?? '')).toMatchObject({ handover: true, ttl: 300 });
    await clock.advance(299_000);
    expect(await value()).toBeDefined();
    await clock.advance(2_000);
    expect(await value()).toBeUndefined();
    expect(one.types()).toEqual(['held']);
  });

  it.each(['retire', 'handover'] as const)('does not claim to %s without the heartbeat', async (goodbye) => {
    const { clock, open, value } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(0);
    one.store.failing = () => failure('registry-timeout');
    await clock.advance(14_000);
    one.store.failing = () => undefined;
    const said =
      goodbye === 'retire'
        ? await one.session.retire(true, never)
        : await one.session.handover(60_000, never);
    expect(said).toMatchObject({ ok: false, failure: { code: 'registry-timeout' } });
    expect((await value())?.value).toContain('"handover":false');
  });
  it('does not ask again and again when the revision of its heartbeat was compacted and the watch broke', async () => {
    const { clock, memory, open } = bench();
    const one = open('one');
    void one.run();
    await clock.advance(0);
    const writer = memory.writer();
    for (let n = 0; n < 5; n += 1)
      await writer.txn(
        { compares: [], then: [{ type: 'put', key: '/x', value: String(n), lease: '0' }], otherwise: [] },
        never,
      );
    const head = await memory.reader.get([], never);
    if (head.ok) memory.compact(head.value.revision);
    memory.disconnect();
    await clock.advance(5_000);
    const before = one.store.count('get');
    await clock.advance(60_000);
    expect(one.store.count('get') - before).toBeLessThanOrEqual(1);
    expect(one.types()).toEqual(['held']);
  });
  it('tells in its heartbeat when the addresses of the host change, and holds it all the while', async () => {
    const { clock, open, value } = bench();
    const addresses = ['10.0.0.1'];
    const one = open('one', undefined, addresses);
    void one.run();
    await clock.advance(0);
    addresses[0] = '10.0.0.2';
    await clock.advance(6_000);
    expect((await value())?.value).toContain('10.0.0.2');
    expect(one.types()).toEqual(['held']);
    const writes = one.store.count('txn');
    await clock.advance(60_000);
    expect(one.store.count('txn')).toBe(writes);
  });
});
