import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CONTAINER, FakeOrders, FakeStatus } from '../../../test/kit/status-fake.ts';
import type { Log } from '../../core/ports.ts';
import type { OrderView } from '../../core/status.ts';
import { systemClock } from '../../telemetry/clock.ts';
import { listenControlSocket } from '../../web/listen.ts';
import type { Listener } from '../../web/server.ts';
import type { CliIo } from '../io.ts';
import { runCli } from '../program.ts';

const quiet = (): void => undefined;
const nothing = (): never => {
  throw new Error('not needed here');
};
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

let folder: string;
let source: FakeStatus;
let orders: FakeOrders;
let agent: Listener;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'portolan-drain-'));
  source = new FakeStatus();
  orders = new FakeOrders();
  const path = join(folder, 'portolan.sock');
  const result = await listenControlSocket({ source, orders, clock: systemClock, log, path });
  if (!result.ok) throw new Error(result.message);
  agent = result.listener;
});

afterEach(async () => {
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `onErr` is told of each text on the standard error. */
async function cli(line: string, onErr: (text: string) => void = quiet) {
  let out = '';
  let err = '';
  const io: CliIo = {
    stdout: (text) => (out += text),
    stderr: (text) => {
      err += text;
      onErr(text);
    },
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
  };
  const code = await runCli(line.split(' '), io);
  return { code, out, err };
}

function view(acknowledged: boolean, drained = true): OrderView {
  const why = acknowledged ? undefined : 'The registry cannot be reached.';
  return {
    ...{ subject: CONTAINER.id, container: CONTAINER.name, drained, at: orders.answer.at, endpoints: 1 },
    targets: [
      { target: 'etcd://a', acknowledged: true, why: undefined },
      { target: 'etcd://b', acknowledged, why },
    ],
  };
}

describe('drain', () => {
  it('names one container or the host, and says what became of it', async () => {
    expect(await cli('drain shop-web-1')).toEqual({ code: 0, out: 'shop-web-1 is drained.\n', err: '' });
    orders.answer = { ...orders.answer, container: undefined, repeated: true, notes: ['A note.'] };
    expect((await cli('undrain --host')).out).toBe('The whole host was not drained by a command.\nA note.\n');
    expect(orders.given).toEqual([
      ['drain', { container: 'shop-web-1' }],
      ['undrain', { host: true }],
    ]);
    for (const line of ['drain', 'drain shop-web-1 --host', 'drain shop-web-1 --timeout soon'])
      expect(await cli(line)).toMatchObject({ code: 64 });
  });

  it('of a container that there is not ends with 66', async () => {
    expect(await cli('drain nobody')).toEqual({
      code: 66,
      out: '',
      err: 'portolan: The engine has no container nobody.\n',
    });
  });

  it('without an agent ends with 69', async () => {
    await agent.close();
    expect(await cli('drain shop-web-1')).toMatchObject({
      code: 69,
      err: expect.stringContaining('No agent answers') as string,
    });
  });

  it('--wait ends with 0 as soon as every target has acknowledged, and tells who is waited for', async () => {
    source.orderViews = [view(false)];
    const { code, out, err } = await cli('drain shop-web-1 --wait', () => {
      source.orderViews = [view(true)];
      source.changed();
    });
    expect({ code, out }).toEqual({
      code: 0,
      out: 'shop-web-1 is drained; every target has acknowledged it.\n',
    });
    expect(err).toBe('portolan: waiting for etcd://b: The registry cannot be reached.\n');
  });

  it('--wait ends with 75 and what is missing when the time is over', async () => {
    source.orderViews = [view(false)];
    const { code, out, err } = await cli('drain shop-web-1 --wait --timeout 300ms -o json');
    expect(code).toBe(75);
    expect(err).toContain('not acknowledged by etcd://b: The registry cannot be reached.');
    expect(JSON.parse(out)).toMatchObject({
      drained: true,
      waited: { end: 'late', missing: [{ target: 'etcd://b' }] },
    });
  });

  it('--wait ends with 76 when proxies hold the last server, and nothing else is left', async () => {
    const held = {
      target: 'edge on web-1',
      acknowledged: false,
      why: 'held: last server',
      held: true,
    } as const;
    source.orderViews = [{ ...view(true), targets: [...view(true).targets, held] }];
    expect(await cli('drain shop-web-1 --wait')).toEqual({
      code: 76,
      out: 'shop-web-1 is drained, but it serves on where it is the last server; start another, or stop it all the same.\n',
      err: 'portolan: waiting for edge on web-1: held: last server\nportolan: edge on web-1: held: last server\n',
    });
    source.orderViews = [{ ...view(false), targets: [...view(false).targets, held] }];
    expect(await cli('drain shop-web-1 --wait --timeout 300ms')).toMatchObject({ code: 75 });
  });

  it('--wait ends with 69 when the agent ends meanwhile', async () => {
    source.orderViews = [view(false)];
    const { code } = await cli('drain shop-web-1 --wait', () => {
      void agent.close();
    });
    expect(code).toBe(69);
  });

  it('--wait ends with 1 when another order came meanwhile', async () => {
    source.orderViews = [view(false, false)];
    expect(await cli('drain shop-web-1 --wait')).toMatchObject({ code: 1 });
  });

  it('undrain --wait is done when no registry has to remember anything', async () => {
    expect(await cli('undrain shop-web-1 --wait')).toMatchObject({ code: 0, err: '' });
  });
});
