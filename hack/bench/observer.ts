import Docker from 'dockerode';
import { Etcd3, type IKeyValue } from 'etcd3';
import { recalibrate, wallNow } from './lib/wall-clock.ts';

/**
 * The second process: it follows the engines' events and watches etcd, and says what it saw when, one JSON array a line:
 * what (`start`, `die`, `put`, `delete`), the container's short id, the time. An event's time is the engine's own.
 *   node observer.js ETCD SOCKET...    a line on its standard input sets its clock by the machine's
 */
const [hosts = '', ...sockets] = process.argv.slice(2);
const WATCHED = ['/services/', '/bare/'];

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string };
  readonly timeNano: number;
}

let pending: string[] = [];

/** Times are taken before anything else is done; they are told when there is nothing else to do. */
function say(what: string, id: string, at: number): void {
  pending.push(JSON.stringify([what, id, at]));
  if (pending.length > 1) return;
  setImmediate(() => {
    process.stdout.write(`${pending.join('\n')}\n`);
    pending = [];
  });
}

function sawKey(what: 'put' | 'delete', { key }: IKeyValue, at: number): void {
  const text = key.toString();
  if (!WATCHED.some((prefix) => text.startsWith(prefix))) return;
  say(what, text.slice(text.lastIndexOf('/') + 1).slice(0, 12), at);
}

async function follow(socketPath: string): Promise<void> {
  const filters = JSON.stringify({ type: ['container'], event: ['start', 'die'] });
  const events = await new Docker({ socketPath }).getEvents({ filters });
  let rest = '';
  events.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { Action, Actor, timeNano } = JSON.parse(line) as EngineEvent;
      say(Action, Actor.ID.slice(0, 12), timeNano / 1e6);
    }
  });
}

const watcher = await new Etcd3({ hosts }).watch().prefix('/').create();
watcher.on('put', (entry) => {
  sawKey('put', entry, wallNow());
});
watcher.on('delete', (entry) => {
  sawKey('delete', entry, wallNow());
});
for (const socket of sockets) await follow(socket);
process.stdin.on('data', () => {
  recalibrate();
  say('clock', '', wallNow());
});
process.stdout.write('["ready","",0]\n');
