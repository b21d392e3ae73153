import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';

/**
 * An open-loop load in a process of its own: `node route-load.js PORT HOST PER_SECOND METHOD`, until SIGTERM. It sends at a fixed
 * rate whether answers come or not, half of it on new connections, half on kept ones. How long an answer took counts from the
 * moment at which the request was due. It prints `loading` at the first request, and at the end one line of JSON.
 */
const [port = '', host = '', perSecond = '', method = 'GET'] = process.argv.slice(2);
const kept = new Agent({ keepAlive: true });
const fresh = new Agent({ keepAlive: false });
const pauseMs = 1000 / Number(perSecond);
const open = new Set<Promise<void>>();
const tookMs: number[] = [];
const failures = new Map<string, number>();
let sent = 0;

function ask(id: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'x-request-id': `${String(process.pid)}-${String(id)}` };
    const agent = id % 2 === 0 ? kept : fresh;
    const asked = request({ host: '127.0.0.1', port, agent, method, headers, timeout: 10_000 });
    asked.once('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.resume().once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`status ${String(response.statusCode)}`));
      });
    });
    asked.end(method === 'POST' ? 'a body of a few bytes' : undefined);
  });
}

function send(dueAt: number): void {
  const one = ask(sent)
    .then(() => {
      tookMs.push(performance.now() - dueAt);
    })
    .catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      failures.set(message, (failures.get(message) ?? 0) + 1);
    })
    .finally(() => open.delete(one));
  open.add(one);
  sent += 1;
}

const began = performance.now();
const timer = setInterval(() => {
  // A timer that comes late sends what is due by now.
  for (let due = began + sent * pauseMs; due <= performance.now(); due = began + sent * pauseMs) {
    if (sent === 0) console.log('loading');
    send(due);
  }
}, 2);

function finish(): void {
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor((tookMs.length - 1) * share)] ?? Number.NaN;
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const result = { sent, failed, failures: Object.fromEntries(failures), p50: at(0.5), p99: at(0.99) };
  process.stdout.write(`${JSON.stringify({ ...result, max: at(1) })}\n`, () => process.exit(0));
}

process.once('SIGTERM', () => {
  clearInterval(timer);
  void Promise.all(open).then(finish);
});
