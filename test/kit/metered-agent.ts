import { setMaxListeners } from 'node:events';
import { MemoryStore } from '../../src/provider/memory/store.ts';
import { compose } from '../../src/wiring/compose.ts';
import { layoutsOf } from '../../src/wiring/metadata.ts';
import { registryOver } from '../../src/wiring/registries.ts';
import { openTelemetry, type Telemetry } from '../../src/wiring/telemetry.ts';
import { settle, VirtualClock } from './clock.ts';
import { good } from './config.ts';
import { FakeEngine } from './engine-fake.ts';
import { type Family, parseExposition, valueOf } from './exposition.ts';
import { FlakyStore } from './flaky-store.ts';
import { silentLog } from './haproxy.ts';
import { FakeProber } from './prober-fake.ts';

/** The announce loop of an agent with all that it counts, over an engine and a registry in memory, on a virtual clock. */
export class MeteredAgent {
  readonly clock = new VirtualClock(1_800_000_000_000);
  readonly engine = new FakeEngine(this.clock);
  readonly store = new FlakyStore(new MemoryStore({ clock: this.clock }));
  readonly telemetry: Telemetry;
  readonly composed: ReturnType<typeof compose>;
  readonly #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  constructor(telemetry: Telemetry = openTelemetry()) {
    this.telemetry = telemetry;
    const {
      clock,
      engine,
      telemetry: { meters },
    } = this;
    const { config } = good({ yaml: 'registries: [{ url: "etcd://a", name: main }]' });
    const io = { clock, log: silentLog, random: () => 0.5, version: '1.2.3', color: false };
    const host = {
      name: 'h',
      current: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
      list: () => ['10.0.0.1'],
      ...{ onChange: () => undefined, settingsChanged: () => undefined, stop: () => undefined },
    };
    const identity = { instance: 'i', name: 'h', addresses: ['10.0.0.1'], version: '1.2.3', since: 0 };
    const writing = { identity, predecessorDead: () => Promise.resolve(false) };
    const prefixes = layoutsOf(config).map(({ prefix }) => prefix);
    const registry = { name: 'main', kind: 'etcd', policy: 'sync' } as const;
    const opened = registryOver(this.store, registry, { config, owner: 'o', prefixes, writing, ...io });
    this.composed = compose({
      config,
      io: { ...io, stdout: () => undefined, signal: this.#stop.signal },
      here: { owner: 'o', instance: { id: 'i', boot: 'b' }, since: 0, host },
      ...{ engine, drains: [], orders: [], registries: [opened] },
      meterOf: (target) => meters.target(target),
      prober: new FakeProber(clock),
      hostProbe: () => Promise.resolve('answers'),
    });
    setMaxListeners(0, this.#stop.signal);
  }

  /** Runs until there is nothing left to do. What was done before is in the past. */
  async begin(): Promise<void> {
    await this.clock.advance(60_000);
    const { signal } = this.#stop;
    this.#ended = this.composed.loop.run({ source: signal, targets: signal });
    await this.clock.advance(1_000);
  }

  page(): string {
    const { loop, status } = this.composed;
    return this.telemetry.scrape({ status: status.status(), loops: [{ loop }], routes: [] });
  }

  scrape(): ReadonlyMap<string, Family> {
    return parseExposition(this.page());
  }

  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return valueOf(this.scrape(), name, labels);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await settle();
    await this.#ended;
    this.telemetry.close();
  }
}
