import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CliResult, TestCli } from '../../test/kit/cli.ts';
import { type FakeStatus, UNSEEN } from '../../test/kit/status-fake.ts';
import type { Config } from '../config/config.ts';
import type { PlanView } from '../core/status.ts';

const CHANGES: PlanView = {
  targets: [
    {
      target: 'etcd://a:2379',
      failure: undefined,
      lines: [{ action: 'create', key: '/services/a', before: undefined, after: '{}', reason: 'started' }],
    },
  ],
  proxies: [],
};

let lab: TestCli;
let source: FakeStatus;
let started: Config[];
let listening: Config[];
let planned: () => Promise<PlanView>;

beforeEach(() => {
  started = [];
  listening = [];
  planned = () => Promise.resolve(CHANGES);
  lab = new TestCli({
    run: (config) => {
      started.push(config);
      return Promise.resolve(0);
    },
    listen: (config) => {
      listening.push(config);
      return Promise.resolve(0);
    },
    planOnce: (config) => {
      started.push(config);
      return planned();
    },
  });
  ({ source } = lab);
});
afterEach(async () => {
  await lab.remove();
});

const cli = async (
  line: string,
  env: Readonly<Record<string, string>> = {},
  onOut: (text: string) => void = () => undefined,
): Promise<CliResult> => await lab.run(line, { env, onOut });

