import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runId, TestDocker } from '../kit/docker.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { repository } from '../kit/paths.ts';

const run = promisify(execFile);

describe('the single executable', () => {
  const docker = new TestDocker();
  let folder: string;
  let program: string;
  let etcd: EtcdServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-single-'));
    program = join(folder, 'portolan');
    [etcd] = await Promise.all([
      EtcdServer.start({ version: '3.4' }),
      run(join(repository, 'hack/build-single.sh'), [program]),
    ]);
  });
  afterAll(async () => {
    await docker.clean();
    await etcd.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const standing = async (): Promise<string> => await etcd.etcdctl('get', '--prefix', '/announce/');

  it('needs nothing of the checkout and is small enough', async () => {
    expect((await stat(program)).size).toBeLessThan(120e6);
    const help = await run(program, ['--help'], { cwd: '/', env: {} });
    for (const name of ['run', 'listen', 'announce', 'plan', 'get']) expect(help.stdout).toContain(name);
    // The client of the engine and that of the registry are in it, and say nothing on the way.
    const plan = ['plan', '--registry', 'etcd://127.0.0.1:1', '--docker-host', 'ssh://nowhere'];
    await expect(run(program, plan, { cwd: '/', env: {} })).rejects.toMatchObject({
      stderr: expect.stringMatching(/^portolan: [^\n]*ssh is not supported[^\n]*\n$/) as string,
    });
  });

  it('announces from inside a container without Node, while the service listens, until it is stopped', async () => {
    const gateway = await docker.gateway();
    const container = await docker.run({
      name: `single-${runId}`,
      image: 'portolan-test/libc:1',
      command: ['/portolan', 'announce', '--registry', `etcd://${gateway}:${String(etcd.port)}`],
      env: { ANNOUNCE_PATH: '/internal/app1/dev/web/ghost.example', PORT: '80', TYPE: 'HTTP' },
      extra: { HostConfig: { Binds: [`${program}:/portolan:ro`], ReadonlyRootfs: true } },
    });
    const id = container.id.slice(0, 12);
    expect(await docker.exec(container, 'node --version')).toContain('not found');
    const serve = async (): Promise<string> =>
      await docker.exec(container, 'busybox httpd -p 80 -h /tmp; echo started');
    await serve();
    const record = `/announce/internal/app1/dev/web/ghost.example/${id}\n{"ID":"${id}","APP":"app1","ENV":"dev","SERVICE":"web","NAME":"ghost.example","PORT":"80","TYPE":"HTTP"}`;
    await eventually(async () => (await standing()) === record);
    await docker.exec(container, "busybox kill $(busybox ps | busybox awk '/[h]ttpd/ { print $1 }')");
    await eventually(async () => (await standing()) === '');
    await serve();
    await eventually(async () => (await standing()) === record);
    // Its data is there after a crash, and so is the lease.
    await etcd.kill();
    await etcd.start();
    await eventually(async () => (await standing()) === record);
    await container.stop({ t: 30 });
    expect((await container.inspect()).State.ExitCode).toBe(0);
    expect(await standing()).toBe('');
  });
});
