import { type ExecFileException, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { statusOf } from '../kit/control.ts';
import { repository } from '../kit/paths.ts';
import { Podman } from '../kit/podman.ts';
import { host, Lab, type Running, sees } from './lab.ts';

let podman: Podman;
let lab: Lab;

beforeAll(async () => {
  podman = await Podman.start();
  lab = await Lab.prepare({ socketPath: podman.socketPath });
  await lab.startAgent();
});
afterEach(async () => {
  await lab.docker.clean();
});
afterAll(async () => {
  try {
    await lab.close();
  } finally {
    await podman.remove();
  }
});

/** The states of a path's records in `/services`; its events come a quarter of a second late. */
const states = async (path: string): Promise<unknown[]> =>
  Object.values(await lab.services(path)).map((record) => record['state']);

const becomes = async ({ path }: Running, ...expected: readonly string[]): Promise<void> => {
  await sees(async () => {
    expect(await states(path)).toEqual(expected);
  }, 10_000);
};

describe("with Podman's compatible socket", () => {
  it('a container is announced with its published port, and follows stop, start, death and restart', async () => {
    const web = await lab.run('web', { ports: { '80/tcp': {} } });
    await becomes(web, 'registered');
    const port = await lab.docker.publishedPort(web.container, '80/tcp');
    const [record] = Object.values(await lab.services(web.path));
    expect(record).toMatchObject({ ID: web.short, PORT: '80', IP: host.ipv4, EXT_PORT: String(port) });

    await web.container.stop({ t: 5 });
    await lab.forgets(web.path, 10_000);
    await web.container.start();
    await becomes(web, 'registered');
    await web.container.restart({ t: 5 });
    await becomes(web, 'registered');
    await web.container.kill();
    await lab.forgets(web.path, 10_000);
    await web.container.start();
    await becomes(web, 'registered');
    await web.container.remove({ force: true });
    await lab.forgets(web.path, 10_000);
  });

  it('a health check decides what is in rotation', async () => {
    const web = await lab.run('sick', { ports: { '80/tcp': {} }, health: '[ -e /tmp/ok ]' });
    await sees(async () => {
      expect(Object.keys(await lab.registry.announced(web.path))).toHaveLength(1);
    }, 10_000);
    expect(await states(web.path)).toEqual([]);
    // Podman has a timer of systemd for its checks, which is not here: they go on until they are heard, as they would with it.
    const checked = async (...expected: readonly string[]): Promise<void> => {
      await sees(async () => {
        await podman.run('healthcheck', 'run', web.id).catch(() => undefined);
        expect(await states(web.path)).toEqual(expected);
      }, 10_000);
    };
    await lab.docker.exec(web.container, 'echo >/tmp/ok');
    await checked('registered');
    await lab.docker.exec(web.container, 'busybox rm /tmp/ok');
    await checked('draining');
  });

  it('what happened while its service was away is found when it is back', async () => {
    const [stays, goes] = await Promise.all([
      lab.run('stays', { ports: { '80/tcp': {} } }),
      lab.run('goes', { ports: { '80/tcp': {} } }),
    ]);
    await Promise.all([becomes(stays, 'registered'), becomes(goes, 'registered')]);
    await podman.endService();
    await podman.run('stop', '-t', '5', goes.id);
    expect(await states(goes.path)).toEqual(['registered']);
    await podman.serve();
    await lab.forgets(goes.path, 20_000);
    expect(await states(stays.path)).toEqual(['registered']);
    await sees(async () => {
      expect((await statusOf(lab.agent)).sources).toMatchObject([{ connected: true }]);
    }, 20_000);
  });
});

/** A test that is killed before it can clean up. */
const KILLED = `
const { Podman } = await import('./test/kit/podman.ts');
const podman = await Podman.start();
await podman.run('run', '-d', '-q', 'portolan-test/bb:1', 'sh', '-c', 'busybox sleep 86400');
console.log(podman.socketPath);
process.kill(process.pid, 'SIGKILL');`;

it('what a killed test left of it is swept away before the next run', async () => {
  const options = { cwd: repository, timeout: 60_000 };
  const test = ['--import', 'tsx', '--input-type=module', '-e', KILLED];
  const killed = promisify(execFile)(process.execPath, test, options);
  const { signal, stdout } = (await killed.catch((error: unknown) => error)) as ExecFileException;
  expect(signal).toBe('SIGKILL');
  const folder = dirname(String(stdout));
  const [, pid = ''] = /portolan-podman-(\d+)-\w+$/.exec(folder) ?? [];
  expect(existsSync(folder)).toBe(true);
  const sweep = '. hack/lib/common.sh; . hack/lib/podman.sh; sweep_podman';
  await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', sweep], options);
  expect(existsSync(folder)).toBe(false);
  expect(existsSync(`/run/netns/portolan-podman-${pid}-1`)).toBe(false);
  expect((await promisify(execFile)('ps', ['-eo', 'args'])).stdout).not.toContain(folder);
  // Those of a test that lives are left alone.
  expect(existsSync(podman.socketPath)).toBe(true);
});
