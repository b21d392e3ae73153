import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONTAINER, FakeOrders, FakeStatus } from '../../test/kit/status-fake.ts';
import { tell } from '../cli/client.ts';
import type { Log } from '../core/ports.ts';
import { systemClock } from '../telemetry/clock.ts';
import { listenControlSocket, listenLoopback } from './listen.ts';
import type { Listener } from './server.ts';

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

let folder: string;
let path: string;
let orders: FakeOrders;
let open: Listener[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-orders-'));
  path = join(folder, 's.sock');
  orders = new FakeOrders();
  const web = { source: new FakeStatus(), clock: systemClock, log };
  const control = await listenControlSocket({ ...web, orders, path });
  const loopback = await listenLoopback({ ...web, host: '127.0.0.1', port: 0, allowedHosts: [] });
  if (!control.ok || !loopback.ok) throw new Error('cannot listen');
  open = [control.listener, loopback.listener];
});

afterEach(async () => {
  await Promise.all(open.map((listener) => listener.close()));
  rmSync(folder, { recursive: true, force: true });
});

interface Sent {
  readonly to: object;
  readonly route?: string;
  readonly method?: string;
  readonly type?: string;
  readonly body?: string;
}

/** `<status> <code>`, or the status alone of what is no error. */
function send({ to, route = '/v1/drain', method = 'POST', type, body }: Sent): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', 'content-type': type ?? 'application/json' };
    const asked = request({ ...to, path: route, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const { error } = JSON.parse(text) as { error?: { code: string } };
        resolve(`${String(response.statusCode)} ${error?.code ?? ''}`.trim());
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

const never = new AbortController().signal;
const order = JSON.stringify({ container: CONTAINER.name });

describe('an order', () => {
  it('is carried out over the control socket, and answered', async () => {
    const whom = { container: CONTAINER.name };
    const reply = await tell({ sockets: [path] }, '/v1/drain', whom, never);
    expect(reply).toEqual({ status: 200, body: JSON.parse(JSON.stringify(orders.answer)) as unknown });
    await tell({ sockets: [path] }, '/v1/undrain', { host: true }, never);
    expect(orders.given).toEqual([
      ['drain', whom],
      ['undrain', { host: true }],
    ]);
  });

  it('that is refused says why', async () => {
    const reply = await tell({ sockets: [path] }, '/v1/drain', { container: 'nobody' }, never);
    const error = { code: 'not-found', message: 'The engine has no container nobody.' };
    expect(reply).toEqual({ status: 404, body: { error } });
  });

  it('is never taken by the HTTP listener', async () => {
    const to = { host: '127.0.0.1', port: Number(open[1]?.address.split(':')[1]) };
    expect(await send({ to, body: order })).toBe('405 read-only');
    expect(await send({ to, method: 'GET' })).toBe('404 not-found');
    expect(orders.given).toEqual([]);
  });

  it('that cannot be read is not carried out', async () => {
    const to = { socketPath: path };
    expect(await send({ to, method: 'GET' })).toBe('405 an-order');
    expect(await send({ to, route: '/v1/services', body: order })).toBe('405 read-only');
    expect(await send({ to, type: 'text/plain', body: order })).toBe('415 not-json');
    expect(await send({ to, body: 'x'.repeat(20_000) })).toBe('413 too-large');
    expect(await send({ to, body: '{' })).toBe('400 bad-json');
    expect(await send({ to })).toBe('400 bad-json');
    const strange = [
      '[]',
      'null',
      '{}',
      '{"container":""}',
      '{"container":"a","host":true}',
      '{"host":false}',
    ];
    for (const body of strange) expect(await send({ to, body })).toBe('400 bad-order');
    expect(orders.given).toEqual([]);
  });
});
