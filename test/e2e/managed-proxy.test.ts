import { existsSync, mkdtempSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExplainView, PlanView } from '../../src/core/status.ts';
import { AdminSocket } from '../../src/proxy/haproxy/socket.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { Agent, removeAgents } from '../kit/agent.ts';
import { httpBackend, runId, TestDocker } from '../kit/docker.ts';
import { haproxyProgram } from '../kit/haproxy.ts';
import { HttpLoad } from '../kit/http-load.ts';
import { freePort } from '../kit/ports.ts';
import { get } from '../kit/web-server.ts';
import { cli, sees } from './lab.ts';

const HOST = 'managed.example';

describe('an agent with a managed HAProxy', () => {
  const docker = new TestDocker();
  const stateDir = mkdtempSync(join(tmpdir(), 'portolan-state-'));
  const folder = join(stateDir, 'proxies/edge');
  let port: number;

  const start = (): Agent =>
    Agent.start({ stateDir, args: ['--address', 'container', '-c', join(stateDir, 'portolan.yaml')] });
  const master = async (): Promise<number> => Number(await readFile(join(folder, 'haproxy.pid'), 'utf8'));
  /** Another one after each reload. */
  const worker = async (): Promise<string | undefined> => {
    const admin = new AdminSocket(join(folder, 'admin.sock'), systemClock);
    const info = await admin.ask('show info', new AbortController().signal);
    return info.ok ? /^Pid: \d+$/m.exec(info.value)?.[0] : undefined;
  };
  const serve = async (name: string) =>
    await docker.run({
      name: `e2e-${runId}-${name}`,
      command: httpBackend(),
      env: { ANNOUNCE_PATH: `/internal/e2e-${runId}/dev/web/${HOST}`, PORT: '80', TYPE: 'HTTP' },
    });
  const answers = async (): Promise<string> => (await get(port, HOST)).body.trim();

  beforeAll(async () => {
    port = await freePort();
    const bind = [`127.0.0.1:${String(port)}`];
    const proxies = [{ name: 'edge', managed: true, program: haproxyProgram('2.6'), bind, pool: 20 }];
    // JSON is YAML too.
    await writeFile(join(stateDir, 'portolan.yaml'), JSON.stringify({ proxies }));
  });
  afterAll(async () => {
    // Read before the folder goes; ended after the agents, which would start it again.
    const pid = await master().catch(() => undefined);
    await removeAgents();
    if (pid !== undefined) process.kill(pid, 'SIGTERM');
    await docker.clean();
  });

  it('shows in a dry run what it would be started with, and starts nothing', async () => {
    const first = await serve('dry');
    const config = ['--address', 'container', '-c', join(stateDir, 'portolan.yaml')];
    const dry = await cli(['run', '--dry-run', '--once', '--state-dir', join(stateDir, 'dry'), ...config]);
    expect(dry.code).toBe(0);
    expect(dry.stdout).toContain('proxy edge');
    expect(dry.stdout).toMatch(/\+ {2}server [0-9a-f]{12} [0-9.]+:80 weight 100 check/);
    expect(dry.stdout).toContain(`+${HOST} pool-`);
    expect(existsSync(join(stateDir, 'dry'))).toBe(false);
    await first.remove({ force: true });
  });

  it('is killed, started again and brings a change, all under load: no request fails, and HAProxy runs on', async () => {
    const agent = start();
    const first = await serve('first');
    await sees(async () => {
      expect(await answers()).toBe(`id=${first.id.slice(0, 12)}`);
    }, 30_000);
    const before = [await master(), await worker()];
    const load = new HttpLoad({ port, host: HOST, everyMs: 10 });
    await agent.stop('SIGKILL');
    const second = await serve('second');
    const next = start();
    await next.logged(({ msg }) => msg === 'the HAProxy of an earlier agent goes on', { deadlineMs: 30_000 });
    await sees(async () => {
      expect(await answers()).toBe(`id=${second.id.slice(0, 12)}`);
    }, 30_000);
    await sees(async () => {
      const { stdout } = await next.ask('plan', '-o', 'json');
      const [plan] = (JSON.parse(stdout) as PlanView).proxies;
      expect(plan).toMatchObject({ proxy: 'edge', lines: [], commands: [], files: [] });
    });
    const explained = JSON.parse((await next.ask('explain', second.id, '-o', 'json')).stdout) as ExplainView;
    expect(explained.proxies).toMatchObject([
      { proxy: 'edge', hosts: [HOST], state: 'up', served: true, why: [] },
    ]);
    await first.stop();
    // The goodbye of an agent leaves it alone as well.
    expect(await next.stop()).toEqual({ code: 0, signal: null });
    expect(await answers()).toBe(`id=${second.id.slice(0, 12)}`);
    await load.stop();
    expect(load.failed).toEqual([]);
    expect(load.sent).toBeGreaterThan(50);
    expect([await master(), await worker()]).toEqual(before);
  });
});
