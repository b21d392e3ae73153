import { rm, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/ports.ts';
import { RouteTable } from '../../src/core/route-table.ts';
import { OwnFolder } from '../../src/proxy/files.ts';
import type { Haproxy } from '../../src/proxy/haproxy/haproxy.ts';
import type { HaproxySettings } from '../../src/proxy/haproxy/settings.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../kit/eventually.ts';
import { HAPROXY_VERSIONS, HaproxyLab, haproxyProgram } from '../kit/haproxy.ts';
import { routeRecord } from '../kit/route-records.ts';
import { get, WebServer } from '../kit/web-server.ts';

const signal = new AbortController().signal;

/** Ten times as fast, for what is only given up after a while. */
const hurried: Clock = {
  now: () => systemClock.now(),
  monotonic: () => systemClock.monotonic() * 10,
  timer: (delayMs, run) => systemClock.timer(delayMs / 10, run),
};

describe.each(HAPROXY_VERSIONS)('HAProxy %s that does not do as it is told', (version) => {
  let lab: HaproxyLab;
  let web: WebServer;
  const table = new RouteTable(30_000);
  const own = { settings: { balance: 'leastconn' } } as const;

  const begin = async (): Promise<void> => {
    web = await WebServer.start('one');
    lab = await HaproxyLab.create(version);
    table.list({ records: [at('/a/web')], alive: () => true }, 0);
    const proxy = lab.adapter();
    expect(await proxy.writer?.prepare()).toMatchObject({ ok: true });
    await lab.start();
    expect(await pass(proxy)).toMatchObject({ type: 'settled' });
    // From now on a service stands there that takes a reload.
    table.list({ records: [at('/a/web'), at('/b/web', own)], alive: () => true }, 0);
  };
  afterEach(async () => {
    await lab.close();
    await web.stop();
  });

  const at = (path: string, over = {}) =>
    routeRecord(path, 's', { ip: '127.0.0.1', port: web.port, ...over });
  const adapter = (settings: Partial<HaproxySettings>): Haproxy => lab.adapter({ settings, clock: hurried });
  const pass = async (proxy: Haproxy) => {
    expect(await proxy.observe(signal)).toMatchObject({ ok: true });
    return (await proxy.writer?.apply(proxy.plan(table, undefined), signal))?.rest;
  };
  const files = (): Promise<ReadonlyMap<string, string>> => new OwnFolder(lab.folder).read(['conf', 'maps']);
  const answer = async (host: string): Promise<string | number> => {
    const { status, body } = await get(lab.port, host);
    return status === 200 ? body : status;
  };
  /** As the loop does: until it is done. */
  const retried = async (proxy: Haproxy): Promise<void> => {
    await eventually(async () => {
      await pass(proxy);
      expect(await answer('web.b')).toBe('one');
    });
    expect(await proxy.observe(signal)).toMatchObject({ ok: true });
    expect(proxy.plan(table, undefined).lines).toEqual([]);
    expect(await answer('web.a')).toBe('one');
  };

  it('finds the new configuration invalid: it says why, nothing is changed, and the next try goes on', async () => {
    await begin();
    const before = await files();
    const bad = `${lab.folder}/bad.cfg`;
    await writeFile(bad, 'backend x\n  balance nonsense\n');
    const proxy = adapter({ check: [haproxyProgram(version), '-c', '-f', bad, '-f'] });
    expect(await pass(proxy)).toMatchObject({
      type: 'retry',
      failure: {
        code: 'proxy-invalid',
        message: expect.stringMatching(/bad\.cfg:2\] : balance only supports/) as string,
      },
    });
    expect(proxy.counters.reloads).toBe(0);
    expect(await files()).toEqual(before);
    expect(await answer('web.a')).toBe('one');
    await rm(bad);
    await writeFile(bad, '');
    await retried(proxy);
    expect(proxy.counters.reloads).toBe(1);
  });

  it('does not take the new configuration: it goes on, the files are the last good ones, and the reason is told', async () => {
    await begin();
    const before = await files();
    const process = await lab.adapter().probe(signal);
    // What the check would have found the process finds.
    const proxy = adapter({ check: ['true'], retryOn: ['nonsense'] });
    const outcome = await pass(proxy);
    expect(outcome).toMatchObject({ type: 'retry', failure: { code: 'proxy-not-reloaded' } });
    if (version !== '2.6') expect(JSON.stringify(outcome)).toContain('nonsense');
    expect(await files()).toEqual(before);
    expect(await lab.adapter().probe(signal)).toEqual(process);
    expect(await answer('web.a')).toBe('one');
    await retried(lab.adapter());
  });

  it('is never reloaded by what should do so: that is noticed, taken back in the files, and tried again', async () => {
    await begin();
    const before = await files();
    const script = `${lab.folder}/reload.sh`;
    await writeFile(script, 'exit 0\n');
    const proxy = adapter({ reload: { type: 'command', argv: ['/bin/sh', script] } });
    expect(await pass(proxy)).toMatchObject({
      type: 'retry',
      failure: {
        code: 'proxy-not-reloaded',
        message: expect.stringContaining('no other process answers') as string,
      },
    });
    expect(await files()).toEqual(before);
    await writeFile(script, 'echo broken; exit 3\n');
    expect(await pass(proxy)).toMatchObject({
      failure: { message: expect.stringMatching(/ended with 3: broken/) as string },
    });
    expect(await files()).toEqual(before);
    await writeFile(script, `kill -USR2 ${String(lab.pid)}\n`);
    await retried(proxy);
  });
});
