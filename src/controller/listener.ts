import type { DrainAck, ListenerDesk, OwnCard } from '../core/listener.ts';
import { type Clock, type Log, sleep } from '../core/ports.ts';
import type { Proxy } from '../core/proxy.ts';
import type { CommandedDrain } from './commanded.ts';
import type { RouteLoop } from './route.ts';
import { type ServersByPath, serversByPath } from './running-servers.ts';

/** A proxy of the listener, with the paths that it serves, as prefixes of keys. */
export interface ListeningRoute {
  readonly proxy: Pick<Proxy, 'name' | 'servers' | 'nameOf'>;
  readonly loop: Pick<RouteLoop, 'table' | 'commanded' | 'onPass' | 'listed'>;
  readonly paths: readonly string[];
}

export interface ListenerOptions {
  /** Name of the registry, for the log. */
  readonly target: string;
  readonly desk: ListenerDesk;
  readonly card: OwnCard;
  readonly routes: readonly ListeningRoute[];
  /** The name of an acknowledgement below the listener's key, of a proxy's name and a record's key. */
  readonly nameOf: (proxy: string, key: string) => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Sessions are counted at first this often, then less and less. */
const COUNT_MS = { first: 200, longest: 2_000 } as const;
/** Two looks are at least so far apart, and what one takes is at most this share of the time. */
const GAP_MS = 50;
const SHARE = 0.1;
/** A count that is neither the first nor none is told this often at most. */
const TELL_MS = 5_000;
const RETRY_MS = { first: 200, longest: 5_000 } as const;
/** It is looked this often whether we have another lease now; that costs nothing while we have not. */
const LEASE_MS = 5_000;
/** What the registry holds of us is read again this often. */
const RESYNC_MS = 60_000;

/** What is to stand below a listener's key. `open`: the sessions of a drain have to be counted again. */
interface Wanted {
  readonly texts: ReadonlyMap<string, string>;
  readonly open: boolean;
}

/** An acknowledgement as it was told last. */
interface Told {
  readonly ack: DrainAck;
  readonly at: number;
}

/**
 * Tells a registry which paths the proxies of this process serve, and of each record that is drained by a command when its
 * server has left rotation and how many sessions it still has. While nothing is drained by a command it writes nothing.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #told = new Map<string, Told>();
  #wake: (() => void) | undefined;
  #dirty = true;
  #failed = false;

  constructor(options: ListenerOptions) {
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { routes, desk, clock } = this.#options;
    const look = (): void => {
      this.#dirty = true;
      this.#wake?.();
    };
    for (const route of routes) {
      const { loop } = route;
      loop.commanded.onChange(look);
      loop.onPass(() => {
        if (this.#concerns(route)) look();
      });
    }
    let count: number = COUNT_MS.first;
    let retry: number = RETRY_MS.first;
    let readAt = clock.monotonic();
    let wanted: Wanted = { texts: new Map(), open: true };
    const over = (): boolean => signal.aborted;
    while (!over()) {
      const lookedAt = clock.monotonic();
      const resync = lookedAt - readAt >= RESYNC_MS;
      if (resync) readAt = lookedAt;
      if (resync) desk.forget();
      if (this.#dirty) count = COUNT_MS.first;
      if (this.#dirty || wanted.open || resync) wanted = await this.#wanted(signal);
      if (over()) break;
      const took = clock.monotonic() - lookedAt;
      const written = await this.#bring(wanted.texts, signal);
      await this.#nap(written ? (wanted.open ? count : LEASE_MS) : retry, written, signal);
      // Many passes in a row are one occasion.
      const nextAt = lookedAt + Math.max(GAP_MS, took / SHARE);
      await sleep(clock, Math.max(0, nextAt - clock.monotonic()), signal);
      count = Math.min(count * 1.5, COUNT_MS.longest);
      retry = written ? RETRY_MS.first : Math.min(retry * 2, RETRY_MS.longest);
    }
  }

  /** Whether a pass may have changed what was told: who drains for days must not cost a look at every pass. */
  #concerns({ proxy, loop }: ListeningRoute): boolean {
    for (const { key, path, revision } of loop.commanded.all) {
      const told = this.#told.get(this.#options.nameOf(proxy.name, key))?.ack;
      if (told?.revision !== revision || told.held !== isHeld(loop, path, key)) return true;
    }
    return false;
  }

  async #bring(texts: ReadonlyMap<string, string>, signal: AbortSignal): Promise<boolean> {
    const { desk, log, target } = this.#options;
    const brought = await desk.bring(texts, signal);
    // A moment without a lease is no news: every process begins with it.
    if (!brought.ok && !this.#failed && brought.failure.code !== 'lease-lost')
      log.warn(
        { target, reason: brought.failure.message },
        'cannot tell the registry what the proxies serve',
      );
    this.#failed = !brought.ok && (this.#failed || brought.failure.code !== 'lease-lost');
    return brought.ok;
  }

  async #wanted(signal: AbortSignal): Promise<Wanted> {
    this.#dirty = false;
    const { routes, card, nameOf } = this.#options;
    const proxies = routes.map(({ proxy: { name }, paths }) => ({ name, paths }));
    const texts = new Map([['', JSON.stringify({ ...card, proxies })]]);
    const drained = new Set<string>();
    let open = false;
    for (const route of routes) {
      if (route.loop.commanded.size === 0) continue;
      const read = await route.proxy.servers(signal);
      const servers = read.ok ? serversByPath(read.value) : undefined;
      for (const drain of route.loop.commanded.all) {
        const name = nameOf(route.proxy.name, drain.key);
        drained.add(name);
        const ack = servers && acknowledge(route, drain, servers);
        const said = this.#say(name, ack);
        if (said !== undefined) texts.set(name, JSON.stringify(said));
        // What is held serves on: its sessions come and go, and only a pass can end it.
        open ||= ack === undefined || (ack.sessions > 0 && !ack.held);
      }
    }
    for (const name of this.#told.keys()) if (!drained.has(name)) this.#told.delete(name);
    return { texts, open };
  }

  /** What is told of it now: its last word stands until there is something new to say. */
  #say(name: string, ack: DrainAck | undefined): DrainAck | undefined {
    const now = this.#options.clock.monotonic();
    const told = this.#told.get(name);
    if (ack === undefined || (told !== undefined && !isNews(told, ack, now))) return told?.ack;
    this.#told.set(name, { ack, at: now });
    return ack;
  }

  /** `calm`: a change ends it; after a failure only time does. */
  #nap(ms: number, calm: boolean, signal: AbortSignal): Promise<void> {
    if (calm && this.#dirty) return Promise.resolve();
    const woken = new AbortController();
    if (calm)
      this.#wake = () => {
        woken.abort();
      };
    return sleep(this.#options.clock, ms, AbortSignal.any([signal, woken.signal])).finally(() => {
      this.#wake = undefined;
    });
  }
}

/** undefined: the proxy has not done it yet, or does not tell. */
function acknowledge(
  { proxy, loop }: ListeningRoute,
  { key, path, id, revision }: CommandedDrain,
  servers: ServersByPath,
): DrainAck | undefined {
  if (!loop.listed) return undefined;
  const view = servers.get(path)?.get(proxy.nameOf(id));
  const said = { proxy: proxy.name, key, revision };
  // Never served, or gone with its last session.
  if (view === undefined) return { ...said, sessions: 0, held: false };
  const { state, sessions } = view;
  if (sessions === undefined) return undefined;
  if (state === 'drain' || state === 'maint') return { ...said, sessions, held: false };
  return isHeld(loop, path, key) ? { ...said, sessions, held: true } : undefined;
}

function isHeld({ table }: ListeningRoute['loop'], path: string, key: string): boolean {
  return table.service(path)?.servers.find((server) => server.key === key)?.why === 'held';
}

function isNews({ ack: before, at }: Told, ack: DrainAck, now: number): boolean {
  if (before.revision !== ack.revision || before.held !== ack.held) return true;
  if (before.sessions === ack.sessions || ack.held) return false;
  return before.sessions === 0 || ack.sessions === 0 || now - at >= TELL_MS;
}
