import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeStatus, RECORD, SERVICE } from '../../test/kit/status-fake.ts';
import type { Log } from '../core/ports.ts';
import { systemClock } from '../telemetry/clock.ts';
import { listenLoopback } from './listen.ts';
import type { Listener } from './server.ts';

const logged: string[] = [];
const say = (_fields: object, message: string): void => {
  logged.push(message);
};
const log: Log = { debug: say, info: say, warn: say, error: say };

let source: FakeStatus;
let listener: Listener;
let port: number;

beforeEach(async () => {
  source = new FakeStatus();
  const result = await listenLoopback({
    source,
    metrics: () => '# a page\n',
    log,
    clock: systemClock,
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['status.example'],
  });
  if (!result.ok) throw new Error(result.message);
  listener = result.listener;
  port = Number(listener.address.split(':')[1]);
});

afterEach(async () => {
  await listener.close();
});

interface Got {
  readonly status: number;
  readonly body: unknown;
  readonly headers: NodeJS.Dict<string | string[]>;
}

function get(path: string, options: { method?: string; host?: string } = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.method ?? 'GET',
        headers: { host: options.host ?? 'localhost' },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => {
          const isJson = response.headers['content-type']?.includes('json') === true;
          const body: unknown = text === '' ? undefined : isJson ? JSON.parse(text) : text;
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers });
        });
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

const codeOf = ({ body }: Got): string => (body as { error: { code: string } }).error.code;

describe('the listener', () => {
  it('serves health, status and every list as JSON', async () => {
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { ok: true } });
    expect(await get('/v1/status')).toMatchObject({ status: 200, body: { owner: 'host-a' } });
    expect(await get('/v1/services')).toMatchObject({ status: 200, body: [{ path: '/shop/web' }] });
    expect(await get('/v1/containers')).toMatchObject({ status: 200, body: [{ name: 'shop-web-1' }] });
    expect(await get('/v1/hosts')).toMatchObject({ status: 200, body: [{ owner: 'host-a' }] });
    expect(await get('/v1/records')).toMatchObject({ status: 200, body: [{ key: RECORD.key }] });
    expect(await get('/v1/plan')).toMatchObject({ status: 200, body: { targets: [], proxies: [] } });
  });

  it('serves the metrics as Prometheus reads them', async () => {
    expect(await get('/metrics')).toMatchObject({
      status: 200,
      body: '# a page\n',
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'content-length': '9' },
    });
    expect((await get('/metrics', { host: 'evil.example' })).status).toBe(421);
  });

  it('is not ready with its reasons, until it is', async () => {
    source.view = { ...source.view, ready: false, waitingFor: ['etcd://a: not listed yet'] };
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { ready: false, waitingFor: ['etcd://a: not listed yet'] },
    });
    source.view = { ...source.view, ready: true, waitingFor: [] };
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { ready: true } });
  });

  it('takes any reference for explain, percent-encoded, and refuses what is none', async () => {
    expect(await get('/v1/explain/a%2Fb%20c')).toMatchObject({ status: 200 });
    expect(await get('/v1/history/a%2Fb')).toMatchObject({
      ...{ status: 200, body: [{ container: 'shop-web-1', transitions: [{ state: 'registered' }] }] },
    });
    expect(source.asked).toEqual(['a/b c', 'a/b']);
    expect(await get('/v1/history')).toMatchObject({ body: [{ reason: 'started' }] });
    for (const path of [
      '/v1/history/',
      '/v1/explain/',
      '/v1/explain/%E0%A4%A',
      `/v1/explain/${'x'.repeat(300)}`,
    ])
      expect(await get(path)).toMatchObject({ status: 400 });
  });

  it('answers an unknown path with the paths that there are', async () => {
    const got = await get('/v2/everything');
    expect(got.status).toBe(404);
    expect(JSON.stringify(got.body)).toContain('/v1/services');
  });

  it('is read-only', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
      const got = await get('/v1/services', { method });
      expect([got.status, codeOf(got), got.headers['allow']]).toEqual([405, 'read-only', 'GET, HEAD']);
    }
    expect(await get('/v1/services', { method: 'HEAD' })).toMatchObject({ status: 200, body: undefined });
  });

  it('answers only under the names of this machine and those that were allowed', async () => {
    const refused = await get('/v1/status', { host: 'evil.example' });
    expect([refused.status, codeOf(refused)]).toEqual([421, 'wrong-host']);
    expect((await get('/v1/status', { host: `127.0.0.1:${port}` })).status).toBe(200);
    expect((await get('/v1/status', { host: 'status.example' })).status).toBe(200);
  });

  it('keeps its stack traces to itself', async () => {
    source.recordViews = () => Promise.reject(new Error('secret place at /srv/x.ts:3'));
    const got = await get('/v1/records');
    expect([got.status, codeOf(got)]).toEqual([500, 'internal']);
    expect(JSON.stringify(got.body)).not.toMatch(/secret|\.ts/);
    expect(logged).toContain('a request could not be answered');
    expect((await get('/healthz')).status).toBe(200);
  });
});

