import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import util from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDockerodeEngine } from './dockerode.ts';
import { type Engine, EVENT_FILTERS } from './engine.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (value: unknown, status = 200): Answer =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value));
  };

/** Answers by path; what is asked is kept. */
let answers: Record<string, Answer>;
let asked: string[];
let server: Server;
let engine: Engine;
let stop: AbortController;

beforeEach(async () => {
  answers = { '/version': json({ Version: '29.0.0', ApiVersion: '1.52', MinAPIVersion: '1.44' }) };
  asked = [];
  stop = new AbortController();
  server = createServer((request, response) => {
    const url = request.url ?? '';
    asked.push(url);
    const answer = answers[url.split('?', 1)[0] ?? ''] ?? json({ message: 'page not found' }, 404);
    answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  engine = createDockerodeEngine({ host: '127.0.0.1', port: port(), protocol: 'http' });
});

afterEach(() => {
  stop.abort();
  engine.close();
  server.close();
  server.closeAllConnections();
  vi.unstubAllEnvs();
});

const port = (): number => (server.address() as AddressInfo).port;

describe('dockerode engine', () => {
  it('speaks the version that it has negotiated', async () => {
    expect(await engine.negotiate(stop.signal)).toEqual({
      ok: true,
      value: { version: '29.0.0', apiVersion: '1.51' },
    });
    answers['/v1.51/containers/json'] = json([{ Id: 'x' }]);
    expect(await engine.list(stop.signal)).toEqual({ ok: true, value: [{ Id: 'x' }] });
    expect(asked).toEqual(['/version', '/v1.51/containers/json?all=true']);
  });

  it('negotiates again with another engine at the same place', async () => {
    await engine.negotiate(stop.signal);
    answers['/version'] = json({ Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' });
    expect(await engine.negotiate(stop.signal)).toMatchObject({ value: { apiVersion: '1.41' } });
  });

  it('does not take something else for an engine', async () => {
    answers['/version'] = json({ hello: 'world' });
    expect(await engine.negotiate(stop.signal)).toMatchObject({ failure: { code: 'docker-rejected' } });
  });

  it('is not led astray by the environment', async () => {
    vi.stubEnv('DOCKER_HOST', 'tcp://192.0.2.1:1');
    vi.stubEnv('DOCKER_CLIENT_TIMEOUT', '1');
    const other = createDockerodeEngine({ host: '127.0.0.1', port: port(), protocol: 'http' });
    expect(await other.negotiate(stop.signal)).toMatchObject({ ok: true });
    other.close();
  });

  it('does not have all its connections written out at every question', async () => {
    const formatted = vi.spyOn(util, 'inspect');
    await engine.negotiate(stop.signal);
    answers['/v1.51/containers/busy/json'] = json({ Id: 'busy' });
    await Promise.all(Array.from({ length: 8 }, () => engine.inspect('busy', stop.signal)));
    const longest = Math.max(0, ...formatted.mock.results.map(({ value }) => String(value).length));
    formatted.mockRestore();
    expect(longest).toBeLessThan(1_000);
  });

  it('tells a missing container from a refusal and a broken engine', async () => {
    expect(await engine.inspect('nobody', stop.signal)).toEqual({ ok: true, value: undefined });
    answers['/containers/denied/json'] = json({ message: 'no' }, 403);
    expect(await engine.inspect('denied', stop.signal)).toMatchObject({
      failure: { code: 'docker-rejected' },
    });
    answers['/containers/broken/json'] = json({ message: 'no' }, 500);
    expect(await engine.inspect('broken', stop.signal)).toMatchObject({
      failure: { code: 'docker-unreachable' },
    });
  });

  it.each(['../info', 'a/b', 'a?b', '', 'a b', '-x', 'x'.repeat(300)])(
    'asks nothing about %j',
    async (reference) => {
      expect(await engine.inspect(reference, stop.signal)).toEqual({ ok: true, value: undefined });
      expect(asked).toEqual([]);
    },
  );

  it('tells the engine time and name, as far as they are told', async () => {
    answers['/info'] = json({ ID: 'A', Name: 'host', SystemTime: '2026-11-21T05:46:24.159711792Z' });
    expect(await engine.info(stop.signal)).toEqual({
      ok: true,
      value: { id: 'A', name: 'host', systemTime: Date.parse('2026-11-21T05:46:24.159Z') },
    });
    answers['/info'] = json({});
    expect(await engine.info(stop.signal)).toEqual({ ok: true, value: {} });
  });

  it('tries once more when a kept connection turns out to be dead', async () => {
    let times = 0;
    answers['/networks'] = (request, response) => {
      times += 1;
      if (times === 1) request.socket.resetAndDestroy();
      else json([])(request, response);
    };
    expect(await engine.networks(stop.signal)).toEqual({ ok: true, value: [] });
    expect(times).toBe(2);
  });

  it('gives up when it is told to', async () => {
    answers['/networks'] = () => {
      stop.abort();
    };
    expect(await engine.networks(stop.signal)).toMatchObject({ ok: false });
    expect(await engine.negotiate(stop.signal)).toMatchObject({ ok: false });
  });

  it('says that nobody answers', async () => {
    const nobody = createDockerodeEngine({ socketPath: '/nonexistent/docker.sock' });
    expect(await nobody.negotiate(stop.signal)).toMatchObject({ failure: { code: 'docker-unreachable' } });
  });

  it('asks for filtered events of a part of the past, and passes chunks on until the end', async () => {
    answers['/events'] = (_, response) => {
      response.write('{"a":1');
      response.end('}');
    };
    const chunks: string[] = [];
    const why = await new Promise((ended) => {
      const chunk = (bytes: Uint8Array) => chunks.push(Buffer.from(bytes).toString());
      void engine.events(
        { since: 1_795_239_979_627, until: 1_795_239_980_000 },
        { chunk, ended },
        stop.signal,
      );
    });
    expect(chunks.join('')).toBe('{"a":1}');
    expect(why).toBe('the engine ended the event stream');
    const query = new URL(asked[0] ?? '', 'http://engine').searchParams;
    expect(query.get('since')).toBe('1795239979.627');
    expect(query.get('until')).toBe('1795239980');
    expect(JSON.parse(query.get('filters') ?? '')).toEqual(EVENT_FILTERS);
  });

  it('ends a stream that is cut or given up', async () => {
    answers['/events'] = (_, response) => {
      response.write('{');
    };
    const open = async (signal: AbortSignal): Promise<Promise<string>> => {
      let ended: (why: string) => void = () => undefined;
      const end = new Promise<string>((resolve) => {
        ended = resolve;
      });
      expect(await engine.events({}, { chunk: () => undefined, ended }, signal)).toMatchObject({ ok: true });
      return end;
    };
    const cut = open(stop.signal);
    await vi.waitFor(() => {
      expect(asked).toHaveLength(1);
    });
    setImmediate(() => {
      server.closeAllConnections();
    });
    await cut;
    const own = new AbortController();
    const given = open(own.signal);
    await vi.waitFor(() => {
      expect(asked).toHaveLength(2);
    });
    setTimeout(() => {
      own.abort();
    }, 20);
    await given;
  });
});
