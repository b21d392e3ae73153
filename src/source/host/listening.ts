import { closeSync, openSync, readSync } from 'node:fs';
import type { ListeningPorts } from '../../core/own-announcement.ts';

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'] as const;
const LISTEN = '0A';
const CHUNK = 65_536;

/**
 * The ports that listen in this process's network namespace, as the kernel tells: the services themselves notice
 * nothing, as they would of a connection. undefined where the kernel does not tell.
 */
export function listeningPorts(
  read: (path: string) => string | undefined = readTable,
): ListeningPorts | undefined {
  const texts = TABLES.map(read);
  if (texts.every((text) => text === undefined)) return undefined;
  const ports = new Map<number, 'loopback' | 'reachable'>();
  for (const text of texts)
    for (const { port, loopback } of listenersIn(text ?? ''))
      if (!loopback || !ports.has(port)) ports.set(port, loopback ? 'loopback' : 'reachable');
  return ports;
}

function* listenersIn(text: string): Generator<{ readonly port: number; readonly loopback: boolean }> {
  for (const line of text.split('\n')) {
    const [, local = '', , state] = line.trim().split(/\s+/, 4);
    const [, address = '', port = ''] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? [];
    if (state !== LISTEN || address === '') continue;
    yield { port: Number.parseInt(port, 16), loopback: isLoopback(address) };
  }
}

/** Each word of an address stands there with its bytes reversed. */
function isLoopback(address: string): boolean {
  if (address === '00000000000000000000000001000000') return true;
  return /^(0{16}FFFF0000)?[0-9A-F]{6}7F$/.test(address);
}

/**
 * The kernel lists the listeners first. A busy service has a hundred thousand connections behind them, which nobody
 * needs to read twice a second; a short table is read whole, for another kernel may have another order.
 */
function readTable(path: string): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const buffer = Buffer.alloc(CHUNK);
    let text = '';
    for (let read = readSync(file, buffer); read > 0; read = readSync(file, buffer)) {
      const chunk = buffer.toString('latin1', 0, read);
      text += chunk;
      if (text.length > CHUNK && !chunk.includes(` ${LISTEN} `)) break;
    }
    return text;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
