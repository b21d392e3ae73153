import type { Source, SourceSignal } from '../../src/core/ports.ts';
import { createDockerSource } from '../../src/source/docker/source.ts';
import { VirtualClock } from './clock.ts';
import { FakeEngine } from './engine-fake.ts';

const silent = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** A source on an engine in memory, in virtual time, with everything that it said. */
export class SourceProbe {
  readonly clock = new VirtualClock(1_800_000_000_000);
  readonly engine = new FakeEngine(this.clock);
  readonly said: SourceSignal[] = [];
  readonly source: Source;
  readonly #stop = new AbortController();

  constructor() {
    this.source = createDockerSource({
      engine: this.engine,
      clock: this.clock,
      random: () => 0.5,
      log: silent,
    });
    this.source.signals.subscribe((signal) => this.said.push(signal));
  }

  /** Runs as far as it gets in no time. What was done before is in the past. */
  async begin(): Promise<void> {
    await this.clock.advance(1_000);
    void this.source.run(this.#stop.signal);
    await this.clock.advance(0);
  }

  /** Timers that are left over. */
  async stop(): Promise<number> {
    this.#stop.abort();
    await this.clock.advance(0);
    return this.clock.pendingTimers;
  }

  /** What is said from here on. */
  async during(act: () => void, ms = 0): Promise<string[]> {
    this.said.length = 0;
    act();
    await this.clock.advance(ms);
    return this.words();
  }

  /** One phrase for each signal: what it is, of which container, and what matters about it. */
  words(): string[] {
    return this.said.map(phrase);
  }

  /** How often the engine was asked something that begins with this. */
  calls(prefix: string): number {
    return this.engine.calls.filter((call) => call.startsWith(prefix)).length;
  }
}

function phrase(signal: SourceSignal): string {
  switch (signal.type) {
    case 'seen': {
      const { name, state, provisional } = signal.container;
      return `seen ${name} ${state}${provisional ? ' provisional' : ''}`;
    }
    case 'ended':
      return `${signal.how} ${Number(`0x${signal.id}`)}${signal.explained ? '' : ' unexplained'}`;
    case 'stopping':
      return `stopping ${Number(`0x${signal.id}`)} ${signal.signal}`;
    case 'listed':
      return `listed ${signal.differences}`;
    case 'unknown':
      return `unknown ${signal.failure.code}`;
  }
}
