import { setMaxListeners } from 'node:events';
import { Subject } from 'rxjs';
import { AnnounceLoop, type Registry } from '../../src/controller/announce.ts';
import type { Describe } from '../../src/controller/endpoints-options.ts';
import type { HealthTerms } from '../../src/controller/health.ts';
import { leaveTargets } from '../../src/controller/shutdown.ts';
import type { DrainOrder } from '../../src/core/drain-order.ts';
import type { Layout } from '../../src/core/layout.ts';
import type { ListenerDesk } from '../../src/core/listener.ts';
import type { Policy } from '../../src/core/policy.ts';
import type { HostProbe, Log, Random, Source, SourceSignal } from '../../src/core/ports.ts';
import { createKvProvider } from '../../src/provider/kv/provider.ts';
import type { KeyValue, KvStore } from '../../src/provider/kv/store.ts';
import { MemoryStore } from '../../src/provider/memory/store.ts';
import { settle, VirtualClock } from './clock.ts';
import { describeSimply } from './containers.ts';
import { simpleLayouts } from './layouts.ts';

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A log that keeps its lines. */
export function recordingLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields: { ...fields } });
  };
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A source that says what it is told to say. */
class ScriptedSource implements Source {
  readonly name = 'docker';
  readonly signals = new Subject<SourceSignal>();
  relists = 0;

  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        resolve();
      });
    });
  }

  relist(): void {
    this.relists += 1;
  }

  lookup(): Promise<{ ok: true; value: undefined }> {
    return Promise.resolve({ ok: true, value: undefined });
  }

  status() {
    return {
      name: this.name,
      connected: true,
      engineVersion: '1',
      apiVersion: '1',
      lastListedAt: 0,
      reconnects: 0,
      differencesFound: 0,
      failure: undefined,
    };
  }
}

export interface LoopOptions {
  readonly clock?: VirtualClock;
  readonly stores?: readonly KvStore[];
  readonly owner?: string;
  readonly instance?: string;
  readonly policy?: Policy;
  readonly dryRun?: boolean;
  readonly layouts?: readonly Layout[];
  readonly predecessorDead?: boolean;
  readonly describe?: Describe;
  readonly health?: HealthTerms;
  readonly graceMs?: number;
  readonly probe?: HostProbe;
  readonly random?: Random;
  /** What the state folder remembered. */
  readonly orders?: readonly DrainOrder[];
}

/** The real announce loop over embedded stores, on a virtual clock. */
export class TestLoop {
  readonly clock: VirtualClock;
  readonly stores: readonly KvStore[];
  readonly source = new ScriptedSource();
  readonly log = recordingLog();
  readonly loop: AnnounceLoop;
  readonly registries: readonly (Registry & { readonly desk: ListenerDesk | undefined })[];
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(options: LoopOptions = {}) {
    this.clock = options.clock ?? new VirtualClock();
    this.stores = options.stores ?? [new MemoryStore({ clock: this.clock })];
    const owner = options.owner ?? 'o';
    const random = options.random ?? (() => 0.5);
    const { instance = 'i' } = options;
    const identity = { instance, name: 'h', addresses: ['192.0.2.1'], version: '1', since: 0 };
    this.registries = this.stores.map((store, n) => ({
      ...createKvProvider({
        ...{
          target: `r${String(n)}`,
          store: store.reader,
          owner,
          prefixes: ['/announce/', '/services/', '/hosts/'],
          clock: this.clock,
          random,
          log: this.log,
        },
        writing:
          options.dryRun === true
            ? undefined
            : {
                writer: store.writer(),
                identity,
                predecessorDead: () => Promise.resolve(options.predecessorDead ?? false),
              },
      }),
      audience: 'shared' as const,
      policy: options.policy ?? ('sync' as const),
    }));
    this.loop = new AnnounceLoop({
      source: this.source,
      registries: this.registries,
      describe: options.describe ?? describeSimply,
      layouts: options.layouts ?? simpleLayouts,
      owner: {
        owner,
        hostName: 'h',
        addresses: { ipv4: '10.0.0.1', ipv6: undefined, origin: 'literal' },
        version: '1',
      },
      health: options.health,
      drainMs: 30_000,
      resyncMs: 60_000,
      debounce: { quietMs: 2, maxWaitMs: 20 },
      clock: this.clock,
      random,
      log: this.log,
      drains: [],
      lostHosts: {
        graceMs: options.graceMs ?? 30_000,
        probe: options.probe ?? (() => Promise.resolve('answers')),
      },
      orders: options.orders ?? [],
    });
    setMaxListeners(0, this.#stop.signal);
    this.#ended = this.loop.run({ source: this.#stop.signal, targets: this.#stop.signal });
  }

  /** Says something and lets everything that follows at once happen. */
  async say(...signals: readonly SourceSignal[]): Promise<void> {
    for (const signal of signals) this.source.signals.next(signal);
    await this.clock.advance(100);
  }

  async listed(...containers: readonly SourceSignal[]): Promise<void> {
    await this.say(...containers, { type: 'listed', differences: 0, at: this.clock.now() });
  }

  /** Records and bookkeeping of one registry, by key; heartbeats and the cards that are written with them left out. */
  async content(n = 0): Promise<ReadonlyMap<string, string>> {
    return new Map(
      (await this.entries(n))
        .filter(({ key }) => !/^\/portolan\/(hosts|cards)\//.test(key))
        .map(({ key, value }) => [key, value]),
    );
  }

  /** Only what readers of the registry see. */
  async records(n = 0): Promise<readonly string[]> {
    return (await this.entries(n)).map(({ key }) => key).filter((key) => !key.startsWith('/portolan/'));
  }

  async entries(n = 0): Promise<readonly KeyValue[]> {
    const listing = await this.stores[n]?.reader.list('/', new AbortController().signal);
    if (listing?.ok !== true) throw new Error('the registry cannot be read');
    return listing.value.entries;
  }

  async revision(n = 0): Promise<string> {
    const listing = await this.stores[n]?.reader.list('/none/', new AbortController().signal);
    if (listing?.ok !== true) throw new Error('the registry cannot be read');
    return listing.value.revision;
  }

  /** What somebody else does to the registry. */
  async put(key: string, value: string, n = 0, lease = '0'): Promise<void> {
    await this.stores[n]
      ?.writer()
      .txn(
        { compares: [], then: [{ type: 'put', key, value, lease }], otherwise: [] },
        new AbortController().signal,
      );
    await settle();
  }

  async remove(key: string, n = 0): Promise<void> {
    await this.stores[n]
      ?.writer()
      .txn({ compares: [], then: [{ type: 'delete', key }], otherwise: [] }, new AbortController().signal);
    await settle();
  }

  /** Ends it as a shutdown does: with a handover, or with all records withdrawn. */
  async leave(deregister = false, handoverMs = 300_000): Promise<void> {
    const targets = this.loop.targets.map((target, n) => ({ target, writer: this.registries[n]?.writer }));
    const leaving = { targets, deregister, handoverMs, log: this.log };
    await leaveTargets(leaving, new AbortController().signal);
    await this.end();
  }

  /** Ends it like a kill -9. */
  async end(): Promise<void> {
    this.#stop.abort();
    await settle();
    await this.#ended;
  }
}
