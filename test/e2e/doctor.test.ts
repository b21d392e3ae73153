import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorView } from '../../src/core/doctor.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { cli, Lab } from './lab.ts';

/** An engine of its own: on the machine's, other containers come and go, and they may have findings. */
describe('doctor', () => {
  let engine: PrivateEngine;
  let lab: Lab;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-doctor-'));
    engine = await PrivateEngine.start();
    lab = await Lab.prepare({ socketPath: engine.socketPath });
  });
  afterAll(async () => {
    try {
      await lab.close();
    } finally {
      await engine.remove();
      await rm(folder, { recursive: true, force: true });
    }
  });

  const doctor = async (settings: readonly string[], env = lab.env) => {
    const args = ['doctor', '-o', 'json', '--http-listen', 'off', '--state-dir', join(folder, 'state')];
    const { code, stdout, stderr } = await cli([...args, ...settings], { env });
    expect(stderr).toBe('');
    const { findings } = JSON.parse(stdout) as DoctorView;
    return { code, codes: findings.map((found) => found.code), findings };
  };

  it('finds nothing where all is well, and writes nothing', async () => {
    const before = await lab.registry.server.revision();
    const { code, codes } = await doctor(lab.settings);
    expect(codes.sort()).toEqual(['agent-away', 'engine-answers', 'registry-answers']);
    expect(code).toBe(0);
    expect(await lab.registry.server.revision()).toBe(before);
  });

  it('finds a container that is misspelt, and exits with 2', async () => {
    const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };
    const { name } = await lab.run('misspelt', { ports, labels: { 'portolan.prot': '80' } });
    const { code, findings } = await doctor(lab.settings);
    expect(findings).toMatchObject([
      { code: 'container-misspelt', subject: `container ${name}`, severity: 'warning' },
      ...[{ severity: 'info' }, { severity: 'info' }, { severity: 'info' }],
    ]);
    expect(code).toBe(2);
  });

  it('names every part that is away, and exits with 1', async () => {
    const stale = join(folder, 'stale.sock');
    const server = createServer();
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as { readonly port: number };
    try {
      const env = { ...lab.env, DOCKER_HOST: `unix://${stale}` };
      const settings = ['--registry', 'etcd://127.0.0.1:1', '--http-listen', `127.0.0.1:${String(port)}`];
      const { code, codes } = await doctor(settings, env);
      expect(codes.slice(0, 3).sort()).toEqual(['engine-missing', 'port-taken', 'registry-unreachable']);
      expect(code).toBe(1);
    } finally {
      server.close();
    }
  });
});
