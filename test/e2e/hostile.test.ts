import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerSpec } from '../kit/docker.ts';
import { cli, Lab, sees } from './lab.ts';

const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };
const withLabels = (labels: Record<string, string>): ContainerSpec => ({ ports, labels });
const withEnv = (env: Record<string, string>): ContainerSpec => ({ ports, env: { PORT: '80', ...env } });

/** Paths that can be no path, whoever says them. */
const badPaths: Readonly<Record<string, string>> = {
  newline: '/a\n    server evil 192.0.2.1:80\n',
  return: '/a\rb',
  up: '/../../portolan/hosts/evil',
  inside: '/a/../b',
  dot: '/a/./b',
  slashes: '/////',
  backslash: '/a\\..\\b',
  nul: '/a\u0000b',
  percent: '/a/%2e%2e/%00',
  escape: '/a/\u001b[2J\u001b[31mred',
  unicode: '/日本/ü',
  direction: '/a/\u202egpj.exe',
  shell: '/a/$(id)`id`;id|id&',
  quotes: `/a/"'{}<>`,
  blank: '/a b/c',
  long: `/${'x'.repeat(10_000)}`,
  deep: '/a'.repeat(5000),
};

/** What is wrong here leaves something out, or is cleaned, but the container stays publishable. */
const odd: Readonly<Record<string, ContainerSpec>> = {
  tags: withLabels({ 'portolan.tags': 'a\nb,"c",$(id)', 'portolan.type': 'HTTP\r\nX: y' }),
  weight: withLabels({ 'portolan.weight': '9'.repeat(10_000) }),
  unknown: withLabels({ [`portolan.${'k'.repeat(10_000)}`]: 'v', 'portolan.a\nb': 'v', 'portolan.': 'v' }),
  ports: withLabels({ 'portolan.99999.path': '/x', 'portolan.80/icmp.path': '/x', 'portolan.-1.path': '/x' }),
  hostname: { ports, hostname: '../../etc' },
  'hostname-blank': { ports, hostname: 'a b\tc' },
  variables: withEnv({
    [`ANNOUNCE_${'X'.repeat(5000)}`]: 'v',
    'ANNOUNCE_\u001b[2J': 'v',
    ANNOUNCE_80_TYPE: '\n',
  }),
};

const unsafe = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
const goodKey = /^(\/[A-Za-z0-9._~:@+=-]{1,128})+$/;

