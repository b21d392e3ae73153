import Docker from 'dockerode';
import { Etcd3 } from 'etcd3';

/**
 * The floor that Portolan is measured against: a container's event, an inspection after its `start`, one key in etcd; the key
 * goes with its `die`. No retries, no ledger, no lease, no relist: less would not do the job at all.
 *   node bare.js SOCKET ETCD [all]     `all`: what runs already is put first, sixteen at a time
 */
const [socketPath = '', hosts = '', all] = process.argv.slice(2);
const docker = new Docker({ socketPath });
const etcd = new Etcd3({ hosts });
const keys = new Map<string, string>();

interface EngineEvent {
  readonly Action: string;
  readonly Actor: { readonly ID: string };
}

async function register(id: string): Promise<void> {
  const { Name, NetworkSettings } = await docker.getContainer(id).inspect();
  const bindings = Object.values<{ HostPort: string }[] | null>(NetworkSettings.Ports).flat();
  const port = bindings.find((binding) => binding !== null)?.HostPort;
  if (port === undefined) return;
  const key = `/bare${Name}/${id.slice(0, 12)}`;
  keys.set(id, key);
  await etcd.put(key).value(JSON.stringify({ host: '192.0.2.10', port }));
}

async function unregister(id: string): Promise<void> {
  const key = keys.get(id);
  if (key === undefined) return;
  keys.delete(id);
  await etcd.delete().key(key);
}

function happened({ Action, Actor }: EngineEvent): void {
  void (Action === 'start' ? register(Actor.ID) : unregister(Actor.ID));
}

async function registerAll(): Promise<void> {
  const running = (await docker.listContainers()).values();
  const worker = async (): Promise<void> => {
    for (const { Id } of running) await register(Id);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

const filters = JSON.stringify({ type: ['container'], event: ['start', 'die'] });
const events = await docker.getEvents({ filters });
let rest = '';
events.on('data', (chunk: Buffer) => {
  const lines = (rest + chunk.toString()).split('\n');
  rest = lines.pop() ?? '';
  for (const line of lines) happened(JSON.parse(line) as EngineEvent);
});
if (all === 'all') await registerAll();
await etcd.get('/bare');
process.stdout.write('ready\n');
