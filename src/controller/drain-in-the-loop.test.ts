import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { containerId } from '../../test/kit/containers.ts';
import { FlakyStore } from '../../test/kit/flaky-store.ts';
import {
  ended,
  endedAfterEach,
  flaky,
  recordWrite,
  seen,
  serviceKey,
  short,
} from '../../test/kit/loop-script.ts';
import { failure } from '../core/failure.ts';
import { MemoryStore } from '../provider/memory/store.ts';

const start = endedAfterEach();

describe('drains in the loop', () => {
  it('Drain: a container that is renamed while it stops goes on draining under its new name', async () => {
    const test = start();
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() });
    await test.say(seen(1, { name: 'old' }));
    const content = await test.content();
    expect(content.get(`/services/app/old/${short(1)}`)).toBe('10.0.0.1:30001 draining');
  });

  it('Drain: one that is over is not taken up again because its note could not be deleted yet', async () => {
    const { clock, store } = flaky();
    const test = start({ clock, stores: [store] });
    const health = (word: 'healthy' | 'unhealthy') => ({ ...seen(1, { health: word }), at: clock.now() });
    await test.listed(health('healthy'));
    await test.say(health('unhealthy'));
    store.failing = (call, txn) =>
      recordWrite(call, txn?.then.map(({ key }) => key) ?? []) ? failure('registry-full') : undefined;
    await test.say(health('healthy'));
    const states = () =>
      [...(test.loop.endpoints.get(containerId(1))?.live.values() ?? [])].map((l) => l.phase.state);
    expect(states()).toEqual(['registered']);
    test.loop.targets[0]?.relist();
    await clock.advance(1000);
    expect(states()).toEqual(['registered']);
  });

  it('Idempotence: a drain whose note the policy keeps is not taken up again at every list', async () => {
    const test = start({ policy: 'upsert-only' });
    const health = (word: 'healthy' | 'unhealthy') => ({
      ...seen(1, { health: word }),
      at: test.clock.now(),
    });
    await test.listed(health('healthy'));
    await test.say(health('unhealthy'));
    await test.say(health('healthy'));
    const before = await test.revision();
    await test.clock.advance(300_000);
    expect(await test.revision()).toBe(before);
  });

  it('Drain: a container that one list forgot still stops when the next one shows it again', async () => {
    const test = start();
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() });
    await test.listed(ended(1, false));
    await test.listed(seen(1));
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
  });

  it('Drain: what a list forgot stops as long as it should, though the clock was set in the meantime', async () => {
    const test = start();
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() });
    test.clock.step(7_200_000);
    await test.listed(ended(1, false));
    test.loop.targets[0]?.relist();
    await test.clock.advance(1000);
    await test.listed(seen(1));
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 draining');
  });

  it('Drain: warns about a container that was told to stop and still runs long after', async () => {
    const test = start();
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: test.clock.now() });
    await test.clock.advance(400_000);
    expect((await test.content()).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
    expect(test.log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('Drain: a registry that was away does not bring a drain back that is over', async () => {
    const clock = new VirtualClock();
    const memory = new MemoryStore({ clock });
    const store = new FlakyStore(memory);
    const test = start({ clock, stores: [new MemoryStore({ clock }), store] });
    const health = (word: 'healthy' | 'unhealthy') => ({ ...seen(1, { health: word }), at: clock.now() });
    await test.listed(health('healthy'));
    await test.say(health('unhealthy'));
    store.failing = () => failure('registry-unreachable');
    memory.disconnect();
    await clock.advance(1000);
    await test.say(health('healthy'));
    store.failing = () => undefined;
    await clock.advance(4000);
    expect((await test.content(0)).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
    expect((await test.content(1)).get(serviceKey(1))).toBe('10.0.0.1:30001 registered');
  });
});
