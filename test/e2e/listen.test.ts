import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent } from '../kit/agent.ts';
import { httpBackend } from '../kit/docker.ts';
import { HaproxyLab } from '../kit/haproxy.ts';
import { get } from '../kit/web-server.ts';
import { Lab, type Running, sees } from './lab.ts';

describe('a listener alone beside a consumer', () => {
  let lab: Lab;
  let haproxy: HaproxyLab;
  let listener: Agent;
  const replicas: Running[] = [];

  const announce = async (stage: string, name: string): Promise<Running> =>
    await lab.run(name, {
      command: httpBackend(),
      env: { ANNOUNCE_PATH: path(stage), PORT: '80', TYPE: 'HTTP' },
    });
  const path = (stage: string): string => `/internal/${lab.name('app')}/${stage}/web/${stage}.example`;
  const asked = async (stage: string): Promise<string> => {
    const { status, body } = await get(haproxy.port, `${stage}.example`);
    return status === 200 ? body : String(status);
  };

  beforeAll(async () => {
    lab = await Lab.open({ args: ['--address', 'container'] });
    haproxy = await HaproxyLab.create('3.0');
    const { folder, settings, port } = haproxy;
    const proxy = {
      ...{ folder, socket: settings.socket, bind: [`127.0.0.1:${String(port)}`], pool: 20 },
      reload: { master: `${folder}/master.sock` },
      verify: settings.check,
    };
    // JSON is YAML too.
    await writeFile(`${folder}/portolan.yaml`, JSON.stringify({ proxies: [proxy] }));
    listener = Agent.start({
      command: 'listen',
      args: ['--registry', lab.registry.url, '-c', `${folder}/portolan.yaml`],
      env: {
        LISTEN_PATH: `/services/internal/${lab.name('app')}/dev,/services/internal/${lab.name('app')}/sit`,
      },
    });
    await listener.logged(({ msg }) => msg === 'listening');
    await sees(() => existsSync(`${folder}/conf/10-frontend.cfg`));
    await haproxy.start();
    for (const name of ['one', 'two']) replicas.push(await announce('dev', name));
  });
  afterAll(async () => {
    await lab.close();
    await haproxy.close();
  });

  it('serves what an agent announces below the paths of LISTEN_PATH, containers of one path together', async () => {
    const other = await announce('prod', 'other');
    const answers = new Set<string>();
    await sees(async () => {
      answers.add((await asked('dev')).trim());
      expect([...answers]).toEqual(expect.arrayContaining(replicas.map(({ short }) => `id=${short}`)));
    });
    await lab.offers(path('prod'), { [other.short]: { state: 'registered' } });
    expect(await asked('prod')).toBe('404');
    expect(await listener.ask('health')).toMatchObject({ code: 0, stdout: 'ready\n' });
  });
});
