import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { messageOf } from '../core/failure.ts';
import type { Orders } from '../core/orders.ts';
import { type Clock, type Log, sleep } from '../core/ports.ts';
import type { StatusSource } from '../core/status.ts';
import { type Answer, problem, send } from './answer.ts';
import { ORDERS, obey } from './orders.ts';
import { answer, LISTS } from './routes.ts';
import { watch } from './watch.ts';

export interface WebOptions {
  readonly source: StatusSource;
  /** The text that Prometheus reads; absent where nothing is counted. */
  readonly metrics?: (() => string) | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whom a listener answers, and what it takes from them. */
export interface Audience {
  /** Undefined where there is no `Host` to check (a Unix socket). */
  readonly hostAllowed: ((host: string | undefined) => boolean) | undefined;
  /** Undefined where nothing can be ordered: everywhere but on the control socket. */
  readonly orders: Orders | undefined;
}

/** A server that listens. */
export interface Listener {
  /** `127.0.0.1:7979`, or the path of a socket. */
  readonly address: string;
  /** Ends watches, cuts off whoever is still connected, and closes. */
  close(): Promise<void>;
}

export type ListenResult =
  | { readonly ok: true; readonly listener: Listener }
  /** `in-use`: another living process listens there. */
  | { readonly ok: false; readonly code: 'in-use' | 'denied' | 'failed'; readonly message: string };

/** Bounds on what a client can make the server hold. */
const MAX_HEADER_BYTES = 8192;
const MAX_CONNECTIONS = 128;
const HEADERS_MS = 5000;
const REQUEST_MS = 10_000;
/** How long an answer may take that asks the engine or a registry. */
const ANSWER_MS = 10_000;

/** The server without its socket. */
export function createWebServer(options: WebOptions, audience: Audience, closing: AbortSignal): Server {
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: HEADERS_MS,
    connectionsCheckingInterval: 1000,
    // The check below answers a missing Host too, in the same form as any other error.
    requireHostHeader: false,
  });
  server.maxConnections = MAX_CONNECTIONS;
  const hangUp = hangUps(server, closing);
  server.on('request', (request, response) => {
    serve(request, response, options, audience, hangUp(request)).catch((error: unknown) => {
      options.log.error({ reason: messageOf(error) }, 'a request could not be answered');
      send(response, problem(500, 'internal', 'The agent could not answer; its log says why.'), false);
      response.end();
    });
  });
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) => {
    const refused = problem(417, 'cannot-be-expected', 'Nothing but 100-continue can be expected here.');
    send(response, refused, request.method === 'HEAD');
  });
  server.on('clientError', refuseRubbish);
  // Without a listener an accept that fails (too many open files) would end the process.
  server.on('error', (error) => {
    options.log.debug({ reason: messageOf(error) }, 'the listener failed');
  });
  return server;
}

/** Aborts when the connection or the server ends: an answer that waits there behind another one has no `close` of its own. */
function hangUps(server: Server, closing: AbortSignal): (request: IncomingMessage) => AbortSignal {
  const signals = new WeakMap<Duplex, AbortSignal>();
  server.on('connection', (socket) => {
    const ended = new AbortController();
    signals.set(socket, AbortSignal.any([closing, ended.signal]));
    socket.once('close', () => {
      ended.abort();
    });
  });
  return ({ socket }) => signals.get(socket) ?? AbortSignal.abort();
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  options: WebOptions,
  audience: Audience,
  ending: AbortSignal,
): Promise<void> {
  const headOnly = request.method === 'HEAD';
  const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const refused = refusal(request, path, audience);
  if (refused !== undefined) {
    send(response, refused, headOnly);
    return;
  }
  const gone = new AbortController();
  response.on('close', () => {
    gone.abort();
  });
  const signal = AbortSignal.any([ending, gone.signal]);
  const route = ORDERS.get(path);
  if (route !== undefined && audience.orders !== undefined) {
    const obeyed = obey(route, request, audience.orders, signal);
    send(response, await inTime(obeyed, options.clock, signal), headOnly);
    return;
  }
  const list = LISTS.get(path);
  const wanted = new URLSearchParams(query).get('watch');
  if (list !== undefined && (wanted === '1' || wanted === 'true') && !headOnly)
    await watch(response, list, options.source, options.clock, signal);
  else send(response, await inTime(answer(path, options, signal), options.clock, signal), headOnly);
}

function refusal(
  request: IncomingMessage,
  path: string,
  { hostAllowed, orders }: Audience,
): Answer | undefined {
  if (hostAllowed !== undefined && !hostAllowed(request.headers.host))
    return problem(421, 'wrong-host', 'This listener is not asked under that name; see http.allowedHosts.');
  if (orders !== undefined && ORDERS.has(path))
    return request.method === 'POST'
      ? undefined
      : problem(405, 'an-order', 'This is an order; send it by POST.', { allow: 'POST' });
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return problem(405, 'read-only', 'Only GET and HEAD are answered here.', { allow: 'GET, HEAD' });
  return undefined;
}

/** A registry that hangs must not hold a client for ever. */
async function inTime(answering: Promise<Answer>, clock: Clock, signal: AbortSignal): Promise<Answer> {
  const settled = new AbortController();
  const late = sleep(clock, ANSWER_MS, AbortSignal.any([signal, settled.signal])).then(() =>
    problem(504, 'timeout', 'The engine or a registry did not answer in time.'),
  );
  try {
    return await Promise.race([answering, late]);
  } finally {
    settled.abort();
    // Whichever of the two lost is of no interest any more, not even when it fails.
    answering.catch(() => undefined);
  }
}

/** Bytes that are not HTTP, or a head that is too long or too slow. */
function refuseRubbish(error: Error, socket: Duplex): void {
  const code = 'code' in error ? error.code : '';
  const status =
    code === 'HPE_HEADER_OVERFLOW'
      ? '431 Request Header Fields Too Large'
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? '408 Request Timeout'
        : '400 Bad Request';
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const body = '{"error":{"code":"bad-request","message":"This is not a request that can be read."}}\n';
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`;
  socket.end(head + body);
}
