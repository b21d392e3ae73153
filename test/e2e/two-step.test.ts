import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, it } from 'vitest';
import { Agent, removeAgents } from '../kit/agent.ts';
import { runId, TestDocker } from '../kit/docker.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { HaproxyLab } from '../kit/haproxy.ts';
import { get } from '../kit/web-server.ts';
import { sees } from './lab.ts';

/** hack/migration/announce.md with containers as they were: their own script announces, the agent registers, a proxy serves. */
const docker = new TestDocker();
let etcd: EtcdServer;
let haproxy: HaproxyLab;
let registry: string;

/** As `announce-service` did: every 5 s with a new TTL of 15 s, whatever listens. */
const announceService = `set -- $(etcdctl lease grant 15)
etcdctl put --lease="$2" "/announce$ANNOUNCE_PATH/$HOSTNAME" "{\\"ID\\":\\"$HOSTNAME\\",\\"PORT\\":\\"$PORT\\",\\"TYPE\\":\\"$TYPE\\"}"
busybox sleep 5`;

/** A reader that knows only the old format. */
const reader = `etcdctl get --prefix --print-value-only "/services$1/" | while read -r document; do
  ip=\${document#*'"IP":"'} port=\${document#*'"EXT_PORT":"'}
  echo "\${ip%%'"'*}:\${port%%'"'*}"
done`;

beforeAll(async () => {
  [etcd, haproxy] = await Promise.all([EtcdServer.start({ version: '3.4' }), HaproxyLab.create('3.0')]);
  registry = `etcd://127.0.0.1:${String(etcd.port)}`;
});
afterAll(async () => {
  await removeAgents();
  await docker.clean();
  await etcd.remove();
  await haproxy.close();
});

it('serves what a script inside a container announces, for as long as the script lives', async () => {
  const path = `/internal/two-step-${runId}/dev/web/two-step.example`;
  const { folder, settings, port } = haproxy;
  const reload = { master: `${folder}/master.sock` };
  const proxy = { folder, socket: settings.socket, bind: [`127.0.0.1:${String(port)}`], pool: 20, reload };
  await writeFile(`${folder}/portolan.yaml`, JSON.stringify({ proxies: [proxy] }));
  const owner = ['--owner-id', `two-step-${runId}`, '--announcements', 'container', '--address', 'container'];
  Agent.start({ args: ['--registry', registry, ...owner] });
  const listener = Agent.start({
    command: 'listen',
    args: ['--registry', registry, '-c', `${folder}/portolan.yaml`],
    env: { LISTEN_PATH: `/services/internal/two-step-${runId}/dev` },
  });
  await listener.logged(({ msg }) => msg === 'the proxy lags behind');
  await haproxy.start();
  const gateway = await docker.gateway();
  const container = await docker.run({
    image: 'portolan-test/etcd:3.4',
    command: [
      `busybox mkdir -p /www; echo "id=$HOSTNAME" >/www/index.html; busybox httpd -p 80 -h /www
      (while :; do ${announceService}; done) & echo $! >/tmp/announce; trap 'exit 0' TERM; wait`,
    ],
    env: {
      ...{ ANNOUNCE_PATH: path, PORT: '80', TYPE: 'HTTP' },
      ETCDCTL_ENDPOINTS: `http://${gateway}:${String(etcd.port)}`,
    },
    extra: { Entrypoint: ['sh', '-c'] },
  });
  const ip = (await container.inspect()).NetworkSettings.Networks['bridge']?.IPAddress ?? '';
  await sees(async () => (await etcd.script(reader, '', path)) === `${ip}:80`);
  await sees(
    async () => (await get(port, 'two-step.example')).body.trim() === `id=${container.id.slice(0, 12)}`,
  );
  await docker.exec(container, 'busybox kill -9 $(busybox cat /tmp/announce)');
  // Its last TTL has to be over first.
  await sees(async () => (await etcd.script(reader, '', path)) === '', 30_000);
  await sees(async () => (await get(port, 'two-step.example')).status !== 200);
});
