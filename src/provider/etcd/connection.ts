import { setMaxListeners } from 'node:events';
import { rootCertificates } from 'node:tls';
import { noop } from 'cockatiel';
import { Etcd3, type IOptions } from 'etcd3';
import { type Failure, failure as failureOf, type Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { Cancelled, problemOf, TimedOut } from './errors.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, all of one kind. */
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  /** PEM. Without `ca`, the authorities that Node trusts. */
  readonly tls?: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer } | undefined;
  readonly auth?: { readonly user: string; readonly password: string } | undefined;
  /** How long any call may take, failover included. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 2_000;

const GRPC_OPTIONS = {
  // 10,000 records are more than the 4 MiB that grpc-js takes by default.
  'grpc.max_receive_message_length': 64 * 1_024 * 1_024,
  // A connection that is dead without a word is found by the ping; etcd tolerates one each 5 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  // The work queue is the only backoff: when it tries, the connection must be tried as well.
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  // Statistics for a service that nobody serves here.
  'grpc.enable_channelz': 0,
};

/** What a call does with one endpoint's client. */
type Run<T> = (client: Etcd3, over: Over) => Promise<T>;

/** That nobody waits for a call any more: lighter than an AbortSignal, of which each call would need one of its own. */
export class Over {
  #listener: (() => void) | undefined;
  is = false;

  /** Calls back once; at once when it has come already. */
  onCome(listener: () => void): void {
    if (this.is) listener();
    else this.#listener = listener;
  }

  come(): void {
    this.is = true;
    this.#listener?.();
  }
}

interface Endpoint {
  readonly host: string;
  client: Etcd3 | undefined;
}

/**
 * The endpoints of one cluster. Calls go to one of them until it fails, then to the next. The library's own retries
 * and circuit breaker are off: they would hold calls back for seconds after the registry has returned.
 */
export class EtcdConnection {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly #options: EtcdOptions;
  readonly #endpoints: readonly Endpoint[];
  readonly #left = new Set<() => void>();
  /** Cancels each call under way. */
  readonly #underWay = new Set<() => void>();
  /** Never aborts: for calls that only `close` cancels. */
  readonly #own = new AbortController().signal;
  #closed = false;
  #current = 0;

  constructor(options: EtcdOptions) {
    if (options.endpoints.length === 0) throw new Error('an etcd registry needs an endpoint');
    this.#options = options;
    this.clock = options.clock;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#endpoints = options.endpoints.map((host) => ({ host, client: undefined }));
  }

  /** Tells when the current endpoint is given up: streams that depend on it are in doubt. */
  onLeave(listener: () => void): void {
    this.#left.add(listener);
  }

  /**
   * Runs a call; a `read` may be repeated at another endpoint, a `write` only if it certainly was not sent.
   * A write whose answer is lost ends as `outcome-unknown`.
   */
  async call<T>(kind: 'read' | 'write', signal: AbortSignal, run: Run<T>): Promise<Result<T>> {
    const end = this.clock.monotonic() + this.timeoutMs;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const index = this.#current;
      try {
        return {
          ok: true,
          value: await this.#bounded(end, signal, run, this.#client(index)),
        };
      } catch (error) {
        const { failure, down, unsent, stale } = problemOf(error);
        if (stale) this.#renew(index);
        if (down) this.#leave(index);
        const more = attempt < this.#endpoints.length && this.clock.monotonic() < end;
        const repeat = down && more && (kind === 'read' || unsent);
        if (!repeat && !(stale && !renewed))
          return { ok: false, failure: lossOf(kind, failure, down && !unsent) };
        renewed ||= stale;
      }
    }
  }

  /** A call that only `close` cancels: for what outlives its caller. */
  async open<T>(run: Run<T>): Promise<Result<T>> {
    return await this.call('read', this.#own, run);
  }

  /** The endpoint in use failed a stream. */
  suspect(error: unknown): void {
    const { down, stale } = problemOf(error);
    if (stale) this.#renew(this.#current);
    if (down) this.#leave(this.#current);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of [...this.#underWay]) cancel();
    this.#left.clear();
    for (const endpoint of this.#endpoints) {
      endpoint.client?.close();
      endpoint.client = undefined;
    }
  }

  /** The first to come counts: the answer, the end of the time, the caller's signal, or `close`. */
  async #bounded<T>(end: number, signal: AbortSignal, run: Run<T>, client: Etcd3): Promise<T> {
    // Each call under way listens to it; that many are no leak.
    setMaxListeners(0, signal);
    if (signal.aborted || this.#closed) throw new Cancelled('cancelled');
    const over = new Over();
    let stop = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      const cancel = (): void => {
        reject(new Cancelled('cancelled'));
      };
      const late = this.clock.timer(Math.max(0, end - this.clock.monotonic()), () => {
        reject(new TimedOut(`no answer within ${this.timeoutMs} ms`));
      });
      this.#underWay.add(cancel);
      signal.addEventListener('abort', cancel, { once: true });
      stop = () => {
        late();
        this.#underWay.delete(cancel);
        signal.removeEventListener('abort', cancel);
      };
    });
    try {
      return await Promise.race([run(client, over), ended]);
    } finally {
      stop();
      over.come();
    }
  }

  #client(index: number): Etcd3 {
    const endpoint = this.#endpoints[index];
    if (endpoint === undefined) throw new Error('no such endpoint');
    endpoint.client ??= new Etcd3(this.#clientOptions(endpoint.host));
    return endpoint.client;
  }

  #clientOptions(hosts: string): IOptions {
    const { tls, auth } = this.#options;
    const { clock, timeoutMs } = this;
    const rootCertificate = tls?.ca ?? Buffer.from(rootCertificates.join('\n'));
    return {
      hosts,
      ...(tls === undefined || !hosts.startsWith('https:')
        ? {}
        : {
            credentials: {
              rootCertificate,
              ...(tls.key === undefined ? {} : { privateKey: tls.key }),
              ...(tls.cert === undefined ? {} : { certChain: tls.cert }),
            },
          }),
      ...(auth === undefined ? {} : { auth: { username: auth.user, password: auth.password } }),
      grpcOptions: GRPC_OPTIONS,
      // The library has no deadline of its own, and waits for ever for a server that accepts and does not answer.
      defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: clock.now() + timeoutMs }),
      faultHandling: { host: () => noop, global: noop },
    };
  }

  /** The next use of the endpoint authenticates anew. */
  #renew(index: number): void {
    const endpoint = this.#endpoints[index];
    endpoint?.client?.close();
    if (endpoint !== undefined) endpoint.client = undefined;
  }

  #leave(index: number): void {
    // Calls that fail together move on by one endpoint, not by one each.
    if (index !== this.#current || this.#closed) return;
    this.#current = (index + 1) % this.#endpoints.length;
    for (const listener of this.#left) listener();
  }
}

function lossOf(kind: 'read' | 'write', cause: Failure, maybeSent: boolean): Failure {
  return kind === 'write' && maybeSent ? failureOf('outcome-unknown', cause.message) : cause;
}
