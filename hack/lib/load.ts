// An open-loop load in a process of its own: node --import tsx hack/lib/load.ts PORT HOST PER_SECOND, until SIGTERM.
// It sends at a fixed rate whether answers come or not, half of it on new connections. Whoever answers for the first time is
// named in a line of its own; the last line is "SENT FAILED".
import { Agent, request } from 'node:http';

const [port = '', host = '', perSecond = ''] = process.argv.slice(2);
const kept = new Agent({ keepAlive: true, maxSockets: 16 });
const fresh = new Agent({ keepAlive: false });
const known = new Set<string>();
const open = new Set<Promise<void>>();
let sent = 0;
let failed = 0;

function ask(agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, agent, headers: { host }, timeout: 10_000 });
    asked.once('timeout', () => asked.destroy(new Error('no answer within 10 s')));
    asked.once('error', reject);
    asked.once('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        body += text;
      });
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 200) resolve(body.trim());
        else reject(new Error(`status ${String(response.statusCode)}`));
      });
    });
    asked.end();
  });
}

function send(): void {
  sent += 1;
  const one = ask(sent % 2 === 0 ? kept : fresh)
    .then((who) => {
      if (!known.has(who)) console.log(`answers ${who}`);
      known.add(who);
    })
    .catch((error: unknown) => {
      failed += 1;
      console.log(`failed: ${error instanceof Error ? error.message : String(error)}`);
    })
    .finally(() => open.delete(one));
  open.add(one);
}

const began = performance.now();
const timer = setInterval(() => {
  // A timer that comes late sends what is due by now.
  while (sent < ((performance.now() - began) * Number(perSecond)) / 1000) send();
}, 5);

process.once('SIGTERM', () => {
  clearInterval(timer);
  void Promise.all(open).then(() => {
    console.log(`${String(sent)} ${String(failed)}`);
    process.exit(0);
  });
});
