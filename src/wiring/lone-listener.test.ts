import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { good } from '../../test/kit/config.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { silentLog } from '../../test/kit/haproxy.ts';
import { ask, tell } from '../cli/client.ts';
import type { Config } from '../config/config.ts';
import { systemClock } from '../telemetry/clock.ts';
import type { AgentIo } from './io.ts';
import { runListener } from './lone-listener.ts';

describe('a listener alone', () => {
  let folder: string;
  let stop: AbortController;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portolan-listen-'));
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await rm(folder, { recursive: true, force: true });
  });

  const config = (registry: readonly string[]): Config =>
    good({ flags: { registries: registry, stateDir: folder, 'http.listen': 'off' } }).config;
  const io = (): AgentIo => ({
    log: silentLog,
    clock: systemClock,
    random: () => 0.5,
    stdout: () => undefined,
    signal: stop.signal,
    version: '1.2.3',
    color: false,
  });

  it('needs a real registry, and says so', async () => {
    await expect(runListener(config([]), io())).rejects.toThrow(
      'listen needs a real registry: the embedded one is the memory of an agent',
    );
    expect(existsSync(join(folder, 'haproxy'))).toBe(false);
  });

  it('reads its configuration again without missing the proxy that nobody configured', async () => {
    const said: (readonly [message: string, fields: object])[] = [];
    const log = { ...silentLog, info: (fields: object, text: string) => said.push([text, fields]) };
    let hangUp = (): void => undefined;
    const reload: AgentIo['reload'] = {
      onRequest: (listener) => {
        hangUp = listener;
        return () => undefined;
      },
      load: () => ({ ok: true, config: config(['etcd://127.0.0.1:1']), warnings: [] }),
      setLogLevel: () => undefined,
    };
    const ended = runListener(config(['etcd://127.0.0.1:1']), { ...io(), log, reload });
    await eventually(() => said.some(([text]) => text === 'listening'));
    hangUp();
    await eventually(() => {
      expect(said).toContainEqual(['configuration read again', { applied: [] }]);
    });
    stop.abort();
    await ended;
  });

  it('lays out the files of a proxy that nobody configured, tells what it waits for, and takes no orders', async () => {
    const ended = runListener(config(['etcd://127.0.0.1:1']), io());
    const agent = { sockets: [join(folder, 'portolan.sock')] };
    await eventually(() => existsSync(join(folder, 'haproxy/conf/00-defaults.cfg')));
    expect(await ask(agent, '/readyz', stop.signal)).toEqual({
      status: 503,
      body: { ready: false, waitingFor: ['haproxy: the registry has not been read yet'] },
    });
    expect(await tell(agent, '/v1/drain', { container: 'web' }, stop.signal)).toMatchObject({
      status: 409,
      body: { error: { code: 'refused' } },
    });
    stop.abort();
    expect(await ended).toBe(0);
    expect(existsSync(agent.sockets[0] ?? '')).toBe(false);
  });
});