describe('the command line', () => {
  it('does not repeat a password that was typed where there is none', async () => {
    expect(await cli('run --etcd-password=hunter2')).toEqual({
      code: 64,
      out: '',
      err: "error: unknown option '--etcd-password=***'\n",
    });
    expect(await cli('etcd://u:hunter2@a')).toEqual({
      code: 64,
      out: '',
      err: "error: unknown command 'etcd://***@a'\n",
    });
  });

  it('complains in words that cannot reach the terminal', async () => {
    expect((await cli('run --\u001b[2J')).err).toBe("error: unknown option '--\\x1b[2J'\n");
    expect((await cli(`run --${'x'.repeat(10_000)}`)).err.length).toBeLessThan(600);
  });

  it('shows its help and its exit codes', async () => {
    const { code, out } = await cli('--help');
    expect(code).toBe(0);
    for (const name of ['run', 'plan|diff', 'get', 'explain', 'health', 'config', 'version'])
      expect(out).toContain(name);
    expect(out).toMatch(/Exit codes:\n {2}0 [^]*78 {3}the configuration has errors/);
  });

  it('refuses wrong use with 64 and says what would be right', async () => {
    expect(await cli('')).toMatchObject({ code: 64 });
    expect(await cli('get sevices')).toMatchObject({
      code: 64,
      err: expect.stringContaining('services, containers') as string,
    });
    expect(await cli('run --resinc 5s')).toMatchObject({
      code: 64,
      err: expect.stringContaining('--resync') as string,
    });
    expect(await cli('plam')).toMatchObject({ code: 64, err: expect.stringContaining('plan') as string });
    expect(await cli('get services -o xml')).toMatchObject({ code: 64 });
    expect(await cli('run --resync soon')).toMatchObject({
      code: 64,
      err: 'portolan: --resync: resync: "soon" is not a duration; write a number and a unit, such as 250ms, 15s or 5m\n',
    });
  });

  it('refuses a wrong configuration with 78, naming all that is wrong', async () => {
    const { code, err } = await cli('run --policy sync', {
      PORTOLAN_POLICY: 'x',
      PORTOLAN_RESYNC: 'x',
      PORTOLAN_ONCE: 'x',
    });
    expect(code).toBe(78);
    expect(err.match(/^portolan: PORTOLAN_(?:ONCE|RESYNC): /gm)).toHaveLength(2);
    expect(started).toEqual([]);
  });

  it('writes out control characters of what it complains about', async () => {
    const { err } = await cli('run', { PORTOLAN_POLICY: '\u001b[2J\u009b' });
    expect(err).toContain('\\u001b[2J\\x9b');
  });

  it('prints its version', async () => {
    expect((await cli('version')).out).toMatch(/^portolan 1\.2\.3 \(node /);
    expect((await cli('--version')).out).toBe('1.2.3\n');
  });
});

describe('run', () => {
  it('hands the configuration to the agent', async () => {
    expect(
      await cli('run --registry etcd://a,b --registry etcd://c --drain-time 5s --no-once', {
        PORTOLAN_ONCE: 'true',
      }),
    ).toMatchObject({ code: 0 });
    expect(started[0]).toMatchObject({
      drainTime: 5000,
      once: false,
      registries: [{ name: 'etcd://a:2379,b:2379' }, { name: 'etcd://c:2379' }],
    });
  });
});

describe('without an agent', () => {
  it.each(['get services', 'explain x', 'health', 'plan'])(
    '%s names the socket and how to start one',
    async (line) => {
      const { code, err } = await cli(line);
      expect(code).toBe(1);
      expect(err).toBe(
        `portolan: No agent answers at ${lab.folder}/portolan.sock. Start one with "portolan run", or name the socket of the one that runs with --control-socket.\n`,
      );
    },
  );

  it('an ordinary user is told of the socket of the machine too, unless one was named', async () => {
    expect((await cli('health', { PORTOLAN_STATE_DIR: '' })).err).toMatch(
      /\.local\/state\/portolan\/portolan\.sock or \/var\/lib/,
    );
    expect((await cli('health --control-socket /nowhere', { PORTOLAN_STATE_DIR: '' })).err).toMatch(
      /at \/nowhere\. /,
    );
  });

  it('a socket behind which something else answers is not taken for an agent', async () => {
    writeFileSync(join(lab.folder, 'portolan.sock'), '');
    expect(await cli('health')).toMatchObject({
      code: 1,
      err: expect.stringContaining('No agent answers') as string,
    });
  });
});

describe('with an agent', () => {
  beforeEach(() => lab.startAgent());

  it('get shows lists in every form', async () => {
    expect((await cli('get services')).out).toMatch(/^PATH .*\n\/shop\/web /);
    expect((await cli('get records -o wide')).out).toContain('{"ID":"0ce60d000eac"}');
    expect(JSON.parse((await cli('get containers -o json')).out)).toMatchObject([{ name: 'shop-web-1' }]);
    expect((await cli('get hosts -o yaml')).out).toMatch(/^- target: memory/);
  });

  it('get --watch follows changes until it is stopped', async () => {
    const seen: string[] = [];
    const watching = cli('get services --watch -o json', {}, (text) => seen.push(text));
    await expect.poll(() => seen.length).toBe(1);
    source.serviceViews = [];
    source.changed();
    await expect.poll(() => seen.length).toBe(2);
    expect(seen[1]).toBe('[]\n');
    lab.stop.abort();
    expect(await watching).toMatchObject({ code: 0, err: '' });
  });

  it('get --watch says so when the agent ends', async () => {
    const seen: string[] = [];
    const watching = cli('get services --watch', {}, (text) => seen.push(text));
    await expect.poll(() => seen.length).toBe(1);
    await lab.stopAgent();
    expect(await watching).toMatchObject({
      code: 1,
      err: expect.stringContaining('closed the connection') as string,
    });
  });

  it('explain of an unknown container suggests the one that was meant', async () => {
    source.explainView = UNSEEN;
    expect(await cli('explain shop-wbe-1')).toMatchObject({ code: 1, err: 'Did you mean shop-web-1?\n' });
    expect(source.asked).toEqual(['shop-wbe-1']);
    source.explainView = { ...UNSEEN, history: source.historyOf('shop-web-1') };
    const gone = await cli('explain shop-web-1');
    expect(gone).toMatchObject({ code: 0, err: '' });
    expect(gone.out).toMatch(/^History\n/);
  });

  it('health is 0 when ready, else 1 with what it waits for', async () => {
    expect(await cli('health')).toMatchObject({ code: 0, out: 'ready\n' });
    source.view = { ...source.view, ready: false, waitingFor: ['etcd\u001b: not listed'] };
    expect(await cli('health')).toMatchObject({
      code: 1,
      out: 'not ready, waiting for:\n  etcd\\x1b: not listed\n',
    });
    expect(await cli('health --live')).toMatchObject({ code: 0, out: 'alive\n' });
  });

  it('plan asks it, and is 0 without changes, 2 with some, 1 when a part is missing', async () => {
    expect(await cli('plan')).toMatchObject({ code: 0 });
    source.planView = CHANGES;
    expect(await cli('diff')).toMatchObject({ code: 2, out: expect.stringContaining('+ create') as string });
    const failure = { kind: 'transient', code: 'registry-unreachable', message: 'away' } as const;
    source.planView = { targets: [...CHANGES.targets, { target: 'b', failure, lines: [] }], proxies: [] };
    expect(await cli('plan')).toMatchObject({
      code: 1,
      out: expect.stringContaining('cannot be observed') as string,
    });
    expect(started).toEqual([]);
  });
});

describe('plan with a real registry', () => {
  it('makes a pass of its own that cannot write', async () => {
    const { code, out } = await cli('plan --registry etcd://a -o json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toEqual(JSON.parse(JSON.stringify(CHANGES)));
    expect(started[0]).toMatchObject({ dryRun: true, once: true });
  });

  it('lets what nobody expected pass to whoever reports it', async () => {
    planned = () => Promise.reject(new Error('broken'));
    await expect(cli('plan --registry etcd://a')).rejects.toThrow('broken');
  });
});

describe('listen', () => {
  it('serves proxies alone, for the paths of LISTEN_PATH', async () => {
    const env = { LISTEN_PATH: '/services/internal/app1/dev,/services/internal/app1/sit' };
    expect(await cli('listen --registry etcd://a', env)).toMatchObject({ code: 0, err: '' });
    expect(started).toEqual([]);
    expect(listening[0]).toMatchObject({
      listenPath: ['/services/internal/app1/dev/', '/services/internal/app1/sit/'],
      registries: [{ name: 'etcd://a:2379' }],
    });
  });

  it('has no flags of an agent, and says which path is none', async () => {
    expect(await cli('listen --docker-host tcp://a')).toMatchObject({ code: 64 });
    const { code, err } = await cli('listen', { LISTEN_PATH: 'internal' });
    expect(code).toBe(78);
    expect(err).toContain(
      'LISTEN_PATH: listenPath[0]: "internal" does not begin with /; write a path such as /services',
    );
  });
});

describe('config', () => {
  it('check says that all is well, with its warnings beside', async () => {
    expect(await cli('config check', { PORTOLAN_X: '1' })).toMatchObject({
      code: 0,
      out: 'The configuration is valid.\n',
      err: expect.stringMatching(/^portolan: warning: PORTOLAN_X: /) as string,
    });
  });

  it('print shows values and origins, needs no files of secrets, and no secret is in it', async () => {
    const env = { PORTOLAN_REGISTRY: 'etcds://u:hunter2@a', ETCD_PASSWORD: 'hunter2' };
    for (const form of ['text', 'json', 'yaml']) {
      const { code, out, err } = await cli(
        `config print -o ${form} --etcd-ca /nowhere --etcd-username u`,
        env,
      );
      expect([code, `${out}${err}`.includes('hunter2'), out.includes('/nowhere')]).toEqual([0, false, true]);
    }
    const { out } = await cli('config print --etcd-username u', env);
    expect(out).toMatch(/^etcd\.password +\*\*\* +ETCD_PASSWORD$/m);
    expect(out).toMatch(/^etcd\.username +u +--etcd-username$/m);
  });

  it('schema prints JSON', async () => {
    expect(JSON.parse((await cli('config schema')).out)).toMatchObject({
      type: 'object',
      additionalProperties: false,
    });
  });
});
