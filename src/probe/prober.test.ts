import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import { SPEC } from '../../test/kit/prober-fake.ts';
import type { ProbeResult, ProbeSpec } from '../core/probe.ts';
import { systemClock } from '../telemetry/clock.ts';
import { createProber } from './prober.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function listening(server: Server | HttpServer, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  open = () => sockets.size;
  return (server.address() as { port: number }).port;
}
/** Connections that the last server still has. */
let open = (): number => 0;

const prober = createProber(systemClock);
const never = new AbortController().signal;
const ask = (port: number, over: Partial<ProbeSpec> = {}, addresses = ['127.0.0.1'], signal = never) =>
  prober.probe({ spec: { ...SPEC, timeoutMs: 10_000, ...over }, addresses, port, hint: undefined }, signal);
const why = (result: ProbeResult): string => (result.ok ? 'fine' : result.why);

/** A server that says this to whoever connects, and nothing else. */
const saying = (...chunks: readonly string[]) =>
  createServer((socket) => {
    socket.on('data', () => undefined);
    for (const chunk of chunks) socket.write(chunk);
  });

describe('a TCP probe', () => {
  it('is fine when somebody accepts, and leaves no connection', async () => {
    const port = await listening(createServer());
    expect(await ask(port)).toEqual({ ok: true });
    await eventually(() => open() === 0);
  });

  it('fails at once when nothing listens', async () => {
    const server = createServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    expect(why(await ask(port))).toBe(
      `127.0.0.1:${String(port)}: the connection is refused: nothing listens there`,
    );
  });

  it('tries the next address', async () => {
    const port = await listening(createServer(), '127.0.0.3');
    expect(await ask(port, {}, ['127.0.0.2', '127.0.0.3'])).toEqual({ ok: true });
    expect(why(await ask(port, {}, ['127.0.0.2', '127.0.0.4']))).toContain('; 127.0.0.4:');
    expect(why(await ask(port, {}, []))).toContain('no address');
  });

  it('to what is no address fails like any other', async () => {
    expect((await ask(80, {}, ['999.0.0.1'])).ok).toBe(false);
  });
});

describe('an HTTP probe', () => {
  const http = { kind: 'http' } as const;

  it('asks for the path with the header, and judges the status', async () => {
    const asked: string[] = [];
    const port = await listening(
      createHttpServer((request, response) => {
        asked.push(`${String(request.method)} ${String(request.url)} ${String(request.headers.host)}`);
        response.statusCode = request.url === '/health' ? 204 : 503;
        response.end();
      }),
    );
    expect(await ask(port, { ...http, path: '/health', host: 'shop.example' })).toEqual({ ok: true });
    expect(why(await ask(port, http))).toContain('status 503, not 200-399');
    expect(await ask(port, { ...http, status: [{ from: 503, to: 503 }] })).toEqual({ ok: true });
    expect(asked.slice(0, 2)).toEqual(['GET /health shop.example', `GET / 127.0.0.1:${String(port)}`]);
    await eventually(() => open() === 0);
  });

  it('does not follow a redirect', async () => {
    let asked = 0;
    const port = await listening(
      createHttpServer((_, response) => {
        asked += 1;
        response.writeHead(302, { location: '/elsewhere' }).end();
      }),
    );
    expect(await ask(port, http)).toEqual({ ok: true });
    expect(why(await ask(port, { ...http, status: [{ from: 200, to: 200 }] }))).toContain('302');
    expect(asked).toBe(2);
  });

  it('does not read a body that never ends', async () => {
    let sent = 0;
    const port = await listening(
      createServer((socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const block = 'x'.repeat(65_536);
        const more = (): void => {
          while (!socket.destroyed && sent < 1e9) {
            sent += block.length;
            if (!socket.write(block)) break;
          }
        };
        socket.on('drain', more);
        more();
      }),
    );
    expect(await ask(port, http)).toEqual({ ok: true });
    await eventually(() => open() === 0);
    // What fits into the buffers of the system, and no more.
    expect(sent).toBeLessThan(32e6);
  });

  it.each([
    ['rubbish', 'SSH-2.0-OpenSSH_9.2\r\n', 'not HTTP'],
    ['a huge header', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`, 'too large'],
    ['an endless row of headers', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(20_000)}`, 'too large'],
    ['a status that is none', 'HTTP/1.1 999999 OK\r\n\r\n', 'not HTTP'],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 'not HTTP'],
  ])('takes %s for a failure', async (_, text, expected) => {
    const port = await listening(saying(text));
    expect(why(await ask(port, http))).toContain(expected);
    await eventually(() => open() === 0);
  });

  it('judges a change of protocol by its status', async () => {
    const port = await listening(
      saying('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nrubbish'),
    );
    expect(why(await ask(port, http))).toContain('101');
    await eventually(() => open() === 0);
  });

  it.each([
    ['says nothing', ''],
    ['stops in the middle of the header', 'HTTP/1.1 200 OK\r\ncontent-'],
    ['only ever says that it goes on', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(50)],
  ])('gives up on a server that %s, and closes the connection', async (_, text) => {
    const port = await listening(saying(text));
    expect(await ask(port, { ...http, timeoutMs: 50 })).toMatchObject({ ok: false, late: true });
    await eventually(() => open() === 0);
  });

  it('says when the server hangs up without a word', async () => {
    const port = await listening(createServer((socket) => void socket.resetAndDestroy()));
    expect((await ask(port, http)).ok).toBe(false);
  });

  it('ends when it is not wanted any more', async () => {
    const port = await listening(saying());
    const abort = new AbortController();
    const answer = ask(port, http, undefined, abort.signal);
    await eventually(() => open() === 1);
    abort.abort();
    expect(why(await answer)).toContain('given up');
    await eventually(() => open() === 0);
  });
});
