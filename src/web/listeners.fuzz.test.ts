import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { eventually } from '../../test/kit/eventually.ts';
import { checkPrototypes, hostileText, nearly, PROTOTYPE_NAMES, runs } from '../../test/kit/fuzz.ts';
import { answersIn, type RawAnswer, type RawRequest, sendRaw } from '../../test/kit/raw-client.ts';
import { FakeOrders, FakeStatus, UNSEEN } from '../../test/kit/status-fake.ts';
import type { ExplainView } from '../core/status.ts';
import { systemClock } from '../telemetry/clock.ts';
import { listenControlSocket, listenLoopback } from './listen.ts';
import type { Listener } from './server.ts';

/** Repeats what it was asked for, as the real one does. */
class Echo extends FakeStatus {
  override explain(reference: string): Promise<ExplainView> {
    return Promise.resolve({
      ...UNSEEN,
      reference,
      summary: `${reference}: the engine has no such container`,
    });
  }
}

let source: Echo;
let logged: string[];
let folder: string;
let listener: Listener;
let where: NetConnectOpts;

beforeEach(() => {
  source = new Echo();
  logged = [];
  folder = mkdtempSync(join(tmpdir(), 'portolan-fuzz-'));
});
afterEach(async () => {
  await listener.close();
  rmSync(folder, { recursive: true, force: true });
});

const say = (_fields: object, message: string): void => {
  logged.push(message);
};
const quiet = (): void => undefined;

async function open(kind: 'tcp' | 'unix'): Promise<void> {
  const web = { source, clock: systemClock, log: { debug: quiet, info: quiet, warn: say, error: say } };
  const path = join(folder, 's.sock');
  const result =
    kind === 'tcp'
      ? await listenLoopback({ ...web, host: '127.0.0.1', port: 0, allowedHosts: ['status.example'] })
      : await listenControlSocket({ ...web, orders: new FakeOrders(), path });
  if (!result.ok) throw new Error(result.message);
  listener = result.listener;
  where = kind === 'unix' ? { path } : { host: '127.0.0.1', port: Number(listener.address.split(':')[1]) };
}

const ROUTES = [
  '/healthz',
  '/readyz',
  '/v1/status',
  '/v1/plan',
  '/v1/services',
  '/v1/records',
  '/v1/explain/web',
];
const path = fc.oneof(
  fc.constantFrom(...ROUTES),
  nearly(fc.constantFrom(...ROUTES)),
  fc.constantFrom(
    '*',
    '//',
    '/..',
    '/../../etc/passwd',
    '/%2e%2e/',
    '/%',
    '/v1/explain/%ff',
    '/v1/explain/%E0%A4%A',
    'http://evil.example/v1/status',
  ),
  fc
    .constantFrom('?', '?watch=1', '?watch=%00', '?watch=1&watch=2', '#')
    .map((query) => `/v1/services${query}`),
  hostileText.map((text) => `/v1/explain/${encodeURIComponent(Buffer.from(text).toString())}`),
  hostileText.map((text) => `/${text}`),
  fc.constantFrom(...PROTOTYPE_NAMES).map((name) => `/v1/${name}`),
  fc.constant(`/${'a/'.repeat(6000)}`),
);
const method = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('GET', 'HEAD') },
  fc.constantFrom('POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PATCH', 'PRI', 'get', 'GE T', ''),
  hostileText,
);
const version = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('HTTP/1.1', 'HTTP/1.0') },
  fc.constantFrom('HTTP/2.0', 'HTTP/9.9', 'HTTP/1.1 x', 'http/1.1', ''),
);
const host = fc.oneof(
  fc.constantFrom('Host: localhost', 'host:127.0.0.1:80', 'Host: evil.example', 'Host:'),
  hostileText.map((text) => `Host: ${text}`),
);
const header = fc.oneof(
  fc.constantFrom(
    ...[
      'Content-Length: 5',
      'Content-Length: -1',
      'Content-Length: 99999999999999999999',
      'Content-Length: 5, 6',
    ],
    ...['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked, identity', 'Transfer-Encoding: x'],
    ...[
      'Expect: 100-continue',
      'Expect: everything',
      'Connection: Upgrade\r\nUpgrade: websocket',
      'Upgrade: h2c',
    ],
    ...[
      'Connection: close',
      'Connection: keep-alive',
      ' folded',
      ':',
      ': x',
      'X',
      'X : y',
      'Range: bytes=0-1',
    ],
    `X: ${'x'.repeat(9000)}`,
    'X: y\r\n'.repeat(300).trimEnd(),
  ),
  hostileText.map((text) => `X: ${text}`),
  hostileText,
);
const end = fc.constantFrom('\r\n\r\n', '\r\n\r\n', '\n\n', '\r\n', '');
const bytes = (text: string): Uint8Array => Buffer.from(text, 'utf8');

const request = fc
  .tuple(method, path, version, fc.boolean(), fc.array(fc.oneof(host, header), { maxLength: 4 }), end)
  .map(([verb, target, word, known, lines, last]) =>
    bytes([`${verb} ${target} ${word}`, ...(known ? ['Host: localhost'] : []), ...lines].join('\r\n') + last),
  );
const right = fc
  .tuple(
    fc.constantFrom('GET', 'HEAD'),
    fc.oneof(fc.constantFrom(...ROUTES), fc.constant('/v1/services?watch=1')),
  )
  .map(([verb, target]) => bytes(`${verb} ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`));
