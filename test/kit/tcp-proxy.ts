import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** Where something listens: a TCP port (of 127.0.0.1 if no host is given) or a unix socket. */
export type Address = { readonly port: number; readonly host?: string } | { readonly path: string };
export type Direction = 'to-server' | 'to-client';

/** A barrier that data waits at while it is closed. */
class Gate {
  #open: Promise<void> = Promise.resolve();
  #release: (() => void) | undefined;

  shut(): void {
    if (this.#release !== undefined) return;
    this.#open = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  unlock(): void {
    this.#release?.();
    this.#release = undefined;
  }

  passed(): Promise<void> {
    return this.#open;
  }
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  /** Set for good by `freezeExisting`. */
  readonly frozen: Gate;
}

export interface TcpProxyOptions {
  readonly to: Address;
  /** A free port of 127.0.0.1 unless told. */
  readonly listen?: Address;
  /** Called for each connection and direction; what it returns sees all that is forwarded. */
  readonly tap?: (direction: Direction) => (chunk: Buffer) => void;
}

const withHost = (address: Address) =>
  'path' in address ? address : { host: address.host ?? '127.0.0.1', port: address.port };

/**
 * A proxy for TCP and unix sockets that fails on demand. What is held back while it is silent is delivered after
 * `heal`, as it would be after a network partition; `cut` loses it.
 */
export class TcpProxy {
  readonly #target: Address;
  readonly #tap: TcpProxyOptions['tap'];
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #gates: Record<Direction, Gate> = { 'to-server': new Gate(), 'to-client': new Gate() };
  #address: Address;
  #delayMs = 0;
  #opened = 0;

  private constructor({ to, listen, tap }: TcpProxyOptions) {
    this.#target = to;
    this.#tap = tap;
    this.#address = listen ?? { port: 0 };
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      this.#accept(client);
    });
  }

  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    await proxy.#listen();
    return proxy;
  }

  /** The address to connect to; it stays the same over `refuse` and `heal`. */
  get address(): Address {
    return this.#address;
  }

  get port(): number {
    if ('path' in this.#address) throw new Error('the proxy listens on a unix socket');
    return this.#address.port;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#pairs.size;
  }

  /** Connections accepted since the start. */
  get opened(): number {
    return this.#opened;
  }

  /** Breaks every open connection; new ones work. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      if ('path' in this.#address) client.destroy();
      else client.resetAndDestroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  /** Accepts and keeps connections open, but forwards nothing, in one direction or both, until `heal`. */
  silence(...directions: readonly Direction[]): void {
    const shut: readonly Direction[] = directions.length > 0 ? directions : ['to-server', 'to-client'];
    for (const direction of shut) this.#gates[direction].shut();
  }

  /** The connections that are open now never carry a byte again, not even after `heal`; new ones work. */
  freezeExisting(): void {
    for (const pair of this.#pairs) pair.frozen.shut();
  }

  /** Holds everything back by this much. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Refuses new connections; open ones live on (see `cut`). */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return;
    // Not waiting for 'close': it comes only when the open connections are gone. The listener itself goes at once.
    this.#server.close();
    await sleep(0);
  }

  /** Back to plain forwarding; what was held back is delivered. */
  async heal(): Promise<void> {
    this.#delayMs = 0;
    for (const gate of Object.values(this.#gates)) gate.unlock();
    if (!this.#server.listening) await this.#listen();
  }

  async stop(): Promise<void> {
    await this.refuse();
    this.cut();
    for (const gate of Object.values(this.#gates)) gate.unlock();
  }

  async #listen(): Promise<void> {
    this.#server.listen(withHost(this.#address));
    await once(this.#server, 'listening');
    const bound = this.#server.address();
    if (bound !== null && typeof bound === 'object')
      this.#address = { host: bound.address, port: bound.port };
  }

  #accept(client: Socket): void {
    this.#opened += 1;
    const server = createConnection({ ...withHost(this.#target), allowHalfOpen: true });
    const pair: Pair = { client, server, frozen: new Gate() };
    this.#pairs.add(pair);
    const end = (): void => {
      client.destroy();
      server.destroy();
      this.#pairs.delete(pair);
    };
    // An error is followed by 'close', which ends the pair; without a listener it would end the process.
    for (const socket of [client, server]) socket.on('error', () => undefined).on('close', end);
    void this.#pump(client, server, 'to-server', pair.frozen).catch(end);
    void this.#pump(server, client, 'to-client', pair.frozen).catch(end);
  }

  async #pump(from: Socket, to: Socket, direction: Direction, frozen: Gate): Promise<void> {
    const see = this.#tap?.(direction);
    // The plain iterator destroys its socket at the end, and with it the other direction.
    for await (const chunk of from.iterator({ destroyOnReturn: false })) {
      see?.(chunk as Buffer);
      if (this.#delayMs > 0) await sleep(this.#delayMs);
      await this.#gates[direction].passed();
      await frozen.passed();
      if (!to.write(chunk as Buffer)) await once(to, 'drain');
    }
    // A half-closed connection goes on in the other direction (attach, gRPC), but its end is held back as well.
    await this.#gates[direction].passed();
    await frozen.passed();
    to.end();
  }
}
