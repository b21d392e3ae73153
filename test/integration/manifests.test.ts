import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { portolan } from '../kit/agent.ts';
import { repository } from '../kit/paths.ts';

const execute = promisify(execFile);
const file = (name: string): string => `${repository}manifests/${name}`;

interface Composed {
  readonly services: Readonly<
    Record<
      string,
      { readonly volumes: readonly string[]; readonly read_only: boolean; readonly cap_drop: unknown }
    >
  >;
}

describe('the manifests', () => {
  it('hold an example configuration that is valid', async () => {
    const { code, stdout, stderr } = await portolan(['config', 'check', '-c', file('portolan.yaml')]);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'The configuration is valid.\n',
      stderr: '',
    });
  });

  it('hold a proxy beside the agent that shares its user and one volume with it, and its settings are valid', async () => {
    const { services, configs } = parse(readFileSync(file('compose-proxy.yaml'), 'utf8')) as Composed & {
      readonly services: Readonly<
        Record<string, { readonly command: readonly string[]; readonly user: string }>
      >;
      readonly configs: { readonly portolan: { readonly content: string } };
    };
    const { portolan: agent, haproxy } = services;
    expect(haproxy).toMatchObject({ read_only: true, cap_drop: ['ALL'], volumes: agent?.volumes });
    expect(readFileSync(`${repository}Dockerfile`, 'utf8')).toContain(`USER ${String(haproxy?.user)}\n`);
    const folder = await mkdtemp(`${tmpdir()}/portolan-manifests-`);
    try {
      await writeFile(`${folder}/portolan.yaml`, configs.portolan.content);
      const printed = await portolan(['config', 'print', '-o', 'json', '-c', `${folder}/portolan.yaml`]);
      expect(printed).toMatchObject({ code: 0, stderr: '' });
      const shared = agent?.volumes[0]?.split(':')[1] ?? '';
      for (const path of [`${shared}/admin.sock`, `${shared}/master.sock`])
        expect(printed.stdout).toContain(path);
      expect(haproxy?.command.slice(1)).toEqual([
        '-W',
        '-S',
        `${shared}/master.sock`,
        '-f',
        `${shared}/conf`,
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('hold a unit that systemd takes without a word', async () => {
    const { stdout, stderr } = await execute('systemd-analyze', [
      'verify',
      '--man=no',
      file('portolan.service'),
    ]);
    expect(stdout + stderr).toBe('');
  });

  it.each(['compose.yaml', 'stack.yaml'])('give the socket of the engine to the proxy alone: %s', (name) => {
    const { services } = parse(readFileSync(file(name), 'utf8'), { merge: true }) as Composed;
    const { 'docker-proxy': proxy, portolan: agent } = services;
    expect(Object.keys(services)).toEqual(['docker-proxy', 'portolan']);
    expect(proxy?.volumes.join()).toContain('/var/run/docker.sock');
    expect(agent?.volumes.join()).not.toContain('/var/run/docker.sock');
    for (const service of [proxy, agent])
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
  });
});