const hostile: fc.Arbitrary<RawRequest> = fc.record({
  parts: fc.array(
    fc.oneof(
      { weight: 5, arbitrary: request },
      { weight: 3, arbitrary: right },
      fc.uint8Array({ maxLength: 200 }),
    ),
    {
      minLength: 1,
      maxLength: 6,
    },
  ),
  leave: fc.constantFrom('wait' as const, 'half-close' as const, 'reset' as const),
  idleMs: fc.constant(150),
});

/** Data or a named error in JSON, never a page and never a stack. */
function checkAnswer({ status, headers, body }: RawAnswer): void {
  assert.ok([200, 400, 404, 405, 408, 417, 421, 431].includes(status), String(status));
  // Only the answer to a HEAD tells a length without a body.
  if (body === '')
    assert.ok(status === 100 || Number(headers.get('content-length')) > 0 || status === 200, String(status));
  if (body === '') return;
  const type = headers.get('content-type') ?? '';
  assert.match(type, /^application\/(?:json|x-ndjson)(?:; charset=utf-8)?$/);
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.doesNotMatch(body, /\bat \S+\.ts:\d|node_modules/);
  if (status < 400) return;
  const { error } = JSON.parse(body) as { error: { code: unknown; message: unknown } };
  assert.match(String(error.code), /^[a-z]+(?:-[a-z]+)*$/);
  assert.match(String(error.message), /^[A-Z][^\n<>]*$|^There is nothing here\./);
}

function checkAnswers(parts: readonly Uint8Array[], text: string): void {
  try {
    answersIn(text).forEach(checkAnswer);
  } catch (error) {
    const sent = parts.map((part) => Buffer.from(part).toString('latin1').slice(0, 300));
    throw new Error(`${JSON.stringify(sent)} was answered with ${JSON.stringify(text.slice(0, 600))}`, {
      cause: error,
    });
  }
}

/** What a request is answered with that ends its connection; nothing if the server would not have it. */
async function statusOf(line: string, as = 'localhost'): Promise<number[]> {
  const head = `${line} HTTP/1.1\r\nHost: ${as}\r\nConnection: close\r\n\r\n`;
  const text = await sendRaw(where, { parts: [bytes(head)], leave: 'wait', idleMs: 10_000 });
  return answersIn(text).map(({ status }) => status);
}

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => /^(?:TCPSocket|Pipe)Wrap$/.test(name)).length;

describe.each(['tcp', 'unix'] as const)('the listener (%s)', (kind) => {
  it('answers whatever is sent with data, a named error or nothing, and goes on', async () => {
    await open(kind);
    const before = sockets();
    await fc.assert(
      fc.asyncProperty(fc.array(hostile, { minLength: 12, maxLength: 24 }), async (all) => {
        const texts = await Promise.all(all.map((one) => sendRaw(where, one)));
        all.forEach(({ parts, leave }, index) => {
          // Who breaks off may be left with half an answer.
          if (leave === 'wait') checkAnswers(parts, texts[index] ?? '');
        });
        assert.deepEqual(await statusOf('GET /healthz'), [200]);
        assert.deepEqual(logged, []);
        checkPrototypes();
      }),
      runs(12),
    );
    await eventually(() => sockets() <= before && source.listeners === 0, {
      what: 'every connection closed',
    });
  });
});

describe('the HTTP listener', () => {
  it('is asked only under its own names, however the name is written', async () => {
    await open('tcp');
    const OWN = /^(?:localhost|127\.0\.0\.1|\[::1\]|::1|status\.example)(?::\d*)?$/i;
    const names = ['localhost', '127.0.0.1', '[::1]', 'status.example', 'evil.example'];
    const name = fc.oneof(
      nearly(fc.constantFrom(...names)),
      fc
        .tuple(
          fc.constantFrom(...names),
          fc.constantFrom('.', '@', '.evil.example', ':80:80', '/', '\t', ', evil', '%00'),
        )
        .map((both) => both.join('')),
      hostileText,
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, fc.constantFrom(...ROUTES)), { minLength: 10, maxLength: 20 }),
        async (asked) => {
          await Promise.all(
            asked.map(async ([as, target]) => {
              const [first] = await statusOf(`GET ${target}`, as);
              if (!OWN.test(as.split(/[\r\n]/, 1)[0]?.trim() ?? ''))
                assert.ok(first === 421 || first === 400 || first === 431, `${as}: ${first}`);
            }),
          );
        },
      ),
      runs(12),
    );
  });

  it('gets rid of clients that never end what they say, and answers the others again', async () => {
    await open('tcp');
    const clients: Socket[] = [];
    // What drips in is always right so far; the last kind says nothing at all.
    for (const words of ['GET /v1/', 'GET / HTTP/1.1\r\nHost: localhost\r\nX: ', 'POST / HTTP/1.1\r\nX', ''])
      for (let n = 0; n < 32; n += 1) {
        const client = connect(where).on('error', quiet);
        client.resume().write(words);
        clients.push(client);
      }
    const drip = setInterval(() => {
      for (const client of clients.slice(0, 96)) if (client.writable) client.write('x');
    }, 200);
    try {
      // There is no room for more until they are gone.
      await eventually(() => clients.every(({ connecting }) => !connecting), { what: 'all connected' });
      assert.deepEqual(await statusOf('GET /healthz'), []);
      await eventually(async () => (await statusOf('GET /healthz'))[0] === 200, {
        deadlineMs: 15_000,
        what: 'an answer',
      });
      await eventually(() => clients.every(({ destroyed }) => destroyed), {
        deadlineMs: 15_000,
        what: 'all cut off',
      });
    } finally {
      clearInterval(drip);
      for (const client of clients) client.destroy();
    }
  }, 60_000);
});
