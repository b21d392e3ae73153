import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { cli } from './lab.ts';

describe('the commands that need no agent', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-config-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, text);
    return path;
  };

  it('config check reports every error with its place and its remedy, and exits with 78', async () => {
    const path = await file('bad.yaml', 'resnyc: 10s\ndrainTime: soon\nlog:\n  level: loud\n');
    const { code, stdout, stderr } = await cli(['config', 'check', '-c', path]);
    expect(code).toBe(78);
    expect(stdout).toBe('');
    const lines = stderr.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain(`${path}:1: resnyc: is no setting; did you mean resync?`);
    expect(lines[1]).toMatch(/:2: drainTime: "soon" is not a duration/);
    expect(lines[2]).toMatch(/:4: log\.level: "loud"/);
    const run = await cli(['run', '-c', path]);
    expect(run.code).toBe(78);
    const gone = await cli(['config', 'check', '-c', join(folder, 'none.yaml')]);
    expect(gone.code).toBe(78);
    const broken = await cli(['config', 'check', '-c', await file('broken.yaml', 'a: [\n: {')]);
    expect(broken.code).toBe(78);
  });

  it('config check is content with what is right', async () => {
    const path = await file('good.yaml', 'resync: 10s\n');
    expect(await cli(['config', 'check', '-c', path])).toEqual({
      code: 0,
      stdout: 'The configuration is valid.\n',
      stderr: '',
    });
  });

  it('config print shows where each value comes from; the later source wins', async () => {
    const path = await file('some.yaml', 'resync: 10s\ndrainTime: 1m\npolicy: create-only\n');
    const env = { PORTOLAN_DRAIN_TIME: '7s', PORTOLAN_POLICY: 'sync' };
    const args = ['config', 'print', '-c', path, '--policy', 'upsert-only', '-o', 'json'];
    const { code, stdout } = await cli(args, { env });
    expect(code).toBe(0);
    const rows = JSON.parse(stdout) as { setting: string; value: unknown; origin: string }[];
    const row = (name: string) => rows.find(({ setting }) => setting === name);
    expect(row('resync')).toMatchObject({ value: '10s', origin: `${path}:1` });
    expect(row('drainTime')).toMatchObject({ value: '7s', origin: 'PORTOLAN_DRAIN_TIME' });
    expect(row('policy')).toMatchObject({ value: 'upsert-only', origin: '--policy' });
    expect(row('family')).toMatchObject({ value: 'both', origin: 'default' });
    const yaml = await cli(['config', 'print', '-c', path, '-o', 'yaml'], { env });
    expect(parse(yaml.stdout)).toMatchObject({ resync: '10s', drainTime: '7s' });
  });

  it('No secret leaks: config print, config check and errors hide every secret', async () => {
    const secrets = ['file-secret', 'env-secret', 'url-secret'];
    const registry = '{ url: "etcd://h:2379", username: u, password: file-secret }';
    const path = await file('secret.yaml', `registries: [${registry}]\nresnyc: 1s\n`);
    const env = { ETCD_PASSWORD: 'env-secret', ETCD_USERNAME: 'u' };
    const url = ['--registry', 'etcd://u:url-secret@h:2379'];
    const fine = await file('fine.yaml', `registries: [${registry}]\n`);
    const commands = [
      ['config', 'print', '-c', fine],
      ['config', 'print', '-c', fine, '-o', 'json'],
      ['config', 'print', ...url, '-o', 'yaml'],
      ['config', 'check', '-c', path],
      ['config', 'check', '--registry', 'etcd://u:url-secret@h:99999'],
      ['config', 'check', '--registry', 'http://u:url-secret@h'],
    ];
    const results = await Promise.all(commands.map((args) => cli(args, { env })));
    for (const { stdout, stderr } of results)
      for (const secret of secrets) expect(`${stdout}${stderr}`).not.toContain(secret);
    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 78, 64, 64]);
    expect(results[1]?.stdout).toContain('***');
  });

  it('config schema is a JSON Schema of the file', async () => {
    const { code, stdout } = await cli(['config', 'schema']);
    expect(code).toBe(0);
    const schema = JSON.parse(stdout) as { $schema: string; properties: Record<string, unknown> };
    expect(schema.$schema).toContain('json-schema.org');
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(['registries', 'resync', 'layouts', 'advertise', 'log']),
    );
  });

  it('version, help and wrong use', async () => {
    const version = await cli(['version']);
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toMatch(/^portolan \d+\.\d+\.\d+/);
    const help = await cli(['run', '--help']);
    expect(help.code).toBe(0);
    for (const word of ['--registry <url>', '--once', '--dry-run', 'PORTOLAN_REGISTRY'])
      expect(help.stdout).toContain(word);
    const wrong = [
      ['run', '--regsitry', 'etcd://h:2379'],
      ['fly'],
      ['get', 'nonsense'],
      ['get', 'services', '-o', 'xml'],
      ['explain'],
      ['plan', '--resync', 'soon'],
    ];
    const results = await Promise.all(wrong.map((args) => cli(args)));
    expect(results.map(({ code }) => code)).toEqual(wrong.map(() => 64));
    expect(results[0]?.stderr).toContain('--registry');
    for (const { stdout, stderr } of results) {
      expect(stdout).toBe('');
      expect(stderr).not.toBe('');
    }
  });

  it('--once refuses the embedded registry, which would be gone at the end', async () => {
    for (const args of [[], ['--registry', 'memory://']]) {
      const { code, stderr } = await cli(['run', '--once', '--state-dir', join(folder, 'state'), ...args]);
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/^portolan: .*embedded registry/);
    }
  });
});
