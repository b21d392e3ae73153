import { describe, expect, it } from 'vitest';
import { ended, endedAfterEach, flaky, many, recordWrite } from '../../test/kit/loop-script.ts';
import { failure } from '../core/failure.ts';

const start = endedAfterEach();

describe('the brake in the loop', () => {
  it('Brake: deaths that were seen while the registry was away are still explained when it is back', async () => {
    const { clock, memory, store } = flaky();
    const test = start({ clock, stores: [store] });
    await test.listed(...many(12));
    store.failing = () => failure('registry-unreachable');
    memory.disconnect();
    await clock.advance(100);
    await test.say(...Array.from({ length: 12 }, (_, i) => ended(i + 1)));
    await clock.advance(3000);
    store.failing = () => undefined;
    await clock.advance(3000);
    expect(test.log.lines.filter(({ message }) => message.startsWith('brake'))).toEqual([]);
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Brake: deaths stay explained when the registry is read again while their deletes wait for their backoff', async () => {
    const { clock, store } = flaky();
    const test = start({ clock, stores: [store] });
    await test.listed(...many(12));
    store.failing = (call, txn) =>
      recordWrite(call, txn?.then.map(({ key }) => key) ?? []) ? failure('registry-full') : undefined;
    await test.say(...Array.from({ length: 12 }, (_, i) => ended(i + 1)));
    await clock.advance(70_000);
    store.failing = () => undefined;
    await clock.advance(31_000);
    expect(test.log.lines.filter(({ message }) => message.startsWith('brake'))).toEqual([]);
    expect(await test.records()).toEqual(['/hosts/o']);
  });

  it('Brake: holds back all of a great many records, not only those of the later batches', async () => {
    const test = start();
    await test.listed(...many(1200));
    await test.clock.advance(1000);
    expect((await test.records()).length).toBe(2401);
    await test.listed(...Array.from({ length: 1200 }, (_, i) => ended(i + 1, false)));
    await test.clock.advance(3000);
    expect((await test.records()).length).toBe(2401);
  });
});
