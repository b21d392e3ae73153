import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
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
