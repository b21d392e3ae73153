import { describe, expect, it } from 'vitest';
import { ackName, type DrainAck } from '../../src/core/listener.ts';
import { KvDesk } from '../../src/provider/kv/desk.ts';
import { KvListeners } from '../../src/provider/kv/listeners.ts';
import { LISTENERS_PREFIX } from '../../src/provider/kv/names.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../kit/eventually.ts';
import { Lab } from './provider-kit.ts';
import { unwrap } from './store.contract.ts';
import type { Fixture } from './store-fixtures.ts';

const never = new AbortController().signal;
const CARD = {
  ...{ instance: 'one', host: 'web-1', version: '1', since: 1 },
  proxies: [{ name: 'edge', paths: ['/services/a/'] }],
};

/** What the provider promises about listeners, over any store. */
export function listenersContract(start: () => Promise<Fixture>): void {
  const lab = new Lab(start);
  let lease = '';

  const desk = (): KvDesk =>
    new KvDesk({
      ...{ reader: lab.store.reader, writer: lab.writer, id: lab.owner },
      footing: () => ({ ok: true, value: { lease, compares: [] } }),
    });
  const ack = (n: number, sessions = 0): DrainAck => ({
    ...{ proxy: 'edge', key: `/services/a/${String(n)}`, revision: '7', sessions, held: false },
  });
  const texts = (count: number, sessions = 0): ReadonlyMap<string, string> =>
    new Map([
      ['', JSON.stringify(CARD)],
      ...Array.from(
        { length: count },
        (_, n) => [`edge/${String(n)}`, JSON.stringify(ack(n, sessions))] as const,
      ),
    ]);
  const begin = async (): Promise<void> => {
    lab.fresh();
    lease = unwrap(await lab.writer.leaseGrant(30, never)).id;
  };
  const following = async (use: (listeners: KvListeners) => Promise<void>): Promise<void> => {
    const stop = new AbortController();
    const listeners = new KvListeners({ store: lab.store.reader, clock: systemClock, random: () => 0.5 });
    const running = listeners.run(stop.signal);
    try {
      await eventually(() => listeners.known);
      await use(listeners);
    } finally {
      stop.abort();
      await running;
    }
  };

  describe('a listener', () => {
    it('is seen with its proxies and what they say, until its lease is over', async () => {
      await begin();
      await following(async (listeners) => {
        const own = desk();
        unwrap(await own.bring(texts(2, 5), never));
        await eventually(() => listeners.all.get(lab.owner)?.acks.size === 2);
        expect(listeners.all.get(lab.owner)).toMatchObject({ ...CARD, id: lab.owner });
        expect(listeners.all.get(lab.owner)?.acks.get(ackName('edge', ack(1).key))).toEqual(ack(1, 5));
        unwrap(await own.bring(texts(1), never));
        await eventually(() => listeners.all.get(lab.owner)?.acks.size === 1);
        expect(listeners.all.get(lab.owner)?.acks.get(ackName('edge', ack(0).key))).toEqual(ack(0));
        unwrap(await lab.writer.leaseRevoke(lease, never));
        await eventually(() => !listeners.all.has(lab.owner));
      });
    });

    it('writes only what differs, in few transactions', async () => {
      await begin();
      const own = desk();
      const before = BigInt(await lab.revision());
      unwrap(await own.bring(texts(300), never));
      expect(BigInt(await lab.revision()) - before).toBe(3n);
      unwrap(await own.bring(texts(300), never));
      own.forget();
      unwrap(await own.bring(texts(300), never));
      // Another process under the same lease, such as a restarted agent.
      unwrap(await desk().bring(texts(300), never));
      expect(BigInt(await lab.revision()) - before).toBe(3n);
    });

    it('takes under its lease what an earlier process left, and removes the rest', async () => {
      await begin();
      unwrap(await desk().bring(texts(3), never));
      const earlier = lease;
      lease = unwrap(await lab.writer.leaseGrant(30, never)).id;
      unwrap(await desk().bring(texts(1), never));
      unwrap(await lab.writer.leaseRevoke(earlier, never));
      const left = unwrap(await lab.store.reader.list(`${LISTENERS_PREFIX}${lab.owner}`, never)).entries;
      expect(left.map(({ key, lease: under }) => [key.slice(LISTENERS_PREFIX.length), under])).toEqual([
        [lab.owner, lease],
        [`${lab.owner}/edge/0`, lease],
      ]);
    });

    it('does not write without its lease, and does when it has another one', async () => {
      await begin();
      const own = desk();
      unwrap(await lab.writer.leaseRevoke(lease, never));
      expect(await own.bring(texts(1), never)).toMatchObject({ ok: false });
      lease = unwrap(await lab.writer.leaseGrant(30, never)).id;
      unwrap(await own.bring(texts(1), never));
      expect(await lab.read(`${LISTENERS_PREFIX}${lab.owner}/edge/0`)).toMatchObject({ lease });
    });

    it('is no listener when nobody can read what stands there', async () => {
      await begin();
      const key = `${LISTENERS_PREFIX}${lab.owner}`;
      await lab.put(key, '{"proxies":[{"name":"edge","paths":["/services"]}]}');
      await lab.put(`${key}/edge/0`, 'rubbish');
      await following(async (listeners) => {
        expect(listeners.all.has(lab.owner)).toBe(false);
        await lab.put(key, JSON.stringify(CARD));
        await eventually(() => listeners.all.get(lab.owner)?.acks.size === 0);
      });
    });
  });
}
