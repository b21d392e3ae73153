import { describe, expect, it } from 'vitest';
import { containerId } from '../../test/kit/containers.ts';
import type { TestLoop } from '../../test/kit/loop.ts';
import {
  ended,
  endedAfterEach,
  flaky,
  keysOf,
  recordWrite,
  seen,
  serviceKey,
} from '../../test/kit/loop-script.ts';
import { failure } from '../core/failure.ts';
import { MemoryStore } from '../provider/memory/store.ts';
import { historyView } from './history-views.ts';

const started = endedAfterEach();

function storyOf(n: number, { loop }: TestLoop) {
  const [history] = loop.history.ofContainer(containerId(n));
  return history === undefined ? undefined : historyView(history, loop.targets);
}

describe('the history in the loop', () => {
  it('tells what every registry acknowledged, from the start of a container to its end', async () => {
    const { clock, memory } = flaky();
    const test = started({ clock, stores: [memory, new MemoryStore({ clock })] });
    await test.listed(seen(1));
    await test.say({ type: 'stopping', id: containerId(1), signal: 'SIGTERM', at: clock.now() });
    await test.say(ended(1));
    const story = storyOf(1, test);
    expect(story?.goneSince).toBeDefined();
    const both = (keys: object) =>
      ['r0', 'r1'].map((target) => ({ target, state: 'acknowledged', ...keys, why: undefined }));
    expect(story?.transitions).toMatchObject([
      { state: 'registered', reason: 'started', targets: both({ written: keysOf(1), withdrawn: [] }) },
      { state: 'draining', cause: 'stop-signal', targets: both({ written: [serviceKey(1)] }) },
      { state: 'expired', reason: 'died', targets: both({ written: [], withdrawn: keysOf(1) }) },
    ]);
  });

  it('tells what a registry that fails still lacks and when it is tried next, and then that it is done', async () => {
    const { clock, store } = flaky();
    const test = started({ clock, stores: [store, new MemoryStore({ clock })] });
    await test.listed();
    store.failing = (call, transaction) =>
      recordWrite(call, transaction?.then.map(({ key }) => key) ?? [])
        ? failure('registry-timeout')
        : undefined;
    await test.say(seen(1));
    const [first] = storyOf(1, test)?.transitions ?? [];
    const failing = first?.targets.find(({ target }) => target === 'r0');
    expect(failing).toMatchObject({ state: 'retrying', written: [], outcome: 'registry-timeout' });
    expect(failing?.nextTryAt).toBeGreaterThan(clock.now() - 1000);
    expect(first?.targets.find(({ target }) => target === 'r1')?.state).toBe('acknowledged');
    store.failing = () => undefined;
    await clock.advance(60_000);
    expect(storyOf(1, test)?.transitions[0]?.targets).toMatchObject([
      { state: 'acknowledged', written: keysOf(1), nextTryAt: undefined },
      { state: 'acknowledged' },
    ]);
  });

  it('tells of a restarted agent that its records stood there already', async () => {
    const { clock, memory } = flaky();
    const first = started({ clock, stores: [memory] });
    await first.listed(seen(1));
    await first.end();
    const second = started({ clock, stores: [memory], instance: 'j', predecessorDead: true });
    await second.listed(seen(1));
    expect(storyOf(1, second)?.transitions).toMatchObject([
      { reason: 'started', targets: [{ target: 'r0', state: 'unchanged' }] },
    ]);
  });

  it('tells a repair, and who else holds a key', async () => {
    const test = started();
    await test.listed(seen(1));
    await test.remove(serviceKey(1));
    await test.clock.advance(2000);
    await test.put(serviceKey(2), 'somebody’s');
    await test.say(seen(2));
    expect(storyOf(1, test)?.transitions.at(-1)).toMatchObject({
      ...{ state: 'registered', reason: 'damage-missing', targets: [{ written: [serviceKey(1)] }] },
    });
    expect(storyOf(2, test)?.transitions[0]?.targets).toMatchObject([{ state: 'conflict' }]);
  });
});
