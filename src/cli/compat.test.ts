import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, TestCli } from '../../test/kit/cli.ts';
import type { Config } from '../config/config.ts';

const FILES = {
  '/r.yml': 'interval: 5000\nbackend: etcd://a:4001\n',
  '/r.env': 'INTERVAL=6000\n',
};

let lab: TestCli;
let started: Config[];

beforeEach(() => {
  started = [];
  lab = new TestCli({
    run: (config) => {
      started.push(config);
      return Promise.resolve(0);
    },
  });
});
afterEach(async () => {
  await lab.remove();
});

const cli = async (line: string, env: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
  await lab.run(line, { env, files: FILES });

describe('the command line of service-registrar', () => {
  it('goes on working behind the switch', async () => {
    const line =
      '-c /r.yml run --compat=service-registrar -H fury -a 10.0.0.9 -B etcd://b:4001 -i 7000 -t 20000 -e /r.env';
    expect(await cli(line)).toMatchObject({ code: 0 });
    expect(started[0]).toMatchObject({
      resync: 7000,
      leaseTtl: 20_000,
      advertise: [{ ip: '10.0.0.9' }],
      registries: [{ url: 'etcd://b:4001' }],
    });
  });

  it('goes on working in its long form, with the switch in the environment', async () => {
    const line = '--config /r.yml run --environment /r.env --debug';
    expect(await cli(line, { PORTOLAN_COMPAT: 'service-registrar' })).toMatchObject({ code: 0 });
    expect(started[0]).toMatchObject({ resync: 6000, log: { level: 'debug' } });
  });

  it('is an error without the switch', async () => {
    const { code, err } = await cli('run -B etcd://u:hunter2@b:4001');
    expect(code).toBe(64);
    expect(err).toBe(
      "portolan: -B: backend: is a name of service-registrar; add --compat=service-registrar to have it read, or use one of today's names: registries, PORTOLAN_REGISTRY, --registry\n",
    );
    expect(started).toEqual([]);
  });

  it('shows what becomes of it: as notes, by origin, and as a file of today', async () => {
    const checked = await cli('config check -c /r.yml --compat service-registrar -i 7000');
    expect(checked).toMatchObject({ code: 0, out: 'The configuration is valid.\n' });
    expect(checked.err).toContain(
      "portolan: note: -i: is read as resync: 7s; today's names: resync, PORTOLAN_RESYNC, --resync\n",
    );
    const printed = await cli('config print -c /r.yml --compat service-registrar');
    expect(printed.out).toMatch(/^resync +5s +\/r\.yml:1 \(interval\)$/m);
    expect(printed.out).toMatch(/^leaseTtl +12s +default of service-registrar$/m);
    const { out } = await cli('config print -c /r.yml --compat service-registrar -o yaml');
    expect(out).not.toMatch(/^compat:/m);
    expect(out).toContain('resync: 5s # /r.yml:1 (interval)');
  });
});
