import { afterEach } from 'vitest';
import type { Container } from '../../src/core/container.ts';
import type { SourceSignal } from '../../src/core/ports.ts';
import { MemoryStore } from '../../src/provider/memory/store.ts';
import { VirtualClock } from './clock.ts';
import { container, containerId } from './containers.ts';
import { FlakyStore } from './flaky-store.ts';
import { type LoopOptions, TestLoop } from './loop.ts';

/** Starts loops that end with the test. To be called once, at the top of a test file. */
export function endedAfterEach(): (options?: LoopOptions) => TestLoop {
  const loops: TestLoop[] = [];
  afterEach(async () => {
    for (const loop of loops.splice(0)) await loop.end();
  });
  return (options = {}) => {
    const loop = new TestLoop(options);
    loops.push(loop);
    return loop;
  };
}

/** Container `n` is there. */
export function seen(n: number, over: Partial<Container> = {}): SourceSignal {
  return { type: 'seen', container: container(n, over), at: 0 };
}

/** Container `n` is dead; `explained`: an event said so. */
export function ended(n: number, explained = true): SourceSignal {
  return { type: 'ended', id: containerId(n), how: 'died', explained, at: 0 };
}

/** Containers 1 to `n` are there. */
export function many(n: number): SourceSignal[] {
  return Array.from({ length: n }, (_, i) => seen(i + 1));
}

export function short(n: number): string {
  return containerId(n).slice(0, 12);
}

export function serviceKey(n: number): string {
  return `/services/app/c${String(n)}/${short(n)}`;
}

/** What readers see of container `n`. */
export function keysOf(n: number): string[] {
  return [`/announce/app/c${String(n)}/${short(n)}`, serviceKey(n)];
}

/** A memory store, and the same with calls that fail on demand. */
export function flaky(): {
  readonly clock: VirtualClock;
  readonly memory: MemoryStore;
  readonly store: FlakyStore;
} {
  const clock = new VirtualClock();
  const memory = new MemoryStore({ clock });
  return { clock, memory, store: new FlakyStore(memory) };
}

/** A write of a record, not of the heartbeat. */
export function recordWrite(call: string, keys: readonly string[]): boolean {
  return call === 'txn' && !keys.every((key) => /^\/portolan\/(hosts|cards)\//.test(key));
}
