import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import Docker from 'dockerode';
import { Etcd3 } from 'etcd3';

/**
 * The floor that the route loop is measured against, in two processes: no retries, no ownership, nothing read back.
 *   node bare-route.js announce SOCKET ETCD ADDRESS     events, an inspection after `start`, one key; it goes with `kill` or `die`
 *   node bare-route.js follow ETCD FOLDER               watches those keys, `add server` and `add map` on HAProxy's admin socket
 *   node bare-route.js reload ETCD FOLDER               the same by writing the whole backend and reloading, for one host name
 */
const PREFIX = '/bare-route/';
const [role = '', ...rest] = process.argv.slice(2);

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

async function announce([socketPath = '', hosts = '', address = '']: readonly string[]): Promise<void> {
  const docker = new Docker({ socketPath });
  const etcd = new Etcd3({ hosts });
  const keyOf = ({ Actor }: EngineEvent): string => {
    const host = Actor.Attributes['portolan.path']?.split('/').at(-1) ?? '';
    return `${PREFIX}${host}/${Actor.ID.slice(0, 12)}`;
  };
  const happened = async (event: EngineEvent): Promise<void> => {
    if (event.Action !== 'start') {
      await etcd.delete().key(keyOf(event));
      return;
    }
    const { NetworkSettings } = await docker.getContainer(event.Actor.ID).inspect();
    const bindings = Object.values<{ HostPort: string }[] | null>(NetworkSettings.Ports).flat();
    const port = bindings.find((binding) => binding !== null)?.HostPort ?? '';
    await etcd.put(keyOf(event)).value(`${address}:${port}`);
  };
  const filters = JSON.stringify({ type: ['container'], event: ['start', 'kill', 'die'] });
  const events = await docker.getEvents({ filters });
  let unread = '';
  events.on('data', (chunk: Buffer) => {
    const lines = (unread + chunk.toString()).split('\n');
    unread = lines.pop() ?? '';
    for (const line of lines) void happened(JSON.parse(line) as EngineEvent);
  });
  await etcd.get(PREFIX);
}

/** One line and its answer; nobody reads the answer. */
async function tell(socket: string, line: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    connect(socket)
      .once('error', reject)
      .once('end', () => {
        resolve();
      })
      .end(`${line}\n`)
      .resume();
  });
}

const HEARD = [() => true, () => false] as const;

type Change = (host: string, id: string, address: string | undefined) => Promise<void>;

async function watch(hosts: string, change: Change): Promise<void> {
  const etcd = new Etcd3({ hosts });
  const watcher = await etcd.watch().prefix(PREFIX).create();
  const parts = (key: Buffer): readonly [string, string] => {
    const [host = '', id = ''] = key.toString().slice(PREFIX.length).split('/');
    return [host, id];
  };
  watcher.on('put', ({ key, value }) => void change(...parts(key), value.toString()));
  watcher.on('delete', ({ key }) => void change(...parts(key), undefined));
}

async function follow([etcd = '', folder = '']: readonly string[]): Promise<void> {
  const backends = new Map<string, string>();
  const spare = new Set(Array.from({ length: 200 }, (_, n) => `pool-${String(n).padStart(3, '0')}`));
  const servers = new Map<string, Set<string>>();
  const map = `${folder}/maps/hosts.map`;
  await watch(etcd, async (host, id, address) => {
    const known = backends.get(host);
    const backend = known ?? [...spare][0] ?? '';
    const at = `${backend}/${id}`;
    const own = servers.get(backend) ?? new Set<string>();
    servers.set(backend, own);
    if (address === undefined) {
      if (!own.delete(id)) return;
      await tell(`${folder}/admin.sock`, `set server ${at} state maint`);
      setTimeout(() => void tell(`${folder}/admin.sock`, `del server ${at}`), 1000);
      if (own.size > 0) return;
      // Put at the end: it is used again as late as can be.
      backends.delete(host);
      spare.add(backend);
      await tell(`${folder}/admin.sock`, `del map ${map} ${host}`);
      return;
    }
    spare.delete(backend);
    backends.set(host, backend);
    own.add(id);
    const enter = known === undefined ? `;add map ${map} ${host} ${backend}` : '';
    await tell(`${folder}/admin.sock`, `add server ${at} ${address} weight 100;enable server ${at}${enter}`);
  });
}

async function reloading([etcd = '', folder = '']: readonly string[]): Promise<void> {
  const servers = new Map<string, string>();
  let asked = 0;
  let done = 0;
  const work = async (host: string): Promise<void> => {
    if (done === asked) return;
    const upTo = asked;
    const lines = [...servers].map(([id, address]) => `  server ${id} ${address} weight 100\n`).join('');
    const settings = '  http-request disable-l7-retry if !{ method GET HEAD OPTIONS }\n';
    await writeFile(`${folder}/conf/20-bare.cfg`, `backend bare from portolan\n${settings}${lines}`);
    await writeFile(`${folder}/maps/hosts.map`, `${host} bare\n`);
    // While the master executes itself again nobody is there to be asked.
    while (!(await tell(`${folder}/master.sock`, 'reload').then(...HEARD)))
      await new Promise((resolve) => setTimeout(resolve, 5));
    done = upTo;
    await work(host);
  };
  let working: Promise<void> = Promise.resolve();
  await watch(etcd, async (host, id, address) => {
    if (address === undefined) servers.delete(id);
    else servers.set(id, address);
    asked += 1;
    working = working.then(() => work(host));
    await working;
  });
}

if (role === 'announce') await announce(rest);
else if (role === 'follow') await follow(rest);
else await reloading(rest);
console.log('ready');