interface Watching {
  readonly lines: unknown[];
  readonly ended: Promise<void>;
  readonly stop: () => void;
}

function watch(path: string): Watching {
  const lines: unknown[] = [];
  let finish = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const asked = request({ host: '127.0.0.1', port, path, headers: { host: 'localhost' } }, (response) => {
    let rest = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      const parts = `${rest}${part}`.split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts.map((line) => JSON.parse(line) as unknown));
    });
    response.on('close', finish);
  });
  asked.on('error', finish);
  asked.end();
  return { lines, ended, stop: () => asked.destroy() };
}

describe('a watch', () => {
  const named = (path: string) => [{ ...SERVICE, path }];

  it('sends the list at first, and again only when it is another one', async () => {
    const seen = watch('/v1/services?watch=1');
    await expect.poll(() => seen.lines.length).toBe(1);
    source.changed();
    await pause(400);
    expect(seen.lines).toHaveLength(1);
    source.serviceViews = named('/other');
    source.changed();
    await expect.poll(() => seen.lines.length).toBe(2);
    expect(seen.lines[1]).toMatchObject([{ path: '/other' }]);
    seen.stop();
  });

  it('gathers a storm of changes into a few lines, and the last state is among them', async () => {
    const seen = watch('/v1/services?watch=1');
    await expect.poll(() => seen.lines.length).toBe(1);
    for (let n = 0; n < 200; n += 1) {
      source.serviceViews = named(`/n${n}`);
      source.changed();
      await pause(3);
    }
    await expect.poll(() => seen.lines.at(-1)).toMatchObject([{ path: '/n199' }]);
    expect(seen.lines.length).toBeLessThan(12);
    seen.stop();
  });

  it('of a list that cannot be read goes on when it can be read again', async () => {
    source.recordViews = () => Promise.reject(new Error('hidden'));
    const seen = watch('/v1/records?watch=1');
    await expect.poll(() => seen.lines.length).toBe(1);
    expect(seen.lines[0]).toMatchObject({ error: { code: 'unreadable' } });
    expect(JSON.stringify(seen.lines)).not.toContain('hidden');
    source.recordViews = () => Promise.resolve([RECORD]);
    source.changed();
    await expect.poll(() => seen.lines[1]).toMatchObject([{ key: RECORD.key }]);
    seen.stop();
  });

  it('leaves nothing behind when its client goes', async () => {
    const seen = watch('/v1/services?watch=1');
    await expect.poll(() => source.listeners).toBe(1);
    seen.stop();
    await expect.poll(() => source.listeners).toBe(0);
  });

  it('that waits behind another on its connection leaves nothing behind either', async () => {
    const ask = 'GET /v1/services?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n';
    const socket = connect(port, '127.0.0.1', () => socket.write(ask.repeat(3)));
    await expect.poll(() => source.listeners).toBe(3);
    socket.destroy();
    await expect.poll(() => source.listeners).toBe(0);
  });

  it('ends when the listener closes, which does not wait for its clients', async () => {
    const seen = watch('/v1/services?watch=1');
    await expect.poll(() => seen.lines.length).toBe(1);
    await listener.close();
    await seen.ended;
    expect(source.listeners).toBe(0);
  });
});

/** Sends bytes and collects what comes back until the server closes, or nothing more comes. */
function sendRaw(bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.end(bytes));
    socket.setTimeout(300, () => socket.destroy());
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
  });
}

describe('rubbish', () => {
  it('is answered with an error in JSON or not at all, and never stops the server', async () => {
    const head = fc.constantFrom(
      'GET / HTTP/1.1\r\n',
      'GET /v1/explain/%ff HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'HEAD * HTTP/1.1\r\nHost:\r\n\r\n',
      'GET //[ HTTP/1.0\r\n\r\n',
      'GET http://x/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
      'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '',
    );
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 64 }), async (start, bytes) => {
        const answer = await sendRaw(Buffer.concat([Buffer.from(start), bytes]));
        expect(answer).toMatch(/^$|^HTTP\/1\.1 (?:200|400|404|405|408|421|431|501|505) /);
      }),
      { numRuns: 60 },
    );
    expect((await get('/healthz')).status).toBe(200);
  });

  it('of too long a head is refused', async () => {
    const answer = await sendRaw(
      Buffer.from(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 431 [^]*"code":"bad-request"/);
  });

  it('in what is expected of the answer is refused', async () => {
    const answer = await sendRaw(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nExpect: all\r\n\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 417 [^]*"code":"cannot-be-expected"/);
  });

  it('of a request without Host is refused as any other name would be', async () => {
    expect(await sendRaw(Buffer.from('GET /v1/status HTTP/1.0\r\n\r\n'))).toMatch(/^HTTP\/1\.1 421 /);
  });
});
