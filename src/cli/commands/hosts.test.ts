import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeOrders, FakeStatus } from '../../../test/kit/status-fake.ts';
import type { Log } from '../../core/ports.ts';
import { systemClock } from '../../telemetry/clock.ts';
import { listenControlSocket } from '../../web/listen.ts';
import type { Listener } from '../../web/server.ts';
import { runCli } from '../program.ts';

const quiet = (): void => undefined;
const nothing = (): never => {
  throw new Error('not needed here');
};
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

let folder: string;
let agent: Listener;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-hosts-'));
  const path = join(folder, 'portolan.sock');
  const options = { source: new FakeStatus(), orders: new FakeOrders(), clock: systemClock, log, path };
  const result = await listenControlSocket(options);
  if (!result.ok) throw new Error(result.message);
  agent = result.listener;
});

afterEach(async () => {
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
});

async function cli(line: string) {
  let [out, err] = ['', ''];
  const code = await runCli(line.split(' '), {
    stdout: (text) => (out += text),
    stderr: (text) => (err += text),
    terminal: false,
    color: false,
    env: { PORTOLAN_STATE_DIR: folder },
    machine: { uid: 1000, home: folder, stateHome: undefined, runtimeDir: undefined, readFile: nothing },
    clock: systemClock,
    random: () => 0.5,
    version: '1.2.3',
    signal: new AbortController().signal,
    openLog: nothing,
    onHangUp: () => quiet,
    agent: { run: nothing, listen: nothing, planOnce: nothing },
  });
  return { code, out, err };
}

describe('hosts remove', () => {
  it('says what was removed from which registry', async () => {
    const out =
      'gone is removed from etcd://a, with 1 record.\ngone is removed from etcd://b, with 0 records.\n';
    expect(await cli('hosts remove gone')).toEqual({ code: 0, out, err: '' });
    const forced = await cli('hosts remove gone --force -o json');
    expect(JSON.parse(forced.out)).toMatchObject({
      owner: 'gone',
      targets: [{ records: 3 }, { records: 0 }],
    });
  });

  it('ends with 69 where no agent answers', async () => {
    await agent.close();
    expect((await cli('hosts remove gone')).code).toBe(69);
  });

  it('ends with 66 for a host that nobody knows', async () => {
    expect(await cli('hosts remove nobody')).toMatchObject({
      code: 66,
      err: 'portolan: No registry knows a host nobody.\n',
    });
  });

  it('reports a refusal, and what cannot be an owner id', async () => {
    expect(await cli('hosts remove alive')).toEqual({
      code: 1,
      out: '',
      err: 'portolan: alive stays: its agent runs.\n',
    });
    expect(await cli('hosts remove ../hosts')).toMatchObject({
      code: 1,
      err: expect.stringContaining('is no owner id') as string,
    });
  });
});
