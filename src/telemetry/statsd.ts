import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { messageOf } from '../core/failure.ts';
import type { Clock, Log } from '../core/ports.ts';

/** Hears what statsd is to be told. Names come without the prefix; times are milliseconds. */
export interface StatsdSink {
  /** `times`: so many had this duration. */
  timing(name: string, ms: number, times?: number): void;
  gauge(name: string, value: number): void;
  count(name: string): void;
}

export interface StatsdOptions {
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the name leads now. */
  readonly resolve?: (host: string) => Promise<Address>;
}

interface Address {
  readonly address: string;
  readonly family: number;
}

/** Fits into one packet on every way. */
const PACKET_BYTES = 1400;
/** Lines are gathered for so long. */
const GATHER_MS = 100;
/** More than this in that time, or while the name is not known, is dropped: nobody keeps lines for a dead server. */
const MOST_LINES = 1_000;
/** How long an answer to the name counts, and how long after a failure it is not asked for again. */
const RESOLVED_MS = 60_000;

/** statsd listens on IPv4 unless it is told otherwise, and `localhost` is both. */
function ipv4First(host: string): Promise<Address> {
  return lookup(host, { order: 'ipv4first' });
}

/** Sends lines over UDP. A server that is away, or a name that leads nowhere, disturbs nothing: lines are dropped. */
export class Statsd implements StatsdSink {
  readonly #options: StatsdOptions;
  readonly #sockets = new Map<number, Socket>();
  /** Packets that the system has not taken yet. */
  readonly #sending = new Set<Promise<void>>();
  #lines: string[] = [];
  #cancel: (() => void) | undefined;
  #to: { readonly address: Address | undefined; readonly until: number } | undefined;
  #resolving = false;
  /** What was last said about the way to it. */
  #said: string | undefined;
  #closed = false;

  constructor(options: StatsdOptions) {
    this.#options = options;
  }

  timing(name: string, ms: number, times = 1): void {
    const value = Math.round(Math.max(0, ms) * 1000) / 1000;
    // A rate of one in ten says that nine more were like this one.
    this.#add(`${name}:${String(value)}|ms${times > 1 ? `|@${String(1 / times)}` : ''}`);
  }

  gauge(name: string, value: number): void {
    this.#add(`${name}:${String(value)}|g`);
  }

  count(name: string): void {
    this.#add(`${name}:1|c`);
  }

  /** Sends what is left, if it is known where to. */
  async close(): Promise<void> {
    this.#cancel?.();
    this.#flush();
    this.#closed = true;
    await Promise.all(this.#sending);
    await Promise.all(
      [...this.#sockets.values()].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.close(resolve);
          }),
      ),
    );
  }

  #add(line: string): void {
    if (this.#closed || this.#lines.length >= MOST_LINES) return;
    this.#lines.push(`${this.#options.prefix}.${line}`);
    this.#cancel ??= this.#options.clock.timer(GATHER_MS, () => {
      this.#cancel = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    const { clock } = this.#options;
    const to = this.#to;
    if (to === undefined || clock.monotonic() >= to.until) void this.#resolve();
    // The first lines wait for the first answer.
    if (to === undefined) return;
    const lines = this.#lines;
    this.#lines = [];
    if (to.address !== undefined) for (const packet of packets(lines)) this.#send(packet, to.address);
  }

  async #resolve(): Promise<void> {
    if (this.#resolving) return;
    this.#resolving = true;
    const { host, clock, resolve = ipv4First } = this.#options;
    const first = this.#to === undefined;
    try {
      const address = await resolve(host);
      this.#to = { address, until: clock.monotonic() + RESOLVED_MS };
      this.#tell(undefined);
    } catch (error) {
      this.#to = { address: undefined, until: clock.monotonic() + RESOLVED_MS };
      this.#tell(messageOf(error));
    }
    this.#resolving = false;
    if (first && !this.#closed) this.#flush();
  }

  #send(packet: string, { address, family }: Address): void {
    if (this.#closed) return;
    let socket = this.#sockets.get(family);
    if (socket === undefined) {
      socket = createSocket(family === 6 ? 'udp6' : 'udp4');
      socket.on('error', (error) => {
        this.#tell(error.message);
      });
      socket.unref();
      this.#sockets.set(family, socket);
    }
    const over = new Promise<void>((resolve) => {
      socket.send(packet, this.#options.port, address, (error) => {
        if (error !== null) this.#tell(error.message);
        resolve();
      });
    });
    this.#sending.add(over);
    void over.then(() => this.#sending.delete(over));
  }

  #tell(reason: string | undefined): void {
    if (reason === this.#said) return;
    this.#said = reason;
    const { host, log } = this.#options;
    if (reason !== undefined) log.warn({ host, reason }, 'statsd cannot be told anything; the agent goes on');
  }
}

function packets(lines: readonly string[]): readonly string[] {
  const all: string[] = [];
  for (const line of lines) {
    const last = all.at(-1);
    if (last === undefined || last.length + 1 + line.length > PACKET_BYTES) all.push(line);
    else all[all.length - 1] = `${last}\n${line}`;
  }
  return all;
}
