import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PlanView } from '../../src/core/status.ts';
import { Agent, type LogLine, removeAgents } from '../kit/agent.ts';
import { httpBackend, runId, TestDocker } from '../kit/docker.ts';
import { HaproxyLab } from '../kit/haproxy.ts';
import { get } from '../kit/web-server.ts';
import { cli, Lab, type Running, sees } from './lab.ts';

/** As `httpBackend`, and `/cgi-bin/slow` answers when somebody has made the file `/tmp/go`. */
const gated = [
  'sh',
  '-c',
  `busybox mkdir -p /www/cgi-bin; echo id=$HOSTNAME >/www/index.html
  printf '#!/bin/sh\\nuntil [ -e /tmp/go ]; do busybox sleep 0.05; done\\necho; echo slow\\n' >/www/cgi-bin/slow
  busybox chmod 755 /www/cgi-bin/slow; trap 'exit 0' TERM; busybox httpd -f -p 80 -h /www & wait`,
];

/** Writes a configuration with this one proxy. */
async function configure({ folder, settings, port }: HaproxyLab): Promise<void> {
  const proxy = {
    ...{ folder, socket: settings.socket, bind: [`127.0.0.1:${String(port)}`], pool: 20 },
    reload: { master: `${folder}/master.sock` },
    verify: settings.check,
  };
  // JSON is YAML too.
  await writeFile(`${folder}/portolan.yaml`, JSON.stringify({ proxies: [proxy] }));
}

/** HAProxy was looked for, so the files that it is to start with are there. */
const prepared = ({ msg }: LogLine): boolean => msg === 'the proxy lags behind';

