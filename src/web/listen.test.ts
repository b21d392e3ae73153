import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../test/kit/clock.ts';
import { FakeOrders, FakeStatus } from '../../test/kit/status-fake.ts';
import type { Log } from '../core/ports.ts';
import { systemClock } from '../telemetry/clock.ts';
import { isAlive, listenControlSocket, listenLoopback } from './listen.ts';
import type { Listener, ListenResult } from './server.ts';

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const web = { source: new FakeStatus(), clock: systemClock, log };

let folder: string;
let path: string;
let open: Listener[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-web-'));
  path = join(folder, 'deep', 'portolan.sock');
  open = [];
});

afterEach(async () => {
  await Promise.all(open.map((listener) => listener.close()));
  rmSync(folder, { recursive: true, force: true });
});

async function listen(): Promise<ListenResult> {
  const result = await listenControlSocket({ ...web, orders: new FakeOrders(), path });
  if (result.ok) open.push(result.listener);
  return result;
}

function status(where = '/healthz'): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath: path, path: where, headers: { host: 'anything.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

/** Leaves a socket behind as a killed process does. */
function leaveSocket(): void {
  const script = `const s=require('net').createServer().listen(${JSON.stringify(path)},()=>process.kill(process.pid,'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
}

describe('the control socket', () => {
  it('is made with its folder, for its owner and group only, and asks for no Host', async () => {
    expect(await listen()).toMatchObject({ ok: true, listener: { address: path } });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await status()).toBe(200);
  });

  it('is gone after it was closed', async () => {
    await listen();
    await open.pop()?.close();
    expect(existsSync(path)).toBe(false);
    expect(await isAlive(path)).toBe(false);
  });

  it('takes the place of one whose process was killed', async () => {
    await listen();
    await open.pop()?.close();
    leaveSocket();
    expect(existsSync(path)).toBe(true);
    expect(await listen()).toMatchObject({ ok: true });
    expect(await status()).toBe(200);
  });

  it('never takes the place of a living one', async () => {
    await listen();
    expect(await isAlive(path)).toBe(true);
    expect(await listen()).toEqual({
      ok: false,
      code: 'in-use',
      message: `somebody else listens on ${path}`,
    });
    expect(await status()).toBe(200);
  });

  it('never removes a file that is no socket', async () => {
    path = join(folder, 'file');
    writeFileSync(path, 'mine');
    expect(await listen()).toMatchObject({ ok: false });
    expect(statSync(path).size).toBe(4);
  });

  it('says so when its folder cannot be made', async () => {
    writeFileSync(join(folder, 'deep'), '');
    expect(await listen()).toMatchObject({
      ok: false,
      code: 'failed',
      message: expect.stringContaining(path) as string,
    });
  });
});

describe('the listener', () => {
  it('says so when its port is taken', async () => {
    const first = await listenLoopback({ ...web, host: '127.0.0.1', port: 0, allowedHosts: [] });
    if (!first.ok) throw new Error(first.message);
    open.push(first.listener);
    const port = Number(first.listener.address.split(':')[1]);
    expect(await listenLoopback({ ...web, host: '127.0.0.1', port, allowedHosts: [] })).toEqual({
      ok: false,
      code: 'in-use',
      message: `somebody else listens on 127.0.0.1:${port}`,
    });
  });

  it('gives up on a registry that hangs, so that nobody waits for ever', async () => {
    const clock = new VirtualClock();
    const source = new FakeStatus();
    source.recordViews = () => new Promise(() => undefined);
    const result = await listenControlSocket({ source, orders: new FakeOrders(), clock, log, path });
    if (!result.ok) throw new Error(result.message);
    open.push(result.listener);
    const answer = status('/v1/records');
    await new Promise((resolve) => setTimeout(resolve, 200));
    await clock.advance(11_000);
    expect(await answer).toBe(504);
  });
});
