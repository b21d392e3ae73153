import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Managed } from '../../src/proxy/haproxy/managed.ts';
import { OwnProcess } from '../../src/proxy/haproxy/process.ts';
import { AdminSocket } from '../../src/proxy/haproxy/socket.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../kit/eventually.ts';
import { HAPROXY_VERSIONS, HaproxyLab, haproxyProgram } from '../kit/haproxy.ts';

const until = new AbortController().signal;

describe.each(HAPROXY_VERSIONS)('a managed HAProxy %s', (version) => {
  let lab: HaproxyLab;
  let own: OwnProcess;
  let stop: AbortController;
  let said: string[];

  const processOf = (program = haproxyProgram(version)): OwnProcess =>
    new OwnProcess({
      name: 'edge',
      program,
      folder: lab.folder,
      masterSocket: join(lab.folder, 'master.sock'),
      systemd: false,
      clock: systemClock,
      answers: async (signal) => (await lab.admin.ask('show info', signal)).ok,
    });
  const say = (fields: object, text: string): void => {
    said.push(`${text} ${JSON.stringify(fields)}`);
  };
  /** As one agent looks after it. */
  const managed = (process = own): Managed =>
    new Managed({
      name: 'edge',
      process,
      admin: new AdminSocket(lab.settings.socket, systemClock),
      clock: systemClock,
      random: () => 0,
      log: { debug: say, info: say, warn: say, error: say },
    });
  const begun = async (): Promise<number> => {
    await managed().begin(until);
    const pid = await own.pid();
    if (pid === undefined) throw new Error(said.join('\n'));
    return pid;
  };

  beforeEach(async () => {
    lab = await HaproxyLab.create(version);
    await lab.adapter().writer?.prepare();
    own = processOf();
    stop = new AbortController();
    said = [];
  });
  afterEach(async () => {
    stop.abort();
    const pid = await own.pid();
    if (pid !== undefined) {
      process.kill(pid, 'SIGTERM');
      await eventually(async () => (await own.pid()) === undefined);
    }
    await lab.close();
  });

  it('is taken over by the next agent as it runs, and reloads by its own master', async () => {
    const pid = await begun();
    expect(await readFile(own.pidFile, 'utf8')).toBe(`${String(pid)}\n`);
    expect(await begun()).toBe(pid);
    expect(said.join('\n')).toContain('the HAProxy of an earlier agent goes on');
    process.kill(pid, 'SIGUSR2');
    await eventually(async () => (await own.pid()) === pid && (await lab.ask('show info')).includes('Pid:'));
    expect(await begun()).toBe(pid);
  });

  it('is started again when it dies, whoever has its number by then', async () => {
    const first = await begun();
    const running = managed();
    await running.begin(until);
    const done = running.run(stop.signal);
    process.kill(first, 'SIGKILL');
    await eventually(async () => ![undefined, first].includes(await own.pid()));
    expect(said.join('\n')).toContain('it is started again');
    stop.abort();
    await done;
    const pid = (await own.pid())!;
    process.kill(pid, 'SIGTERM');
    await eventually(async () => (await own.pid()) === undefined);
    await writeFile(own.pidFile, `${String(process.pid)}\n`);
    expect(await own.pid()).toBeUndefined();
  });

  it('says what to change when its port is taken, and starts once it is free', async () => {
    const other = createServer().listen(lab.port, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const running = managed();
    await running.begin(until);
    expect(said).toEqual([
      expect.stringMatching(
        `HAProxy does not start .*127.0.0.1:${String(lab.port)} is taken by another program`,
      ),
    ]);
    await new Promise((resolve) => other.close(resolve));
    const done = running.run(stop.signal);
    await eventually(async () => (await own.pid()) !== undefined);
    stop.abort();
    await done;
  });
});

describe('a program that cannot be managed', () => {
  let folder: string;
  const start = async (program: string): Promise<string> => {
    const own = new OwnProcess({
      ...{ name: 'edge', program, folder, systemd: false, clock: systemClock },
      masterSocket: `${folder}/master.sock`,
      answers: () => Promise.resolve(false),
    });
    const version = await own.version(until);
    return version.ok ? version.value : version.failure.message;
  };
  const fake = async (text: string): Promise<string> => {
    const program = join(folder, 'haproxy');
    await writeFile(program, `#!/bin/sh\n${text}\n`);
    await chmod(program, 0o755);
    return program;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-managed-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is named with what to install', async () => {
    expect(await start('no-such-haproxy')).toContain('there is no program no-such-haproxy; install HAProxy');
    expect(await start(await fake("echo 'HAProxy version 2.4.22-1 2023/02/14'"))).toContain(
      'is HAProxy 2.4.22-1; install 2.6 or newer',
    );
    expect(await start(await fake('echo hello'))).toContain('is no HAProxy');
    expect(await start(await fake('exit 3'))).toContain('ended with 3');
  });
});
