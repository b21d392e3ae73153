import { setMaxListeners } from 'node:events';
import type { Etcd3 } from 'etcd3';
import { type Failure, failure as failureOf, type Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { Cancelled, problemOf, TimedOut } from './errors.ts';
import { type EtcdCredentials, Link } from './link.ts';
import { type Access, denied } from './permissions.ts';

export interface EtcdOptions {
  /** `http://host:port` or `https://host:port`, all of one kind. */
  readonly endpoints: readonly string[];
  readonly clock: Clock;
  /** Asked at each call. Another object than before: they were renewed, and what is opened from then on uses them. */
  readonly credentials?: (() => EtcdCredentials) | undefined;
  /** Prefixes of the layouts, each with a slash at its end: what permissions are granted for. */
  readonly prefixes?: readonly string[] | undefined;
  /** How long any call may take, failover included. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 2_000;

const NO_CREDENTIALS: EtcdCredentials = {};

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
  link: Link | undefined;
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
    this.#endpoints = options.endpoints.map((host) => ({ host, link: undefined }));
  }

  /** Tells when the current endpoint, or the connection to it, is given up: streams that depend on it are in doubt. */
  onLeave(listener: () => void): void {
    this.#left.add(listener);
  }

  /**
   * Runs a call; a `read` may be repeated at another endpoint, a `write` only if it certainly was not sent.
   * A write whose answer is lost ends as `outcome-unknown`.
   */
  async call<T>(
    kind: 'read' | 'write',
    signal: AbortSignal,
    run: Run<T>,
    access?: () => Access,
  ): Promise<Result<T>> {
    const end = this.clock.monotonic() + this.timeoutMs;
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const index = this.#current;
      let link: Link | undefined;
      try {
        link = this.#link(index);
        return { ok: true, value: await this.#bounded(end, signal, run, link) };
      } catch (error) {
        const { failure: found, down, unsent, stale, forbidden } = problemOf(error);
        const failure = forbidden ? this.#refusal(found, access) : found;
        if (stale) this.#retire(index, link);
        if (down) this.#leave(index);
        const more = attempt < this.#endpoints.length && this.clock.monotonic() < end;
        const repeat = down && more && (kind === 'read' || unsent);
        if (!repeat && !(stale && !renewed))
          return { ok: false, failure: lossOf(kind, failure, down && !unsent) };
        renewed ||= stale;
      }
    }
  }

  /** What is to be granted to whoever was refused. */
  denied(access: Access): Failure {
    return denied(access, this.#options.prefixes ?? []);
  }

  /** A call that only `close` cancels: for what outlives its caller. */
  async open<T>(run: Run<T>): Promise<Result<T>> {
    return await this.call('read', this.#own, run);
  }

  /** The endpoint in use failed a stream. */
  suspect(error: unknown): void {
    const { down, stale } = problemOf(error);
    if (stale) this.#retire(this.#current, this.#endpoints[this.#current]?.link);
    if (down) this.#leave(this.#current);
  }

  close(): void {
    this.#closed = true;
    for (const cancel of [...this.#underWay]) cancel();
    this.#left.clear();
    for (const endpoint of this.#endpoints) {
      endpoint.link?.close();
      endpoint.link = undefined;
    }
  }

  #refusal(found: Failure, access: (() => Access) | undefined): Failure {
    return access === undefined ? found : this.denied(access());
  }

  /** The first to come counts: the answer, the end of the time, the caller's signal, or `close`. */
  async #bounded<T>(end: number, signal: AbortSignal, run: Run<T>, link: Link): Promise<T> {
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
      return await Promise.race([link.use((client) => run(client, over)), ended]);
    } finally {
      stop();
      over.come();
    }
  }

  #link(index: number): Link {
    const endpoint = this.#endpoints[index];
    if (endpoint === undefined) throw new Error('no such endpoint');
    const credentials = this.#options.credentials?.() ?? NO_CREDENTIALS;
    if (endpoint.link !== undefined && endpoint.link.credentials !== credentials)
      this.#retire(index, endpoint.link);
    const { clock, timeoutMs } = this;
    endpoint.link ??= new Link({ host: endpoint.host, credentials, clock, timeoutMs });
    return endpoint.link;
  }

  /** The next use of the endpoint makes a new connection, and authenticates anew. */
  #retire(index: number, link: Link | undefined): void {
    const endpoint = this.#endpoints[index];
    // Calls that fail together retire the link that they used, not the new one of each other.
    if (endpoint === undefined || link === undefined || endpoint.link !== link) return;
    endpoint.link = undefined;
    if (index === this.#current) for (const listener of this.#left) listener();
    link.retire();
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
