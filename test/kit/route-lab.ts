import type { Subject } from 'rxjs';
import { RouteLoop } from '../../src/controller/route.ts';
import { failure, type Outcome, ok, type Result } from '../../src/core/failure.ts';
import type { Clock, Log } from '../../src/core/ports.ts';
import type {
  Proxy,
  ProxyOutcome,
  ProxyPlan,
  ProxyServerView,
  WantedServices,
} from '../../src/core/proxy.ts';
import type { FeedSignal } from '../../src/core/route-feed.ts';
import type { RouteMemory } from '../../src/core/route-memory.ts';
import type { RouteRecord } from '../../src/core/route-record.ts';
import type { RouteService } from '../../src/core/route-service.ts';
import { routeRecord, routeValue } from '../../src/layout/route.ts';
import { KvRecordFeed } from '../../src/provider/kv/feed.ts';
import type { KvReader } from '../../src/provider/kv/store.ts';
import { MemoryStore } from '../../src/provider/memory/store.ts';
import { FolderMemory } from '../../src/proxy/memory.ts';
import { silentLog } from './haproxy.ts';

/** A registry in memory with the records and heartbeats of a fleet. */
export class RouteRegistry {
  readonly store: MemoryStore;

  constructor(clock: Clock) {
    this.store = new MemoryStore({ clock });
  }

  async #write(then: Parameters<ReturnType<MemoryStore['writer']>['txn']>[0]['then']): Promise<void> {
    const transaction = { compares: [], then, otherwise: [] };
    await this.store.writer().txn(transaction, new AbortController().signal);
  }

  async host(owner: string): Promise<void> {
    await this.#write([{ type: 'put', key: `/portolan/hosts/${owner}`, value: '{}', lease: '0' }]);
  }

  async put(path: string, id: string, over: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const value = {
      ID: id,
      SERVICE: 'web',
      PORT: 80,
      TYPE: 'HTTP',
      IP: '127.0.0.1',
      EXT_PORT: 80,
      owner: 'one',
      ...over,
    };
    await this.#write([
      { type: 'put', key: `/services${path}/${id}`, value: JSON.stringify(value), lease: '0' },
    ]);
  }

  async remove(path: string, id: string): Promise<void> {
    await this.#write([{ type: 'delete', key: `/services${path}/${id}` }]);
  }

  async erase(key: string): Promise<void> {
    await this.#write([{ type: 'delete', key }]);
  }

  /** The lease of a host runs out: its heartbeat goes with its records. */
  async lose(owner: string, ...records: readonly (readonly [path: string, id: string])[]): Promise<void> {
    await this.#write([
      { type: 'delete', key: `/portolan/hosts/${owner}` },
      ...records.map(([path, id]) => ({ type: 'delete', key: `/services${path}/${id}` }) as const),
    ]);
  }

  feed(clock: Clock, store: KvReader = this.store.reader): KvRecordFeed {
    return routeFeed(store, clock);
  }
}

/** The records of a registry below `/services/`, as a loop follows them. */
export function routeFeed(store: KvReader, clock: Clock): KvRecordFeed {
  const ownerOf = ({ value }: { readonly value: string }): string =>
    (JSON.parse(value) as { owner: string }).owner;
  return new KvRecordFeed({ store, prefixes: ['/services/'], ownerOf, clock, random: () => 0 });
}

interface FakePlan extends ProxyPlan {
  readonly services: readonly (readonly [string, RouteService | undefined])[];
}

/** A proxy that is a map: what it serves, in which process. */
export class FakeProxy implements Proxy<FakePlan> {
  readonly name = 'fake';
  readonly counters = { reloads: 0, commands: 0, lastReload: undefined, lastReloadAt: undefined };
  process = 1;
  get running() {
    return { process: String(this.process), version: '1.0' };
  }

  passes = 0;
  /** What becomes of the next passes; settled without one. */
  readonly outcomes: Outcome[] = [];
  away = false;
  /** Services that it does not take. */
  readonly refused = new Set<string>();
  /** Open sessions by server; none where it is not named. */
  readonly sessions = new Map<string, number>();
  #serves = new Map<string, RouteService>();
  readonly writer = {
    prepare: () => Promise.resolve(ok(undefined)),
    apply: (plan: FakePlan): Promise<ProxyOutcome> => {
      this.passes += 1;
      const rest = this.outcomes.shift() ?? { type: 'settled' };
      const paths = new Map<string, Outcome>();
      if (rest.type === 'settled')
        for (const [path, service] of plan.services)
          if (this.refused.has(path))
            paths.set(path, { type: 'retry', failure: failure('proxy-refused', 'not that one') });
          else if (service === undefined) this.#serves.delete(path);
          else this.#serves.set(path, service);
      return Promise.resolve({ paths, rest });
    },
  };

