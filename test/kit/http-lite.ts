import { createServer, type Server, type Socket } from 'node:net';

export interface LiteRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

export interface LiteReply {
  readonly status: number;
  /** JSON, ready to be sent. */
  readonly body: Uint8Array;
}

/** A body without an end: what is written goes out as one chunk each. */
export interface LiteStream {
  write(bytes: Uint8Array): void;
  end(): void;
  readonly signal: AbortSignal;
}

export type LiteAnswer = LiteReply | ((stream: LiteStream) => Promise<void>);

const STATUS = new Map([
  [200, 'OK'],
  [400, 'Bad Request'],
  [404, 'Not Found'],
  [500, 'Internal Server Error'],
]);

/**
 * As much of HTTP/1.1 as a client on the same machine needs: requests one after the other on kept connections, no use of
 * their bodies. `node:http` takes five times as long for an answer, and would be what a benchmark measures.
 */
export function createLiteServer(answer: (request: LiteRequest) => LiteAnswer | Promise<LiteAnswer>): Server {
  return createServer((socket) => {
    socket.on('error', () => undefined);
    let received = Buffer.alloc(0);
    let busy = false;
    const next = async (): Promise<void> => {
      if (busy) return;
      busy = true;
      for (let head = takeHead(); head !== undefined; head = takeHead()) {
        await respond(socket, await answer(requestOf(head)), /\nconnection: *close/i.test(head));
      }
      busy = false;
    };
    const takeHead = (): string | undefined => {
      const end = received.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      const head = received.toString('latin1', 0, end);
      const total = end + 4 + Number(/\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (received.length < total) return undefined;
      received = received.subarray(total);
      return head;
    };
    socket.on('data', (bytes) => {
      received = received.length === 0 ? bytes : Buffer.concat([received, bytes]);
      void next();
    });
  });
}

function requestOf(head: string): LiteRequest {
  const [method = '', target = ''] = head.split(' ', 2);
  const [path = '', query = ''] = target.split('?', 2);
  return { method, path, query: new URLSearchParams(query) };
}

async function respond(socket: Socket, answer: LiteAnswer, close: boolean): Promise<void> {
  if (typeof answer === 'function') {
    await stream(socket, answer);
    return;
  }
  socket.cork();
  socket.write(
    `HTTP/1.1 ${answer.status} ${STATUS.get(answer.status) ?? ''}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${answer.body.length}\r\n${close ? 'Connection: close\r\n' : ''}\r\n`,
  );
  socket.write(answer.body);
  socket.uncork();
  if (close) socket.end();
}

/** The connection belongs to the stream until it ends. */
async function stream(socket: Socket, run: (stream: LiteStream) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  socket.once('close', () => {
    stop.abort();
  });
  socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n');
  await run({
    write: (bytes) => {
      socket.cork();
      socket.write(`${bytes.length.toString(16)}\r\n`);
      socket.write(bytes);
      socket.write('\r\n');
      socket.uncork();
    },
    end: () => {
      if (!socket.writableEnded) socket.end('0\r\n\r\n');
    },
    signal: stop.signal,
  });
}