describe('a listener alone beside a consumer', () => {
  let lab: Lab;
  let haproxy: HaproxyLab;
  let listener: Agent;
  const replicas: Running[] = [];

  const announce = async (stage: string, name: string): Promise<Running> =>
    await lab.run(name, {
      command: gated,
      env: { ANNOUNCE_PATH: path(stage), PORT: '80', TYPE: 'HTTP' },
    });
  const path = (stage: string): string => `/internal/${lab.name('app')}/${stage}/web/${stage}.example`;
  const asked = async (stage: string): Promise<string> => {
    const { status, body } = await get(haproxy.port, `${stage}.example`);
    return status === 200 ? body : String(status);
  };
  const acknowledgements = async () => {
    const all = await lab.registry.below('/portolan/listeners');
    return Object.fromEntries(Object.entries(all).filter(([key]) => key.includes('/')));
  };
  /** The one that has a request open, as the proxy says. */
  const openOn = async (running: readonly Running[]): Promise<Running> => {
    const rows = (await haproxy.ask('show stat -1 4 -1')).split('\n').map((row) => row.split(','));
    const busy = running.find(({ short }) => rows.some((row) => row[1] === short && row[4] === '1'));
    if (busy === undefined) throw new Error('no server has an open request');
    return busy;
  };

  beforeAll(async () => {
    lab = await Lab.open({ args: ['--address', 'container'] });
    haproxy = await HaproxyLab.create('3.0');
    const { folder } = haproxy;
    await configure(haproxy);
    listener = Agent.start({
      command: 'listen',
      args: ['--registry', lab.registry.url, '-c', `${folder}/portolan.yaml`, '--lease-ttl', '5s'],
      env: {
        LISTEN_PATH: `/services/internal/${lab.name('app')}/dev,/services/internal/${lab.name('app')}/sit`,
      },
    });
    await listener.logged(prepared);
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
    await sees(async () => {
      const { proxies } = JSON.parse((await listener.ask('plan', '-o', 'json')).stdout) as PlanView;
      expect(proxies).toEqual([{ proxy: 'haproxy', lines: [], commands: [], files: [] }]);
    });
  });

  it('shows in a dry run what it would do, from the paths that it is given, and does nothing', async () => {
    const before = await haproxy.ask('show map');
    const dry = await cli(
      [
        'listen',
        '--dry-run',
        '--once',
        '--registry',
        lab.registry.url,
        '-c',
        `${haproxy.folder}/portolan.yaml`,
      ],
      { env: { LISTEN_PATH: `/services/internal/${lab.name('app')}/prod` } },
    );
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stdout).toMatch(/- delete +hosts\.map dev\.example/);
    expect(dry.stdout).toMatch(/\+ create +hosts\.map prod\.example/);
    expect(dry.stdout).toMatch(/\n {6}add server pool-001\/[0-9a-f]{12} /);
    expect(await haproxy.ask('show map')).toBe(before);
    expect(await asked('dev')).toMatch(/^id=/);
  });

  it('Drain: --wait ends when the last open request through the proxy has ended', async () => {
    const [one, two] = replicas;
    const slow = get(haproxy.port, 'dev.example', { path: '/cgi-bin/slow' });
    const busy = await sees(() => openOn([one!, two!]));
    const drained = lab.agent.ask('drain', busy.name, '--wait');
    let over = false;
    void drained.finally(() => {
      over = true;
    });
    await sees(async () => {
      expect(Object.values(await acknowledgements())).toMatchObject([{ sessions: 1, held: false }]);
      expect(JSON.parse(await lab.ask('/v1/orders'))).toMatchObject([
        {
          targets: [
            { acknowledged: true },
            { target: expect.stringMatching(/^haproxy on ./) as string, why: '1 open session(s)' },
          ],
        },
      ]);
    });
    expect(over).toBe(false);
    await (await busy.container.exec({ Cmd: ['sh', '-c', ': >/tmp/go'] })).start({});
    expect((await slow).body).toContain('slow');
    expect(await drained).toMatchObject({
      code: 0,
      stdout: `${busy.name} is drained; every target has acknowledged it.\n`,
    });
  });

  it('Drain: --wait ends with 76 for the last server, which serves on, and no longer asks a listener that is dead', async () => {
    const drained = await lab.agent.ask('drain', '--host', '--wait');
    expect(drained).toMatchObject({
      code: 76,
      stderr: expect.stringMatching(/haproxy on \S+: held: last server \(/) as string,
    });
    expect(await asked('dev')).toMatch(/^id=/);
    await listener.stop('SIGKILL');
    // Its lease has to be over first.
    await sees(async () => {
      expect(await lab.registry.below('/portolan/listeners')).toEqual({});
    }, 30_000);
    expect(await lab.agent.ask('drain', '--host', '--wait')).toMatchObject({ code: 0 });
  });
});

describe('an agent with a proxy of its own and the embedded registry', () => {
  it('Drain: --wait asks its own proxy as well', async () => {
    const docker = new TestDocker();
    const haproxy = await HaproxyLab.create('3.2');
    try {
      await configure(haproxy);
      const { folder } = haproxy;
      const path = `/internal/e2e-${runId}/dev/web/own.example`;
      const agent = Agent.start({
        args: ['-c', `${folder}/portolan.yaml`, '--owner-id', `e2e-${runId}`, '--address', 'container'],
        env: { LISTEN_PATH: `/internal/e2e-${runId}` },
      });
      await agent.logged(prepared);
      await haproxy.start();
      const run = async (n: number) =>
        await docker.run({
          name: `e2e-${runId}-own-${String(n)}`,
          ...{ command: httpBackend(), env: { ANNOUNCE_PATH: path, PORT: '80', TYPE: 'HTTP' } },
        });
      const first = await run(1);
      await sees(async () => {
        expect(await get(haproxy.port, 'own.example')).toMatchObject({ status: 200 });
      });
      expect(await agent.ask('drain', first.id, '--wait')).toMatchObject({ code: 76 });
      const second = await run(2);
      await sees(async () => {
        expect((await get(haproxy.port, 'own.example')).body).toContain(second.id.slice(0, 12));
      });
      expect(await agent.ask('drain', first.id, '--wait')).toMatchObject({ code: 0 });
    } finally {
      await removeAgents();
      await docker.clean();
      await haproxy.close();
    }
  });
});