  /** Another process, which knows nothing. */
  restart(): void {
    this.process += 1;
    this.#serves = new Map();
  }

  /** `path: server mode` of everything that it serves. */
  get serves(): Readonly<Record<string, string>> {
    const text = ({ servers }: RouteService): string =>
      servers.map(({ id, mode }) => `${id} ${mode}`).join(', ');
    return Object.fromEntries([...this.#serves].sort().map(([path, service]) => [path, text(service)]));
  }

  probe(): Promise<Result<string>> {
    return Promise.resolve(
      this.away ? { ok: false, failure: failure('proxy-unreachable') } : ok(String(this.process)),
    );
  }

  observe(): Promise<Result<void>> {
    return Promise.resolve(this.away ? { ok: false, failure: failure('proxy-unreachable') } : ok(undefined));
  }

  plan(wanted: WantedServices, paths: readonly string[] | undefined): FakePlan {
    const all = paths ?? [...new Set([...wanted.paths(), ...this.#serves.keys()])];
    return {
      paths,
      lines: [],
      commands: [],
      files: [],
      reload: undefined,
      services: all.map((path) => [path, wanted.service(path)]),
    };
  }

  nameOf(id: string): string {
    return id;
  }

  servers(): Promise<Result<readonly ProxyServerView[]>> {
    if (this.away) return Promise.resolve({ ok: false, failure: failure('proxy-unreachable') });
    const views = [...this.#serves.values()].flatMap(({ path, servers }) =>
      servers.map(
        ({ id, ip, port, weight, mode }): ProxyServerView => ({
          ...{ proxy: this.name, path, backend: path, server: id, address: `${ip}:${String(port)}`, weight },
          ...{ state: mode === 'drain' ? 'drain' : 'up', sessions: this.sessions.get(id) ?? 0, since: 0 },
        }),
      ),
    );
    return Promise.resolve(ok(views));
  }
}

/** A record as it was kept; `since`: its revision. */
export function decodeRoute(key: string, value: string, since: string): RouteRecord | undefined {
  const decoded = routeRecord(key, { value, createRevision: since }, '/services/');
  return 'record' in decoded ? decoded.record : undefined;
}

/** What outlives a process, as agents keep it beside the files of a proxy. */
export function folderMemory(folder: string): FolderMemory {
  return new FolderMemory({
    folder,
    encode: routeValue,
    decode: decodeRoute,
    writing: true,
  });
}

/** What outlives a process, in memory. */
export class KeptRecords implements RouteMemory {
  readonly #byPath = new Map<string, readonly RouteRecord[]>();
  broken = false;

  recall(): Promise<readonly RouteRecord[]> {
    return Promise.resolve([...this.#byPath.values()].flat());
  }

  keep(path: string, records: readonly RouteRecord[]): Promise<Result<void>> {
    if (this.broken) return Promise.resolve({ ok: false, failure: failure('proxy-files', 'no space') });
    this.#byPath.set(path, records);
    return Promise.resolve(ok(undefined));
  }
}

export interface RunningRoute {
  readonly loop: RouteLoop;
  stop(): Promise<void>;
}

/** A loop that runs over a registry, or over signals that a test says. */
export function runRoute(
  proxy: Proxy,
  feed: KvRecordFeed | Subject<FeedSignal>,
  clock: Clock,
  complete: () => Promise<void> = () => Promise.resolve(),
  log: Log = silentLog,
  memory?: RouteMemory,
): RunningRoute {
  const stop = new AbortController();
  const loop = new RouteLoop({
    ...{ proxy, complete, clock, memory },
    feed: feed instanceof KvRecordFeed ? feed : { signals: feed, run: () => Promise.resolve() },
    decode: (key, record) => routeRecord(key, record, '/services/'),
    graceMs: 30_000,
    random: () => 0,
    log,
  });
  const running = loop.run(stop.signal);
  return {
    loop,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}
