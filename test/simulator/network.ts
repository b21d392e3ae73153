import { type Failure, fail, failure, type Result } from '../../src/core/failure.ts';
import { type Clock, type Random, sleep } from '../../src/core/ports.ts';
import type {
  KvReader,
  KvStore,
  KvWriter,
  WatchEvent,
  WatchLoss,
  WatchObserver,
  WatchScope,
} from '../../src/provider/kv/store.ts';
import type { Actor, SimRegistry } from './registry.ts';

/** `refused`: every request fails at once; `hanging`: nothing is ever answered, though it may arrive. */
export type Mode = 'up' | 'refused' | 'hanging';

/** The way from one host to one registry; shared by all processes of the host. */
export interface Way {
  mode: Mode;
  /** How often the answer to a write is lost, 0 to 1. */
  lossy: number;
  /** The most that one direction takes, milliseconds. */
  latencyMs: number;
  /** Keep-alives never arrive; everything else does. */
  beatless?: boolean;
}

/** After this long a call without an answer ends by itself, as the etcd adapter's do. */
const DEADLINE_MS = 2_000;
/** A watch that hears nothing is given up after this long. */
const WATCH_PATIENCE_MS = 8_000;
/** A request that was sent may arrive this much later. */
const LATE_MS = 8_000;

export interface LinkOptions {
  readonly registry: SimRegistry;
  readonly actor: Actor;
  /** Ends with the process. */
  readonly clock: Clock;
  /** Goes on: what was sent may arrive after its sender has died. */
  readonly network: Clock;
  readonly random: Random;
  readonly way: () => Way;
  readonly isDead: () => boolean;
}

const NEVER = new Promise<never>(() => undefined);

/** A process's connection to a registry, with all that can happen on the way. */
export class Link implements KvStore {
  readonly reader: KvReader;
  /** Whether a writer was ever asked for. */
  writes = false;
  readonly #options: LinkOptions;
  readonly #watches = new Set<LinkWatch>();

  constructor(options: LinkOptions) {
    this.#options = options;
    const { registry } = options;
    this.reader = {
      list: (prefix, signal, at) =>
        this.#call('read', signal, () => registry.serve(({ reader }) => reader.list(prefix, signal, at))),
      get: (keys, signal, at) =>
        this.#call('read', signal, () => registry.serve(({ reader }) => reader.get(keys, signal, at))),
      watch: (scope, from, observer) => this.#watch(scope, from, observer),
      close: () => {
        this.end();
        return Promise.resolve();
      },
    };
  }

  writer(): KvWriter {
    this.writes = true;
    const { registry, actor } = this.#options;
    const own = new AbortController().signal;
    const plain = () => registry.store.writer();
    return {
      txn: (transaction, signal) => this.#call('write', signal, () => registry.txn(actor, transaction)),
      leaseGrant: (ttl, signal) => this.#call('lease', signal, () => registry.grant(ttl)),
      leaseKeepAlive: (id, signal) =>
        this.#options.way().beatless === true
          ? this.#noAnswer('lease', signal)
          : this.#call('lease', signal, () => registry.keepAlive(actor, id)),
      leaseTimeToLive: (id, signal) =>
        this.#call('lease', signal, () => registry.serve(() => plain().leaseTimeToLive(id, own))),
      leaseRevoke: (id, signal) =>
        this.#call('lease', signal, () => registry.serve(() => plain().leaseRevoke(id, own))),
    };
  }

