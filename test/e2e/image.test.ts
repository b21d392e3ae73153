import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runId } from '../kit/docker.ts';
import { repository } from '../kit/paths.ts';
import { host, Lab, type Running, sees } from './lab.ts';

const execute = promisify(execFile);
const IMAGE = `portolan-test/agent:${runId}`;

let lab: Lab;
let sockets: string;
let proxy: Running;
let agent: Running;

/** Builds on a base made of this machine's Node.js; the packages come from the registry that this machine uses. */
const build = async (): Promise<void> => {
  const base = ['--build-arg', 'BASE=portolan-test/node:20', '--network', 'host'];
  const options = { timeout: 480_000, env: { ...process.env, DOCKER_BUILDKIT: '0' } };
  await execute('docker', ['build', '-q', ...base, '-t', IMAGE, repository], options);
};

const hardened = { ReadonlyRootfs: true, CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'] };

const startProxy = async (): Promise<Running> =>
  await lab.run('socket', {
    image: 'portolan-test/haproxy:2.6',
    command: ['/usr/sbin/haproxy', '-f', '/usr/local/etc/haproxy/haproxy.cfg'],
    network: 'none',
    labels: { 'portolan.enable': 'false' },
    extra: {
      HostConfig: {
        ...hardened,
        CapAdd: ['CHOWN', 'DAC_OVERRIDE', 'FOWNER'],
        Binds: [
          '/var/run/docker.sock:/var/run/docker.sock',
          `${repository}manifests/docker-proxy.cfg:/usr/local/etc/haproxy/haproxy.cfg:ro`,
          `${sockets}:/run/docker-proxy`,
        ],
      },
    },
  });

const startAgent = async (): Promise<Running> =>
  await lab.run('agent', {
    image: IMAGE,
    command: ['run'],
    network: 'host',
    labels: { 'portolan.enable': 'false' },
    env: {
      DOCKER_HOST: 'unix:///run/docker-proxy/docker.sock',
      PORTOLAN_REGISTRY: lab.registry.url,
      PORTOLAN_OWNER_ID: lab.owner,
      PORTOLAN_ADVERTISE: host.ipv4,
      PORTOLAN_FAMILY: 'ipv4',
      PORTOLAN_HTTP_LISTEN: 'off',
    },
    extra: {
      // What it asks is the image's; only sooner.
      Healthcheck: { Interval: 1e9 },
      HostConfig: { ...hardened, Tmpfs: { '/tmp': '' }, Binds: [`${sockets}:/run/docker-proxy:ro`] },
    },
  });

beforeAll(async () => {
  lab = await Lab.prepare();
  sockets = await mkdtemp(join(tmpdir(), 'portolan-sockets-'));
  await chmod(sockets, 0o755);
  await build();
  proxy = await startProxy();
  agent = await startAgent();
}, 600_000);
afterAll(async () => {
  await lab.close();
  await rm(sockets, { recursive: true, force: true });
  await execute('docker', ['rmi', '-f', IMAGE]).catch(() => undefined);
});

const ask = async (method: string, path: string): Promise<number> =>
  await new Promise((resolve, reject) => {
    const asked = request({ socketPath: join(sockets, 'docker.sock'), method, path }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.on('error', reject).end();
  });

describe('the image, without privileges and behind a socket that can only be read', () => {
  it('becomes healthy by its own health check', async () => {
    await sees(async () => {
      const { State: state } = await agent.container.inspect();
      expect(state.Health?.Status).toBe('healthy');
    }, 60_000);
  });

  it('does the whole job: announces, marks what is told to stop, withdraws what is dead', async () => {
    const labels = { 'portolan.path': `/${lab.name('web')}`, 'portolan.type': 'HTTP' };
    const stubborn = ['sh', '-c', "trap '' TERM; busybox sleep 86400 & wait; wait"];
    const web = await lab.run('web', { command: stubborn, labels, ports: { '80/tcp': {} } });
    const port = String(await lab.docker.publishedPort(web.container, '80/tcp'));
    await lab.offers(web.path, { [web.short]: { IP: host.ipv4, EXT_PORT: port, state: 'registered' } });
    const stopped = web.container.stop({ t: 3 });
    await lab.offers(web.path, { [web.short]: { state: 'draining' } });
    await stopped;
    await lab.forgets(web.path);
  });

  it('runs as nobody in particular and can change nothing but its state', async () => {
    expect(await lab.docker.exec(agent.container, 'busybox id -u')).toMatch(/^1000\b/);
    expect(await lab.docker.exec(agent.container, 'busybox touch /app/x')).toContain('Read-only file system');
    expect(await lab.docker.exec(agent.container, 'busybox ls /var/lib/portolan')).toContain('portolan.sock');
  });

  it('is shown no more of the engine than it needs', async () => {
    const of = `/containers/${proxy.id}`;
    const needed = [
      '/_ping',
      '/version',
      '/v1.41/info',
      '/containers/json?all=1',
      `/v1.41${of}/json`,
      '/networks',
    ];
    for (const path of needed) expect([path, await ask('GET', path)]).toEqual([path, 200]);
    const refused = [
      ...[`POST /containers/create`, `POST ${of}/stop`, `POST ${of}/exec`, `POST ${of}/kill`, `DELETE ${of}`],
      ...[
        `PUT ${of}/archive?path=/`,
        `GET ${of}/archive?path=/`,
        `GET ${of}/export`,
        `GET ${of}/logs?stdout=1`,
      ],
      ...[`GET ${of}/attach/ws`, `GET ${of}/top`, `GET ${of}/json/../archive?path=/`, `GET ${of}%2farchive`],
      ...[
        'GET /images/json',
        'POST /build',
        'GET /secrets',
        'GET /containers/../images/json',
        'POST /networks/create',
      ],
      ...[
        'GET //images/json',
        'GET /v1.41/containers/x/json/',
        'GET /containers/json%00',
        'OPTIONS /version',
      ],
    ];
    for (const line of refused) {
      const [method = '', path = ''] = line.split(' ');
      expect([line, await ask(method, path)]).toEqual([line, 403]);
    }
  });

  it('leaves its records to the next one when it is stopped', async () => {
    const labels = { 'portolan.path': `/${lab.name('left')}` };
    const left = await lab.run('left', { labels, ports: { '80/tcp': {} } });
    await lab.offers(left.path, { [left.short]: { state: 'registered' } });
    await agent.container.stop({ t: 15 });
    expect((await agent.container.inspect()).State.ExitCode).toBe(0);
    await lab.offers(left.path, { [left.short]: { state: 'registered' } });
    const heartbeats = await lab.registry.dump('/portolan/hosts/');
    expect(heartbeats[`/portolan/hosts/${lab.owner}`]).toContain('"handover":true');
  });
});
