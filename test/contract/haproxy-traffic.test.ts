import { createHash } from 'node:crypto';
import { createServer, request, type Server } from 'node:http';
import { connect as connectH2, createServer as createH2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { RouteRecord } from '../../src/core/route-record.ts';
import type { HaproxySettings } from '../../src/proxy/haproxy/settings.ts';
import { eventually } from '../kit/eventually.ts';
import { HAPROXY_VERSIONS } from '../kit/haproxy.ts';
import { HaproxyRoute } from '../kit/haproxy-route.ts';
import { routeRecord } from '../kit/route-records.ts';
import { get, WebServer } from '../kit/web-server.ts';

describe.each(HAPROXY_VERSIONS)('traffic through HAProxy %s', (version) => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  const open = async (over: Partial<HaproxySettings> = {}): Promise<HaproxyRoute> => {
    const route = await HaproxyRoute.open(version, over);
    closing.push(() => route.lab.close());
    return route;
  };
  const web = async (name: string): Promise<WebServer> => {
    const server = await WebServer.start(name);
    closing.push(() => server.stop());
    return server;
  };
  const listen = async (server: Server | Http2Server): Promise<number> => {
    // HAProxy keeps its connections open: whoever only closes a server waits for them.
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    closing.push(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    });
    return (server.address() as AddressInfo).port;
  };
  const at = (path: string, port: number, over: Partial<RouteRecord> = {}): RouteRecord =>
    routeRecord(path, `s${String(port)}`, { ip: '127.0.0.1', port, ...over });
  const answers = async (route: HaproxyRoute, ...hosts: readonly string[]): Promise<readonly string[]> =>
    await Promise.all(
      hosts.map(async (host) => {
        const { status, body } = await get(route.lab.port, host);
        return status === 200 ? body : String(status);
      }),
    );

  it('goes by the exact name in any spelling, and below a wildcard by the longest', async () => {
    const route = await open();
    const [a, b, c] = [await web('a'), await web('b'), await web('c')];
    await route.put(
      at('/x/a', a.port, { name: 'Shop.Example', settings: { aliases: ['*.example'] } }),
      at('/x/b', b.port, { name: 'b.example', settings: { aliases: ['*.Shop.Example.'] } }),
      at('/internal/app1/dev/c', c.port),
    );
    expect(
      await answers(
        route,
        'shop.example',
        'SHOP.example',
        'shop.EXAMPLE.',
        'shop.example:8080',
        'shop.example.:80',
      ),
    ).toEqual(['a', 'a', 'a', 'a', 'a']);
    expect(await answers(route, 'x.example', 'X.Example.:80', 'x.y.shop.example', 'B.example')).toEqual([
      'a',
      'a',
      'b',
      'b',
    ]);
    expect(
      await answers(route, 'c.dev.app1.internal', 'example', 'shop.example.evil', 'xshop-example'),
    ).toEqual(['c', '404', '404', '404']);
    expect(route.proxy.counters.reloads).toBe(0);
  });

  it('goes by a part of the name where that is asked for, by the longest first, whenever it came', async () => {
    const route = await open({ domainMatch: true });
    const [a, b] = [await web('a'), await web('b')];
    await route.put(at('/x/a', a.port, { name: 'example' }));
    await route.put(at('/x/b', b.port, { name: 'shop.example' }));
    await route.put(at('/x/c', a.port, { name: 'z' }));
    expect(await answers(route, 'www.shop.example', 'Shop.example.:80', 'shop.example.evil.test')).toEqual([
      'b',
      'b',
      'b',
    ]);
    expect(await answers(route, 'www.example', 'example', 'xexample')).toEqual(['a', 'a', '404']);
    expect(route.proxy.counters.reloads).toBe(0);
  });

  it('sends what is safe to repeat once more when a server hangs up, and nothing else unless it may', async () => {
    const route = await open({ checkMs: undefined });
    const asked: string[] = [];
    const rude = createServer((request) => {
      asked.push(request.method ?? '');
      request.socket.destroy();
    });
    const [port, good] = [await listen(rude), await web('good')];
    const pair = (path: string, settings: RouteRecord['settings']): RouteRecord[] => [
      at(path, port, { settings, weight: 256 }),
      at(path, good.port, { settings, weight: 1 }),
    ];
    await route.put(...pair('/x/a', {}), ...pair('/x/b', { retry: true }));
    expect(await answers(route, 'a.x', 'a.x', 'a.x', 'a.x')).toEqual(['good', 'good', 'good', 'good']);
    expect(asked.length).toBeGreaterThan(0);
    expect(await post(route.lab.port, 'a.x')).toBe(502);
    expect(await post(route.lab.port, 'b.x')).toBe(200);
  });

  it('tells servers who asks', async () => {
    const port = await listen(
      createServer((request, response) => response.end(String(request.headers['x-forwarded-for']))),
    );
    const [told, silent] = [await open(), await open({ forwardedFor: false })];
    for (const route of [told, silent]) await route.put(at('/x/a', port));
    expect([...(await answers(told, 'a.x')), ...(await answers(silent, 'a.x'))]).toEqual([
      '127.0.0.1',
      'undefined',
    ]);
  });

  it('lets WebSockets through as tunnels in both directions', async () => {
    const server = createServer();
    server.on('upgrade', ({ headers }, socket) => {
      const key = `${String(headers['sec-websocket-key'])}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
      socket.write(`Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
      socket.on('error', () => socket.destroy()).pipe(socket);
    });
    const route = await open();
    await route.put(at('/x/ws', await listen(server)));
    const socket = connect(route.lab.port, '127.0.0.1');
    closing.push(() => Promise.resolve(socket.destroy()));
    let heard = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text;
    });
    socket.write('GET /chat HTTP/1.1\r\nHost: ws.x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
    socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n');
    await eventually(() => heard.startsWith('HTTP/1.1 101 ') && heard.includes('\r\n\r\n'));
    for (const word of ['one', 'two']) {
      socket.write(`\x81\x03${word}`, 'latin1');
      await eventually(() => heard.endsWith(word));
    }
  });

  it('speaks HTTP/2 with clients, and with servers that ask for it, down to the trailers of gRPC', async () => {
    const server = createH2Server();
    server.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => {
        stream.sendTrailers({ 'grpc-status': '0' });
      });
      stream.end(`${String(headers[':method'])} ${String(headers[':authority'])}`);
    });
    const route = await open();
    const one = await web('one');
    await route.put(
      at('/x/grpc', await listen(server), { settings: { protocol: 'h2c', check: '/' } }),
      at('/x/one', one.port),
    );
    expect(await callH2(route.lab.port, 'grpc.x')).toEqual({ status: 200, body: 'POST grpc.x', grpc: '0' });
    expect(await callH2(route.lab.port, 'one.x')).toMatchObject({ status: 200, body: 'one' });
  });

  it('is spread over a server at once although it starts slowly', async () => {
    const route = await open({ slowStartMs: 10_000 });
    const [old, fresh] = [await web('old'), await web('fresh')];
    await route.put(at('/x/a', old.port));
    expect(await answers(route, 'a.x')).toEqual(['old']);
    await route.put(at('/x/a', fresh.port), at('/x/b', fresh.port));
    expect(await answers(route, 'b.x')).toEqual(['fresh']);
    await eventually(async () => (await answers(route, 'a.x')).includes('fresh'), { everyMs: 1 });
  });

  it('takes every settings that may stand in a record', async () => {
    const route = await open({ retryOn: [], redispatch: 0, retryUnsafe: true });
    const one = await web('one');
    await route.put(
      at('/x/a', one.port, {
        settings: { check: '/a.b_c~:@+=/?x=1&y=%20%%-', balance: 'first', timeoutMs: 1 },
      }),
      at('/x/b', one.port, {
        settings: { balance: 'random', timeoutMs: 86_400_000, retry: true, protocol: 'h2c' },
      }),
      at('/x/c', one.port, { settings: { balance: 'leastconn' } }),
    );
    expect(await answers(route, 'c.x')).toEqual(['one']);
  });
});

function post(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method: 'POST', headers: { host }, agent: false });
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.resume().once('end', () => {
        resolve(response.statusCode ?? 0);
      });
    });
    asked.end('x');
  });
}

function callH2(port: number, host: string): Promise<{ status: unknown; body: string; grpc: unknown }> {
  const session = connectH2(`http://127.0.0.1:${String(port)}`);
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    const stream = session.request({ ':method': 'POST', ':path': '/', ':authority': host, te: 'trailers' });
    const heard = { status: undefined as unknown, body: '', grpc: undefined as unknown };
    stream.once('error', reject);
    stream.on('response', (headers) => {
      heard.status = headers[':status'];
    });
    stream.on('trailers', (headers: Readonly<Record<string, unknown>>) => {
      heard.grpc = headers['grpc-status'];
    });
    stream.setEncoding('utf8').on('data', (text: string) => {
      heard.body += text;
    });
    stream.once('end', () => {
      session.close();
      resolve(heard);
    });
    stream.end('x');
  });
}
