import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Agent, removeAgents } from '../kit/agent.ts';
import { runId, TestDocker } from '../kit/docker.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { repository } from '../kit/paths.ts';
import { cli, sees } from './lab.ts';

/** What must be shown nowhere: logins of etcd, and what containers and settings carry besides. */
const planted = {
  first: `first-${runId}-hunter2`,
  second: `second-${runId}-hunter2`,
  unused: `unused-${runId}-hunter2`,
  container: `container-${runId}-hunter2`,
};
const HIDDEN = /hunter2|PRIVATE KEY/;
const docker = new TestDocker();
const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '0' } };

let folder: string;
let etcd: EtcdServer;
let agent: Agent;
let settings: string;

/** Puts files in place as a volume of Kubernetes does: all at once, by another target of one link. */
async function place(files: Readonly<Record<string, string>>): Promise<void> {
  const target = await mkdtemp(join(folder, 'version-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(target, name), text);
  await symlink(target, join(folder, 'next'));
  await rename(join(folder, 'next'), join(folder, 'current'));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-login-'));
  etcd = await EtcdServer.start({ tls: true, auth: true });
  const manifest = readFileSync(join(repository, 'manifests/etcd-role.sh'), 'utf8');
  await etcd.script(`ROLE=agents\n${manifest}`, `${planted.first}\n`, 'agent');
  const { ca, clientCertificate, clientKey } = etcd.certificates!;
  await place({ 'ca.pem': ca, 'tls.crt': clientCertificate, 'tls.key': clientKey, password: planted.first });
  settings = join(folder, 'portolan.yaml');
  const at = join(folder, 'current');
  await mkdir(join(folder, 'broken'));
  await writeFile(
    settings,
    `log: { level: debug }
leaseTtl: 60s
registries:
  - url: etcds://localhost:${etcd.port}
    username: agent
    passwordFile: ${at}/password
    tls: { ca: ${at}/ca.pem, cert: ${at}/tls.crt, key: ${at}/tls.key }
`,
  );
  const args = ['-c', settings, '--owner-id', `login-${runId}`, '--advertise', '10.9.8.7'];
  agent = Agent.start({ args, env: { PORTOLAN_ETCD_PASSWORD: planted.unused } });
});

afterAll(async () => {
  await Promise.allSettled([removeAgents(), docker.clean()]);
  await etcd.remove();
  await rm(folder, { recursive: true, force: true });
});

async function published(name: string): Promise<void> {
  const labels = { 'portolan.path': `/${name}`, 'portolan.weight': `token=${planted.container}` };
  const env = {
    PORT: '80',
    DB_PASSWORD: planted.container,
    TYPE: planted.container,
    ANNOUNCE_PATH: `/${name}`,
  };
  await docker.run({ name, ports, labels, env });
  await sees(async () => {
    expect(await etcd.etcdctl('get', '--prefix', `/services/${name}/`)).toContain('10.9.8.7');
  }, 20_000);
}

/** The records of one container with their revisions: other tests have containers on this engine, too. */
async function recordsOf(name: string): Promise<unknown> {
  const { kvs } = JSON.parse(await etcd.etcdctl('get', '--prefix', `/services/${name}/`, '-w', 'json')) as {
    kvs: unknown;
  };
  return kvs;
}

it('works with mutual TLS and the least role, takes over renewed files, and shows no secret anywhere', async () => {
  await published(`login-${runId}-a`);
  const before = await recordsOf(`login-${runId}-a`);
  const { ca } = etcd.certificates!;
  const { certificate, key } = await etcd.certificates!.renewClient();
  await etcd.script('etcdctl user passwd "$1" --interactive=false', `${planted.second}\n`, 'agent');
  await place({ 'ca.pem': ca, 'tls.crt': certificate, 'tls.key': key, password: planted.second });
  await agent.logged(({ msg }) => String(msg).startsWith('credentials were renewed'), { deadlineMs: 30_000 });
  await sees(async () => {
    const { code } = await agent.ask('health');
    expect(code).toBe(0);
  }, 30_000);
  expect(await recordsOf(`login-${runId}-a`)).toEqual(before);
  await published(`login-${runId}-b`);

  await place({
    'ca.pem': ca,
    'tls.crt': certificate,
    'tls.key': etcd.certificates!.serverKey,
    password: planted.second,
  });
  await agent.logged(({ reason }) => String(reason).endsWith('tls.key is not the key of the certificate'), {
    deadlineMs: 30_000,
  });
  const check = await cli(['config', 'check', '-c', settings]);
  expect(check).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('tls.key is not the key') as string,
  });

  const env = { PORTOLAN_ETCD_PASSWORD: planted.unused };
  const name = `login-${runId}-b`;
  const shown = await Promise.all([
    ...['services', 'containers', 'hosts', 'records'].map((what) => agent.ask('get', what, '-o', 'yaml')),
    agent.ask('explain', name),
    agent.ask('explain', name, '-o', 'json'),
    ...['text', 'json', 'yaml'].map((form) => cli(['config', 'print', '-c', settings, '-o', form], { env })),
  ]);
  expect(shown.map(({ code, stderr }) => [code, stderr])).toEqual(shown.map(() => [0, '']));
  const explained = shown[4]?.stdout ?? '';
  for (const about of ['portolan.weight', 'TYPE: a text of']) expect(explained).toContain(about);
  const everything = [check, ...shown].map(({ stdout, stderr }) => stdout + stderr).concat(agent.output);
  for (const text of everything) expect(text).not.toMatch(HIDDEN);
  expect(await etcd.etcdctl('get', '--prefix', '/')).not.toMatch(HIDDEN);
});