  /** Every watch ends with this reason. */
  breakWatches(reason: WatchLoss, cause: Failure): void {
    for (const watch of [...this.#watches]) watch.lose(reason, cause);
  }

  /** Every watch goes silent; it is given up after a while. */
  silenceWatches(): void {
    for (const watch of this.#watches) watch.silence();
  }

  /** The way is open again: what was held back on it comes through. */
  flush(): void {
    for (const watch of this.#watches) watch.flush();
  }

  end(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }

  async #call<T>(
    kind: 'read' | 'write' | 'lease',
    signal: AbortSignal,
    serve: () => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const { isDead, random, way } = this.#options;
    if (isDead()) return await NEVER;
    if (signal.aborted) return fail('registry-unreachable', 'cancelled');
    const { mode, lossy } = way();
    if (mode === 'refused') {
      await this.#travel(signal);
      return fail('registry-unreachable', 'connection refused');
    }
    if (mode === 'hanging' || (kind === 'write' && random() < lossy)) {
      this.#sendIntoTheDark(serve);
      return await this.#noAnswer(kind, signal);
    }
    await this.#travel(signal);
    const answer = await serve();
    if (isDead()) return await NEVER;
    if (way().mode !== 'up') return await this.#noAnswer(kind, signal);
    await this.#travel(signal);
    return isDead() ? await NEVER : answer;
  }

  /** It arrives now, late, or never. */
  #sendIntoTheDark(serve: () => Promise<unknown>): void {
    const { random, network } = this.#options;
    const fate = random();
    if (fate < 1 / 3) return;
    network.timer(fate < 2 / 3 ? 0 : random() * LATE_MS, () => void serve());
  }

  async #noAnswer(kind: 'read' | 'write' | 'lease', signal: AbortSignal): Promise<Result<never>> {
    const { clock } = this.#options;
    await sleep(clock, DEADLINE_MS, signal);
    return fail(kind === 'write' ? 'outcome-unknown' : 'registry-timeout', 'no answer');
  }

  async #travel(signal: AbortSignal): Promise<void> {
    const { clock, random, way } = this.#options;
    const ms = random() * way().latencyMs;
    if (ms > 0) await sleep(clock, ms, signal);
  }

  #watch(scope: WatchScope, from: string, observer: WatchObserver): () => void {
    if (this.#options.isDead()) return () => undefined;
    const watch = new LinkWatch(this.#options, scope, from, observer, () => this.#watches.delete(watch));
    this.#watches.add(watch);
    watch.start();
    return () => {
      watch.end();
    };
  }
}

/** One watch on its way to a process: in order, late, held back while nothing gets through. */
class LinkWatch {
  readonly #options: LinkOptions;
  readonly #scope: WatchScope;
  readonly #from: string;
  readonly #observer: WatchObserver;
  readonly #forget: () => void;
  #held: (readonly WatchEvent[])[] = [];
  #cancel: () => void = () => undefined;
  #lastAt = 0;
  #silent = false;
  #over = false;

  constructor(
    options: LinkOptions,
    scope: WatchScope,
    from: string,
    observer: WatchObserver,
    forget: () => void,
  ) {
    this.#options = options;
    this.#scope = scope;
    this.#from = from;
    this.#observer = observer;
    this.#forget = forget;
  }

  start(): void {
    const { registry, clock, way } = this.#options;
    if (way().mode !== 'up') {
      const patience = way().mode === 'refused' ? 1 : WATCH_PATIENCE_MS;
      clock.timer(patience, () => {
        this.lose('disconnected', failure('registry-unreachable'));
      });
      return;
    }
    this.#cancel = registry.store.reader.watch(this.#scope, this.#from, {
      events: (batch) => {
        this.#deliver(batch);
      },
      lost: (reason, cause) => {
        this.#later(() => {
          this.lose(reason, cause);
        });
      },
    });
  }

  lose(reason: WatchLoss, cause: Failure): void {
    if (this.#over) return;
    this.end();
    this.#observer.lost(reason, cause);
  }

  silence(): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#options.clock.timer(WATCH_PATIENCE_MS, () => {
      this.lose('disconnected', failure('registry-unreachable', 'silent'));
    });
  }

  flush(): void {
    const held = this.#held;
    this.#held = [];
    for (const batch of held) this.#deliver(batch);
  }

  end(): void {
    this.#over = true;
    this.#cancel();
    this.#forget();
  }

  #deliver(batch: readonly WatchEvent[]): void {
    if (this.#silent) return;
    if (this.#options.way().mode !== 'up' || this.#held.length > 0) {
      if (this.#held.length === 0) this.#giveUpLater();
      this.#held.push(batch);
      return;
    }
    this.#later(() => {
      if (!this.#over) this.#observer.events(batch);
    });
  }

  #giveUpLater(): void {
    this.#options.clock.timer(WATCH_PATIENCE_MS, () => {
      if (this.#held.length > 0) this.lose('disconnected', failure('registry-unreachable', 'silent'));
    });
  }

  /** Never before what was sent earlier. */
  #later(run: () => void): void {
    const { clock, random, way } = this.#options;
    this.#lastAt = Math.max(this.#lastAt, clock.monotonic() + random() * way().latencyMs);
    clock.timer(this.#lastAt - clock.monotonic(), run);
  }
}