describe('hostile metadata', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open({ args: ['--log-level', 'debug'] });
  });
  afterAll(async () => {
    await lab.close();
  });

  /** Nothing that is ours to answer for left its prefix, and no line of the log was broken. */
  const unharmed = async (): Promise<void> => {
    for (const key of Object.keys(await lab.registry.dump())) {
      expect(key).toMatch(/^\/(services|announce|hosts|portolan)\//);
      expect(key).toMatch(goodKey);
      expect(key.split('/')).not.toContain('..');
    }
    // `owners`, `hosts`, `cards` and `drains` carry the owner where metadata could have put something else.
    for (const key of Object.keys(await lab.registry.dump('/portolan/')))
      expect(key).toMatch(new RegExp(`^/portolan/(owners|hosts|cards|drains)/${lab.owner}(/|$)`));
    expect(lab.agent.log).toHaveLength(lab.agent.output.length);
    for (const line of lab.agent.output) expect(line).not.toMatch(unsafe);
  };

  /** What people see of a container is safe for a terminal. */
  const shown = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await cli([...args, '--state-dir', lab.agent.stateDir]);
    expect(`${stdout}${stderr}`).not.toMatch(unsafe);
    return stdout;
  };

  it('Isolation: publishes the good containers beside many bad ones and explains each bad one', async () => {
    const bad = await Promise.all(
      Object.entries(badPaths).flatMap(([name, path]) => [
        lab.run(`label-${name}`, withLabels({ 'portolan.path': path })),
        // The kernel takes no NUL in an environment.
        ...(name === 'nul' ? [] : [lab.run(`env-${name}`, withEnv({ ANNOUNCE_PATH: path }))]),
      ]),
    );
    const good = await lab.run('good', { ports });
    await lab.offers(good.path, { [good.short]: { state: 'registered' } });
    const rows = JSON.parse(await lab.ask('/v1/containers')) as {
      name: string;
      published: boolean;
      why?: string;
    }[];
    for (const { name, path } of bad) {
      expect(await lab.services(path)).toEqual({});
      expect(rows.find((row) => row.name === name)).toMatchObject({ published: false });
      expect(rows.find((row) => row.name === name)?.why).toMatch(/portolan\.path|ANNOUNCE_PATH/);
    }
    const story = await shown('explain', lab.name('label-escape'));
    expect(story).toContain('is not published: portolan.path:');
    expect((await lab.explain(lab.name('label-long'))).length).toBeLessThan(10_000);
    await unharmed();
  });

  it('publishes a container whose other metadata is rubbish, and says what is wrong with it', async () => {
    const all = await Promise.all(
      Object.entries(odd).map(async ([name, spec]) => await lab.run(`odd-${name}`, spec)),
    );
    for (const { path, short } of all) await lab.offers(path, { [short]: { TYPE: 'TCP', tags: [] } });
    expect(await shown('explain', lab.name('odd-tags'))).toMatch(/portolan\.tags.*\n.*portolan\.type/s);
    expect(await lab.explain(lab.name('odd-ports'))).toContain('99999 is not a port');
    expect((await lab.explain(lab.name('odd-unknown'))).length).toBeLessThan(10_000);
    await unharmed();
  });

  it('cleans names of compose, which nobody meant as a path', async () => {
    const project = lab.name('../../portolan/hosts');
    const labels = {
      'com.docker.compose.project': project,
      'com.docker.compose.service': 'web\n../日本',
    };
    const { short } = await lab.run('compose', { ports, labels });
    await lab.offers(`/${project.replaceAll('/', '-')}`, { [`web-..---/${short}`]: {} });
    await unharmed();
  });

  it('prints nothing unsafe in any list, in any form', async () => {
    const lists = { services: 'wide', containers: 'yaml', records: 'table' };
    await Promise.all(Object.entries(lists).map(([what, form]) => shown('get', what, '-o', form)));
    await shown('plan', '-o', 'text');
    const { stdout } = await cli(['health', '--state-dir', lab.agent.stateDir]);
    expect(stdout).toBe('ready\n');
  });

  it('No secret leaks: values nobody asked for are in no record, no log and no explanation', async () => {
    const secret = `hunter2-${randomUUID()}`;
    const env = {
      DB_PASSWORD: secret,
      ANNOUNCE_SECRET: secret,
      ANNOUNCE_PAHT: secret,
      ANNOUNCE_80_TOKEN: secret,
      ANNOUNCE_PATH: `/${lab.name('secretive')}`,
      PORT: '80',
    };
    const labels = { 'portolan.paht': secret, 'portolan.token': secret, token: secret };
    const { short, name } = await lab.run('secretive', { ports, env, labels });
    await lab.offers(`/${name}`, { [short]: { state: 'registered' } });
    const views = ['services', 'containers', 'records', 'plan', 'status', `explain/${name}`];
    const seen = [
      await shown('explain', name),
      ...(await Promise.all(views.map(async (view) => await lab.ask(`/v1/${view}`)))),
    ];
    expect(seen[0]).toContain('portolan.paht is not a label of Portolan; did you mean portolan.path?');
    expect(seen[0]).toContain('ANNOUNCE_PAHT');
    await sees(() => {
      expect(lab.agent.output.join('\n')).toContain(name);
    });
    const text = [...seen, JSON.stringify(await lab.registry.dump()), ...lab.agent.output].join('\n');
    expect(text).not.toContain(secret);
    expect(JSON.stringify(lab.registry.history)).not.toContain(secret);
  });
});
