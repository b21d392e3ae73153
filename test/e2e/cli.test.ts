import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type CommandResult, FollowedCommand } from '../kit/agent.ts';
import { cli, Lab, type Running, sees } from './lab.ts';

const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };

type Row = Readonly<Record<string, unknown>>;

describe('the commands that ask the running agent', () => {
  let lab: Lab;
  let web: Running;
  let mute: Running;
  beforeAll(async () => {
    lab = await Lab.open();
    web = await lab.run('web', { ports, labels: { 'portolan.tags': 'blue' } });
    mute = await lab.run('mute', { labels: { 'portolan.prot': '80' } });
    await lab.offers(web.path, { [web.short]: { state: 'registered' } });
    await sees(async () => {
      expect(await lab.ask('/v1/containers')).toContain(mute.name);
    });
  });
  afterAll(async () => {
    await lab.close();
  });

  const ask = async (...args: readonly string[]): Promise<CommandResult> =>
    await cli([...args, '--state-dir', lab.agent.stateDir]);
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ask(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };
  /** The line of a table that speaks about a text, in columns. */
  const columns = (table: string, about: string): readonly string[] =>
    (table.split('\n').find((line) => line.includes(about)) ?? '').split(/ {2,}/);

  it('get services: a table, a wide one, JSON and YAML', async () => {
    const port = await lab.docker.publishedPort(web.container, '80/tcp');
    const table = await ok('get', 'services');
    expect(table.split('\n')[0]).toMatch(/^PATH +TYPE +ADDRESS +CONTAINER +STATE +SINCE +WHY NOT$/);
    const address = `10.9.8.7:${port}`;
    expect(columns(table, web.path).slice(0, 5)).toEqual([web.path, 'TCP', address, web.name, 'registered']);
    const wide = await ok('get', 'services', '-o', 'wide');
    expect(wide.split('\n')[0]).toMatch(/SINCE +WHY NOT +ID +PORT +DIALECT +ANNOUNCED BY +TAGS +WEIGHT$/);
    expect(columns(wide, web.path)).toEqual(expect.arrayContaining([web.id, '80/tcp', 'blue']));
    const own = { path: web.path, address, container: web.name, state: 'registered', tags: ['blue'] };
    for (const [form, read] of [
      ['json', (text: string): unknown => JSON.parse(text)],
      ['yaml', (text: string): unknown => parse(text)],
    ] as const) {
      const rows = read(await ok('get', 'services', '-o', form)) as readonly Row[];
      expect(rows.find(({ path }) => path === web.path)).toMatchObject(own);
    }
  });

  it('get containers: published ones, and why others are not', async () => {
    const table = await ok('get', 'containers');
    expect(table.split('\n')[0]).toMatch(/^NAME +ID +IMAGE +STATE +HEALTH +SERVICES +WHY NOT$/);
    expect(columns(table, web.name).slice(1)).toEqual([
      web.short,
      'portolan-test/bb:1',
      'running',
      'none',
      '1',
      '-',
    ]);
    expect(columns(table, mute.name).at(-1)).toContain('did you mean portolan.port?');
  });

  it('get hosts and get records show what stands in the registry', async () => {
    const hosts = JSON.parse(await ok('get', 'hosts', '-o', 'json')) as readonly Row[];
    expect(hosts).toMatchObject([
      { owner: lab.owner, self: true, handover: false, target: lab.registry.url },
    ]);
    expect((hosts[0]?.['addresses'] as string[]).sort()).toEqual(['10.9.8.7', 'fd00:98::7']);
    expect(columns(await ok('get', 'hosts'), lab.owner)[2]).toBe('10.9.8.7,fd00:98::7');
    await lab.registry.put(`/services/${lab.name('foreign')}/x`, '{"of":"somebody"}');
    const records = JSON.parse(await ok('get', 'records', '-o', 'json')) as readonly Row[];
    const at = (key: string): Row | undefined => records.find((row) => row['key'] === key);
    for (const layout of ['services', 'announce'])
      expect(at(`/${layout}${web.path}/${web.short}`)).toMatchObject({ state: 'synced', owned: true });
    expect(at(`/services/${lab.name('foreign')}/x`)).toMatchObject({ state: 'foreign', owned: false });
    const wide = await ok('get', 'records', '-o', 'wide');
    expect(columns(wide, `/services${web.path}/`)[1]).toBe('synced');
    expect(wide).toContain('{"of":"somebody"}');
  });

  it('get --watch shows each new state of the list', async () => {
    const args = ['get', 'services', '-o', 'json', '--watch', '--state-dir', lab.agent.stateDir];
    const watch = FollowedCommand.start(args);
    const shown = (path: string): boolean =>
      (JSON.parse(watch.lines.at(-1) ?? '[]') as Row[]).some((row) => row['path'] === path);
    await sees(() => shown(web.path), 20_000);
    const more = await lab.run('watched', { ports });
    await sees(() => shown(more.path));
    await more.container.remove({ force: true });
    await sees(() => !shown(more.path));
    // What is gone still tells its story.
    expect(await ok('explain', more.name)).toMatch(
      /^History\n[^]*registered: the container started\n[^]*wrote [^]*expired: the container [^]*withdrew /,
    );
    expect(await watch.stop()).toEqual({ code: 0, signal: null });
  });

  it('explain tells the whole story of a published container', async () => {
    const story = await ok('explain', web.name);
    expect(story).toMatch(/^Container\n/);
    for (const heading of ['Dialects', 'Address', 'State', 'Records'])
      expect(story).toContain(`\n${heading}\n`);
    expect(story).toContain('label portolan.tags');
    expect(story).toMatch(/10\.9\.8\.7:\d+: 80\/tcp is published at 0\.0\.0\.0:\d+/);
    expect(story).toContain('registered, since');
    expect(story).toMatch(new RegExp(`/services${web.path}/${web.short} +synced, revision \\d+`));
    const view = parse(await ok('explain', web.short, '-o', 'yaml')) as Row;
    expect(view).toMatchObject({ seen: true, published: true });
    expect(await ok('explain', web.id, '-o', 'json')).toContain(`"reference": "${web.id}"`);
  });

  it('explain says why another is not published, with the nearest right label', async () => {
    const story = await ok('explain', mute.name);
    expect(story).toContain('portolan.prot is not a label of Portolan; did you mean portolan.port?');
    expect(story).toContain(`${mute.name} is not published:`);
    const stopped = await lab.create('stopped', { ports });
    expect(await ok('explain', stopped.name)).toMatch(/is not published: it does not run \(created\)/);
  });

  it('explain does not know every name, and suggests a near one', async () => {
    const { code, stdout, stderr } = await ask('explain', `${web.name}x`);
    expect(code).toBe(1);
    expect(stdout).toContain('the engine has no such container');
    expect(stderr).toContain(`Did you mean ${web.name}?`);
  });

  it('health exits with 0 while the agent is ready, and with 1 when none runs', async () => {
    expect(await ok('health')).toBe('ready\n');
    expect(await ok('health', '--live')).toBe('alive\n');
    const none = await cli(['health', '--state-dir', `${lab.agent.stateDir}/none`]);
    expect(none.code).toBe(1);
    expect(none.stderr).toMatch(/^portolan: No agent answers at .*portolan run/);
    const nothing = await cli(['get', 'services', '--state-dir', `${lab.agent.stateDir}/none`]);
    expect(nothing).toMatchObject({ code: 1, stdout: '' });
  });

  it('health exits with 1 while the registry is away, and says so', async () => {
    await lab.registry.server.pause();
    try {
      await sees(async () => {
        const { code, stdout } = await ask('health');
        expect(code).toBe(1);
        expect(stdout).toContain(lab.registry.url);
      }, 30_000);
      // What needs no registry is still answered.
      expect(columns(await ok('get', 'services'), web.path)[4]).toBe('registered');
    } finally {
      await lab.registry.server.unpause();
    }
    await sees(async () => {
      expect((await ask('health')).code).toBe(0);
    }, 30_000);
  });
});
