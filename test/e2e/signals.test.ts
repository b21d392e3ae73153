import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LogLine } from '../kit/agent.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { Lab, type Running, sees } from './lab.ts';

/** Of its own: on the machine's, containers of other tests come and go, and the registry's revision moves. */
let engine: PrivateEngine;
let folder: string;
let lab: Lab;
let labelled: Running;
let plain: Running;

const path = () => join(folder, 'portolan.yaml');
const write = async (yaml: string): Promise<void> => {
  await writeFile(`${path()}.new`, yaml);
  await rename(`${path()}.new`, path());
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'portolan-reload-'));
  await write('resync: 60s\nadvertise: [10.9.8.7]\n');
  engine = await PrivateEngine.start();
  lab = await Lab.open({ socketPath: engine.socketPath, args: ['-c', path()], advertise: false });
  const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '0' } };
  labelled = await lab.run('labelled', { ports, labels: { 'portolan.path': `/${lab.name('by-label')}` } });
  plain = await lab.run('plain', { ports });
  await lab.offers(plain.path, { [plain.short]: { IP: '10.9.8.7' } });
  await lab.offers(`/${lab.name('by-label')}`, { [labelled.short]: { IP: '10.9.8.7' } });
});

afterAll(async () => {
  await lab.close();
  await engine.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Sends the signal; answers the line that tells what came of it. */
const hangUp = async (): Promise<LogLine> => {
  const from = lab.agent.log.length;
  lab.agent.kill('SIGHUP');
  return await lab.agent.logged(({ msg }) => String(msg).startsWith('configuration '), { from });
};

it('SIGHUP takes over what is safe, moves no other record, and survives a broken file', async () => {
  const revision = await lab.registry.revision();
  await write('resync: 50s\nadvertise: [10.9.8.7]\nleaseTtl: 20s\nlog: { level: debug }\n');
  expect(await hangUp()).toMatchObject({ applied: ['resync', 'log.level'], restart: ['leaseTtl'] });
  await write('resync: soon\n');
  expect(await hangUp()).toMatchObject({
    level: 'error',
    reason: expect.stringContaining(`${path()}:1: resync: "soon" is not a duration`) as string,
  });
  expect(await lab.registry.revision()).toBe(revision);

  await write('advertise: [10.9.8.7]\ndialects: { published: { enabled: false } }\n');
  expect(await hangUp()).toMatchObject({
    level: 'info',
    applied: ['dialects.published.enabled', 'resync', 'log.level'],
  });
  await lab.forgets(plain.path);
  const key = `/services/${lab.name('by-label')}/${labelled.short}`;
  expect(lab.registry.historyOf(key)).toHaveLength(1);

  await write('advertise: [10.9.8.9]\n');
  await hangUp();
  await lab.offers(plain.path, { [plain.short]: { IP: '10.9.8.9' } });
  await sees(() => {
    expect(lab.registry.historyOf(key).at(-1)?.value).toMatchObject({ IP: '10.9.8.9' });
  });
});

it('a second SIGINT ends the agent at once while the goodbye waits for a registry that hangs', async () => {
  await lab.registry.server.pause();
  try {
    const insist = setInterval(() => {
      lab.agent.kill('SIGINT');
    }, 100);
    const { code } = await lab.agent.exited.finally(() => {
      clearInterval(insist);
    });
    expect(code).toBe(130);
  } finally {
    await lab.registry.server.unpause();
  }
});
