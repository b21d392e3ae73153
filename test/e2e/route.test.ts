import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseServers } from '../../src/proxy/haproxy/answers.ts';
import { AdminSocket } from '../../src/proxy/haproxy/socket.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { removeAgents } from '../kit/agent.ts';
import { httpBackend, type TestDocker } from '../kit/docker.ts';
import { eventually } from '../kit/eventually.ts';
import { haproxyProgram } from '../kit/haproxy.ts';
import { type Host, HostBed } from '../kit/hosts.ts';
import { HttpLoad } from '../kit/http-load.ts';
import { get } from '../kit/web-server.ts';
import { becomesReady } from './world.ts';

const PORT = 8080;
const HOST = 'shop.example';
const DEADLINE_MS = 40_000;

type Running = Awaited<ReturnType<TestDocker['run']>>;

/** Containers run on two hosts, and an HAProxy that the agent of the third manages serves them. */
let bed: HostBed;
let edge: Host;
let folder: string;
const running = new Map<Running, Host>();

const run = async (host: Host): Promise<Running> => {
  const container = await host.docker.run({
    command: httpBackend(),
    labels: { 'portolan.path': `/internal/shop/dev/web/${HOST}`, 'portolan.type': 'HTTP' },
    ports: { '80/tcp': { HostIp: '0.0.0.0' } },
  });
  running.set(container, host);
  return container;
};

/** It is told to stop, and exits at once. */
const stop = async (container: Running): Promise<void> => {
  running.delete(container);
  await container.stop();
};

const shortIds = (containers: readonly Running[]): readonly string[] =>
  containers.map(({ id }) => id.slice(0, 12)).sort();

/** Servers that HAProxy sends requests to. */
const inRotation = async (): Promise<readonly string[]> => {
  const admin = new AdminSocket(join(folder, 'admin.sock'), systemClock);
  const said = await admin.ask('show servers state', new AbortController().signal);
  if (!said.ok) throw new Error(said.failure.message);
  const { servers } = parseServers(said.value);
  return servers
    .filter(({ mode, up }) => mode === 'ready' && up)
    .map(({ name }) => name)
    .sort();
};

const rotates = async (containers: readonly Running[] = [...running.keys()]): Promise<void> => {
  await eventually(
    async () => {
      expect(await inRotation()).toEqual(shortIds(containers));
    },
    { deadlineMs: DEADLINE_MS, what: 'what is in rotation' },
  );
};

const master = async (): Promise<number> => Number(await readFile(join(folder, 'haproxy.pid'), 'utf8'));

/** The process that serves: another one after each reload. */
const worker = async (): Promise<number> => {
  const admin = new AdminSocket(join(folder, 'admin.sock'), systemClock);
  const info = await admin.ask('show info', new AbortController().signal);
  return Number(/^Pid: (\d+)$/m.exec(info.ok ? info.value : '')?.[1]);
};

/** Requests all the time, half of them on kept connections: none may fail, and nothing may be reloaded. */
const underLoad = async (act: () => Promise<void>): Promise<void> => {
  const before = [await master(), await worker()];
  const load = new HttpLoad({ port: PORT, host: HOST, everyMs: 10, address: edge.address });
  try {
    await act();
  } finally {
    await load.stop();
  }
  expect(load.failed).toEqual([]);
  expect(load.sent).toBeGreaterThan(20);
  expect([await master(), await worker()]).toEqual(before);
};

const replaceOn = async (host: Host): Promise<void> => {
  const [old] = [...running].find(([, where]) => where === host) ?? [];
  await run(host);
  await rotates();
  if (old !== undefined) await stop(old);
  await rotates();
};

const startEdge = (): void => {
  const { stateDir } = edge.startAgent({ args: ['-c', join(folder, '../../portolan.yaml')] });
  expect(folder).toBe(join(stateDir, 'proxies/edge'));
};

beforeAll(async () => {
  bed = await HostBed.start();
  const [one, two] = bed.hosts;
  edge = bed.hosts[2];
  for (const host of [one, two]) host.startAgent();
  // The first agent of this host only makes the state folder.
  const { stateDir } = edge.startAgent();
  folder = join(stateDir, 'proxies/edge');
  const program = haproxyProgram('2.6');
  const proxies = [{ name: 'edge', managed: true, program, bind: [`*:${String(PORT)}`], pool: 20 }];
  // JSON is YAML too.
  await writeFile(join(stateDir, 'portolan.yaml'), JSON.stringify({ proxies }));
  await edge.agent.stop();
  startEdge();
  for (const host of [one, one, two]) await run(host);
  await Promise.all(bed.hosts.map(({ agent }) => becomesReady(agent)));
  await rotates();
});
afterAll(async () => {
  // Read before the folder goes; ended after the agents, which would start it again.
  const pid = await master().catch(() => undefined);
  await removeAgents();
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
  await bed.remove();
});

describe('an HAProxy on one host loses no request', () => {
  it('while the containers of another are replaced', async () => {
    const [one] = bed.hosts;
    await underLoad(async () => {
      for (let n = 0; n < 3; n += 1) await replaceOn(one);
    });
  });

  it('while a host is cut off and comes back', async () => {
    const [one, two] = bed.hosts;
    await underLoad(async () => {
      await two.engine.cut();
      await rotates([...running].filter(([, where]) => where === one).map(([container]) => container));
      await two.engine.heal();
      await rotates();
    });
  });

  it('while the registry is away and a container ends, and it catches up', async () => {
    const [one] = bed.hosts;
    await underLoad(async () => {
      await Promise.all(bed.hosts.map((host) => host.killMember()));
      await edge.agent.logged(({ msg }) => String(msg).startsWith('the registry is out of sight'), {
        deadlineMs: DEADLINE_MS,
      });
      const [old] = [...running].find(([, where]) => where === one) ?? [];
      if (old !== undefined) await stop(old);
      await run(one);
      await Promise.all(bed.hosts.map((host) => host.restartMember()));
      await rotates();
    });
  });

  it('while the agents of its host and of the containers are killed, and upgraded', async () => {
    const [one] = bed.hosts;
    await underLoad(async () => {
      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await Promise.all([one.agent.stop(signal), edge.agent.stop(signal)]);
        one.startAgent();
        startEdge();
        await Promise.all([one, edge].map(({ agent }) => becomesReady(agent)));
        await replaceOn(one);
      }
    });
  });
});

it('is what the registry says again after somebody killed or reloaded it while containers changed', async () => {
  const [one] = bed.hosts;
  const served = async (): Promise<void> => {
    await rotates();
    expect(await get(PORT, HOST, { address: edge.address })).toMatchObject({ status: 200 });
  };
  const [killed, serving] = [await master(), await worker()];
  for (const pid of [killed, serving]) process.kill(pid, 'SIGKILL');
  await run(one);
  await served();
  expect(await master()).not.toBe(killed);
  const before = await worker();
  process.kill(await master(), 'SIGUSR2');
  await run(one);
  await eventually(async () => (await worker()) !== before, { deadlineMs: DEADLINE_MS });
  await served();
});
