import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { ended, endedAfterEach, seen, serviceKey } from '../../test/kit/loop-script.ts';
import { failure } from '../core/failure.ts';
import { sleep } from '../core/ports.ts';
import type { KvStore } from '../provider/kv/store.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const start = endedAfterEach();

describe('disputed records', () => {
  it('Ownership: own writes whose answers were lost are not taken for the alterations of somebody else', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryStore({ clock });
    let late = false;
    const store: KvStore = {
      reader: memory.reader,
      writer: () => {
        const writer = memory.writer();
        return {
          ...writer,
          txn: (transaction, signal) => {
            if (!late || transaction.then.every(({ key }) => key.startsWith('/portolan/hosts/')))
              return writer.txn(transaction, signal);
            late = false;
            clock.timer(5, () => void writer.txn(transaction, new AbortController().signal));
            return Promise.resolve({ ok: false, failure: failure('outcome-unknown') });
          },
        };
      },
    };
    const test = start({ clock, stores: [store] });
    await test.listed(seen(1));
    for (let port = 1; port <= 6; port += 1) {
      late = true;
      await test.say(
        seen(1, {
          ports: [{ port: 80, protocol: 'tcp', bindings: [{ hostIp: '0.0.0.0', hostPort: 40_000 + port }] }],
        }),
      );
      await clock.advance(2000);
    }
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:40006 registered');
    expect(test.log.lines.filter(({ message }) => message === 'ledger entry dropped')).toEqual([]);
  });

  it('does not blame anybody when the echo of an own write overtakes its answer', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryStore({ clock });
    const store: KvStore = {
      reader: memory.reader,
      writer: () => {
        const writer = memory.writer();
        const txn: typeof writer.txn = async (transaction, signal) => {
          await sleep(clock, 20);
          const answer = await writer.txn(transaction, signal);
          await sleep(clock, 40);
          return answer;
        };
        return { ...writer, txn };
      },
    };
    const test = start({ clock, stores: [store] });
    await test.listed(seen(1));
    await clock.advance(1000);
    for (const signal of [ended(1), seen(1)]) {
      test.source.signals.next(signal);
      await clock.advance(10);
    }
    await clock.advance(1000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
    expect(test.log.lines.map(({ fields }) => fields['cause'])).not.toContain('damage-altered');
  });

  it('says once, not at each list, that a ledger entry speaks for no record', async () => {
    const test = start();
    await test.put('/portolan/owners/o/rubbish', 'rubbish');
    await test.listed(seen(1));
    await test.clock.advance(600_000);
    expect(
      test.log.lines.filter(({ message }) => message === 'a ledger entry speaks for no record'),
    ).toHaveLength(1);
  });

  it('calls a foreign record at a key that is wanted no more nothing of ours', async () => {
    const test = start();
    await test.put(serviceKey(1), 'theirs');
    await test.listed(seen(1));
    await test.say(ended(1));
    await test.clock.advance(1000);
    expect(test.loop.targets[0]?.journal.get(serviceKey(1))).toBeUndefined();
    await test.clock.advance(300_000);
    expect(test.loop.targets[0]?.journal.get(serviceKey(1))).toBeUndefined();
  });

  it('does not race with somebody who deletes a record as fast as it is made again', async () => {
    const test = start();
    await test.listed(seen(1));
    const [store] = test.stores;
    const key = serviceKey(1);
    store?.reader.watch({ keys: [key] }, '1', {
      events: (batch) => {
        if (batch.at(-1)?.type === 'put') void test.remove(key);
      },
      lost: () => undefined,
    });
    const before = Number(await test.revision());
    await test.clock.advance(10_000);
    const repairs = (Number(await test.revision()) - before) / 2;
    expect(repairs).toBeGreaterThan(9);
    expect(repairs).toBeLessThan(25);
  });

  it('shows a collision within the host, and names the container that keeps the key', async () => {
    const test = start();
    const same = { labels: new Map([['portolan.path', '/same']]), hostname: 'same' };
    await test.listed(seen(1, same), seen(2, same));
    const lines = test.log.lines;
    expect(
      lines.filter(({ message }) => message === 'key claimed twice').map(({ fields }) => fields['container']),
    ).toEqual(['c2', 'c2']);
    const created = lines.filter(
      ({ message, fields }) => message === 'record created' && fields['service'] === '/same',
    );
    expect(created.map(({ fields }) => fields['container'])).toEqual(['c1', 'c1']);
    await test.listed(seen(1, same), seen(2, same));
    await test.clock.advance(300_000);
    expect(lines.filter(({ message }) => message === 'key claimed twice')).toHaveLength(2);
  });
});
