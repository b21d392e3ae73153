import { readFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, removeAgents } from '../kit/agent.ts';
import { idle, runId } from '../kit/docker.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { repository } from '../kit/paths.ts';
import { ADDRESS, becomesReady, type RunningContainer, World } from './world.ts';

/** hack/migration/service-registrar.md, step by step; the agent knows nothing but what service-registrar was told. */
const scriptOf = (name: string): string => readFileSync(join(repository, 'hack/migration', name), 'utf8');
const documents = scriptOf('registrar-documents.sh');
const leftovers = scriptOf('registrar-leftovers.sh');
const file = join(tmpdir(), `registrar-${runId}.yml`);

let world: World;
let etcd: EtcdServer;
let agent: Agent;
let web: RunningContainer;
const key = '/services/prod/apache/web/8081/c1';
const address = `${ADDRESS}:8081`;

/** Runs a container that is published at a port of its host, which is this test's own. */
const serve = async (hostname: string, port: number): Promise<RunningContainer> =>
  await world.docker.run({
    hostname,
    command: idle,
    env: { ENVIRONMENT: 'prod', NAME: 'apache', SERVICE_80_NAME: 'web', DB_PASSWORD: 'hunter2' },
    ports: { '80/tcp': { HostIp: '0.0.0.0', HostPort: String(port) } },
  });

const keyOf = (hostname: string, port: number): string => `/services/prod/apache/web/${port}/${hostname}`;

const fileWith = (interval: number): string =>
  `interval: ${interval}\nbackend: ${world.registry}\nipaddress: ${ADDRESS}\n`;

/** As service-registrar wrote it, and nobody else: its copy of the environment tells. */
const old = (path: string, host = 'fury'): string => {
  const [port = '', hostname = ''] = path.split('/').slice(-2);
  const env = { ENVIRONMENT: 'prod', NAME: 'apache', PATH: '/bin' };
  const where = {
    id: 'ab'.repeat(32),
    host,
    ipaddress: ADDRESS,
    env,
    tags: [],
    name: '/old',
    image: 'apache',
  };
  return JSON.stringify({ ...where, hostname, host_port: port, proto: 'tcp', port: '80', path });
};

const read = async (store: '-2' | '-3'): Promise<readonly string[]> =>
  (await etcd.script(documents, '', store)).split('\n').filter((line) => line !== '');

const isOurs = async (path: string): Promise<boolean> =>
  (await world.view.get(path))?.value.includes('"env":{"ENVIRONMENT":"prod","NAME":"apache"}') === true;

beforeAll(async () => {
  etcd = await EtcdServer.start({ version: '3.4', args: ['--enable-v2'] });
  world = await World.open({ etcd });
  web = await serve('c1', 8081);
  await writeFile(file, fileWith(2000));
  agent = Agent.start({
    args: ['-c', file],
    env: {
      ...{ PORTOLAN_COMPAT: 'service-registrar', DOCKER_SOCKET: world.engine.socketPath },
      ...{ HOST: 'fury', IPADDRESS: '192.0.2.99', INTERVAL: '9000', LOGLEVEL: 'debug' },
    },
  });
  await becomesReady(agent);
}, 90_000);
afterAll(async () => {
  await removeAgents();
  await world.close();
  await etcd.remove();
  await rm(file, { force: true });
});

describe('the way from service-registrar', () => {
  it('starts with its own settings, and names those of today', () => {
    const notes = agent.log.filter(({ msg }) => msg === 'configuration').map(({ reason }) => reason);
    expect(notes).toContain(
      `${file}:1 (interval): is read as resync: 2s; today's names: resync, PORTOLAN_RESYNC, --resync`,
    );
  });

  it('reads them again at SIGHUP', async () => {
    await writeFile(file, fileWith(3000));
    agent.kill('SIGHUP');
    const line = await agent.logged(({ msg }) => msg === 'configuration read again');
    expect(line['applied']).toEqual(['resync']);
  });

  it('leads to documents that a reader of the old format can use', async () => {
    await eventually(async () => {
      expect(await read('-3')).toEqual([`${key} ${address}`]);
    });
    const { Id, Name, Config } = await web.inspect();
    expect((await world.view.get(key))?.value).toBe(
      `{"id":"${Id}","host":"fury","ipaddress":"${ADDRESS}","env":{"ENVIRONMENT":"prod","NAME":"apache"},"tags":[],` +
        `"name":"${Name}","image":"${Config.Image}","hostname":"c1","host_port":"8081","proto":"tcp","port":"80","path":"${key}"}`,
    );
  });

  it('lets both run side by side, in the two stores of one etcd, until readers have moved', async () => {
    const elsewhere = '/services/prod/apache/web/1/elsewhere';
    await etcd.v2('set', key, old(key));
    await etcd.v2('set', elsewhere, old(elsewhere, 'other'));
    const compared = await etcd.script(documents, '').catch((error: unknown) => String(error));
    expect(compared).toContain(`v2 only  ${elsewhere} ${ADDRESS}:1\nboth     ${key} ${address}`);
    expect(await etcd.script(leftovers, '', '--v2', '--delete', 'fury')).toBe(`removed ${key}`);
    expect(await read('-2')).toEqual([`${elsewhere} ${ADDRESS}:1`]);
    expect(await read('-3')).toEqual([`${key} ${address}`]);
  });

  it('never touches what it left in the same store, and takes the keys over once they are free', async () => {
    const lease = (await etcd.etcdctl('lease', 'grant', '3600')).split(' ')[1] ?? '';
    const [leased, kept, strange] = [keyOf('c2', 8082), keyOf('c3', 8083), keyOf('c4', 8084)];
    await etcd.etcdctl('put', leased, old(leased), `--lease=${lease}`);
    await etcd.etcdctl('put', kept, old(kept));
    await etcd.etcdctl('put', strange, old(strange, 'other'));
    await Promise.all([serve('c2', 8082), serve('c3', 8083)]);
    await eventually(async () => {
      const { stdout } = await agent.ask('get', 'records');
      expect(stdout).toMatch(/8082\/c2[^\n]*conflict[^]*8083\/c3[^\n]*conflict/);
    });
    // In ttl mode the documents lapse, and nobody has to do anything.
    await etcd.etcdctl('lease', 'revoke', lease);
    await eventually(() => isOurs(leased));
    expect(await etcd.script(leftovers, '', 'fury')).toBe(`would remove ${kept}`);
    expect((await world.view.get(kept))?.value).toBe(old(kept));
    expect(await etcd.script(leftovers, '', '--delete', 'fury')).toBe(`removed ${kept}`);
    await eventually(() => isOurs(kept));
    expect((await world.view.get(strange))?.value).toBe(old(strange, 'other'));
    expect(await etcd.script(leftovers, '', 'fury')).toBe('');
  });
});
