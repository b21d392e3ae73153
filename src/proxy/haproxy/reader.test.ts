import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../telemetry/clock.ts';
import { readInfo, readObserved } from './reader.ts';
import { AdminSocket, refusal } from './socket.ts';

const never = new AbortController().signal;

describe('an HAProxy that cannot be driven', () => {
  let folder: string;
  let path: string;
  let server: Server | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-admin-'));
    path = join(folder, 'admin.sock');
  });
  afterEach(async () => {
    await new Promise((resolve) => {
      if (server === undefined) resolve(undefined);
      else server.close(resolve);
    });
    server = undefined;
    await rm(folder, { recursive: true, force: true });
  });

  const answering = async (answers: Readonly<Record<string, string>>): Promise<AdminSocket> => {
    server = createServer((socket) => {
      socket.once('data', (data) => socket.end(answers[data.toString().trim()] ?? '\n'));
    });
    await new Promise<void>((resolve) => server?.listen(path, resolve));
    return new AdminSocket(path, systemClock);
  };
  const told = (result: Awaited<ReturnType<typeof readInfo | typeof readObserved>>): string =>
    result.ok ? 'fine' : `${result.failure.code}: ${result.failure.message}`;

  it('is too old: it says which one is needed', async () => {
    const socket = await answering({ 'show info': 'Name: HAProxy\nVersion: 2.4.22-f8e3218\nPid: 7\n\n' });
    expect(told(await readInfo(socket, never))).toMatch(
      /^proxy-unsupported: .*HAProxy 2\.4\.22-f8e3218, which cannot add servers while it runs; install 2\.6 or newer\)$/,
    );
  });

  it.each(['operator', 'user'])('has a socket of level %s: it says what to write', async (level) => {
    const socket = await answering({
      ...{ 'show info': 'Version: 2.6.12\nPid: 7\n\n', 'show cli level': `${level}\n\n` },
    });
    expect(told(await readObserved(socket, folder, never))).toMatch(
      /^proxy-denied: .*write "level admin" at the end of "stats socket \S+admin\.sock" below global\)$/,
    );
  });

  it('is something else altogether', async () => {
    expect(told(await readInfo(await answering({ 'show info': 'hello\n' }), never))).toMatch(/is no HAProxy/);
  });

  it('has no socket, or does not run', async () => {
    const socket = new AdminSocket(path, systemClock);
    expect(told(await readInfo(socket, never))).toMatch(
      /^proxy-unreachable: .*there is no \S+; does HAProxy run, and does it have "stats socket \S+ level admin" below global\?\)$/,
    );
    expect(refusal({ code: 'ECONNREFUSED', message: '' }, '/x').failure.message).toContain(
      'nobody listens at /x; does HAProxy run?',
    );
  });

  it('has a socket that this user may not open', () => {
    expect(refusal({ code: 'EACCES', message: '' }, '/x').failure).toMatchObject({
      code: 'proxy-denied',
      message: expect.stringContaining(
        '"stats socket /x mode 660 group <a group of this user> level admin"',
      ) as string,
    });
  });
});
