import { chmodSync, mkdirSync, statSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect, type ListenOptions } from 'node:net';
import { dirname } from 'node:path';
import { messageOf } from '../core/failure.ts';
import type { Orders } from '../core/orders.ts';
import { hostCheck } from './host-check.ts';
import { createWebServer, type Listener, type ListenResult, type WebOptions } from './server.ts';

const SOCKET_MODE = 0o660;
const FOLDER_MODE = 0o750;
/** How long somebody behind a socket may take to accept before it counts as living but busy. */
const PROBE_MS = 1000;

export interface LoopbackOptions extends WebOptions {
  readonly host: string;
  readonly port: number;
  readonly allowedHosts: readonly string[];
}

/** Serves health and status over TCP, for requests that name this machine. */
export async function listenLoopback(options: LoopbackOptions): Promise<ListenResult> {
  const { host, port, allowedHosts } = options;
  const closing = new AbortController();
  const server = createWebServer(
    options,
    { hostAllowed: hostCheck([host, ...allowedHosts]), orders: undefined },
    closing.signal,
  );
  const failed = await listen(server, { host, port });
  const name = host.includes(':') ? `[${host}]` : host;
  if (failed !== undefined) return refused(failed, `${name}:${port}`);
  const bound = server.address();
  const shown = typeof bound === 'object' && bound !== null ? bound.port : port;
  return { ok: true, listener: listenerOf(server, `${name}:${shown}`, closing) };
}

export interface ControlOptions extends WebOptions {
  readonly path: string;
  readonly orders: Orders;
}

/** Serves the command line on a Unix socket; takes the place of a socket whose owner is dead, never of a living one. */
export async function listenControlSocket(options: ControlOptions): Promise<ListenResult> {
  const { path, orders } = options;
  const closing = new AbortController();
  try {
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    const server = createWebServer(options, { hostAllowed: undefined, orders }, closing.signal);
    let failed = await listen(server, { path });
    if (failed?.code === 'EADDRINUSE' && (await removeIfDead(path))) failed = await listen(server, { path });
    if (failed !== undefined) return refused(failed, path);
    chmodSync(path, SOCKET_MODE);
    return { ok: true, listener: listenerOf(server, path, closing) };
  } catch (error) {
    return refused(error as NodeJS.ErrnoException, path);
  }
}

/** True when nobody listens behind the socket any more and it has been removed. */
async function removeIfDead(path: string): Promise<boolean> {
  try {
    const before = statSync(path);
    if (!before.isSocket() || (await isAlive(path))) return false;
    // Another agent may have started meanwhile and put its own socket there.
    if (statSync(path).ino !== before.ino) return false;
    unlinkSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

/** Only a refusal proves that nobody is there; whoever cannot be asked counts as living. */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const done = (alive: boolean): void => {
      socket.destroy();
      resolve(alive);
    };
    socket.setTimeout(PROBE_MS, () => {
      done(true);
    });
    socket.once('connect', () => {
      done(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      done(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
}

function listen(server: Server, where: ListenOptions): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      resolve(error);
    };
    server.once('error', failed);
    server.listen(where, () => {
      server.removeListener('error', failed);
      resolve(undefined);
    });
  });
}

function refused(error: NodeJS.ErrnoException, address: string): ListenResult {
  switch (error.code) {
    case 'EADDRINUSE':
      return { ok: false, code: 'in-use', message: `somebody else listens on ${address}` };
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return { ok: false, code: 'denied', message: `listening on ${address} is not permitted` };
    default:
      return { ok: false, code: 'failed', message: `listening on ${address} failed: ${messageOf(error)}` };
  }
}

function listenerOf(server: Server, address: string, closing: AbortController): Listener {
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        closing.abort();
        server.close(() => {
          resolve();
        });
        server.closeIdleConnections();
        // Watches have ended by the abort; whoever still holds a connection is cut off.
        setImmediate(() => {
          server.closeAllConnections();
        });
      }),
  };
}
