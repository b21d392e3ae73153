import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

/**
 * The applications of a benchmark's containers, in one process: `node route-backends.js DELAY_MS`. It takes lines and answers
 * each with one line of JSON, in their order:
 *   open         listens on a free port, which is the answer
 *   exit PORT    as a process that exits at once: it listens no more, and every connection is cut
 *   finish PORT  as one that finishes what is open; answered when that is done
 *   asked PORT   how many requests it got
 *   report       how many requests were executed since the last report, and how many of them more than once
 * A request counts as executed once all of it has arrived, by its header `x-request-id`.
 */
const delayMs = Number(process.argv[2] ?? '0');
const servers = new Map<number, { readonly server: Server; asked: number }>();
let executions = new Map<string, number>();

function execute(request: IncomingMessage, response: ServerResponse): void {
  const id = String(request.headers['x-request-id'] ?? '');
  if (id !== '') executions.set(id, (executions.get(id) ?? 0) + 1);
  setTimeout(() => response.end('ok\n'), delayMs);
}

async function open(): Promise<number> {
  const server = createServer((request, response) => {
    const own = servers.get(port);
    if (own !== undefined) own.asked += 1;
    request.resume().once('end', () => {
      execute(request, response);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '0.0.0.0', 2048, resolve);
  });
  const { port } = server.address() as AddressInfo;
  servers.set(port, { server, asked: 0 });
  return port;
}

async function end(port: number, cut: boolean): Promise<void> {
  const server = servers.get(port)?.server;
  servers.delete(port);
  if (server === undefined) return;
  const closed = new Promise((resolve) => server.close(resolve));
  if (cut) server.closeAllConnections();
  await closed;
}

function report(): { readonly executed: number; readonly twice: number } {
  const counts = [...executions.values()];
  executions = new Map();
  return { executed: counts.length, twice: counts.filter((count) => count > 1).length };
}

async function answer(line: string): Promise<unknown> {
  const [what = '', port = ''] = line.split(' ');
  switch (what) {
    case 'open':
      return await open();
    case 'exit':
    case 'finish':
      await end(Number(port), what === 'exit');
      return port;
    case 'asked':
      return servers.get(Number(port))?.asked ?? 0;
    default:
      return report();
  }
}

let last: Promise<unknown> = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  const result = answer(line);
  last = Promise.all([last, result]).then(async () => {
    console.log(JSON.stringify(await result));
  });
});
process.once('SIGTERM', () => process.exit(0));
console.log('"ready"');
