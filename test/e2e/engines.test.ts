import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Agent, type CommandResult, removeAgents } from '../kit/agent.ts';
import { type Certificates, makeCertificates } from '../kit/certificates.ts';
import { servicesOf, statusOf } from '../kit/control.ts';
import { runId, TestDocker } from '../kit/docker.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { TlsProxy } from '../kit/tls-proxy.ts';
import { cli, type Document, type Documents, Registry, sees } from './lab.ts';
import { becomesReady, type RunningContainer } from './world.ts';

const NAMES = ['east', 'west'] as const;
type Name = (typeof NAMES)[number];
const ADDRESS = { east: '192.0.2.11', west: '192.0.2.12' } as const;
const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };
const ownerOf = (name: Name): string => `engines-${runId}-${name}`;

interface Side {
  readonly engine: PrivateEngine;
  readonly docker: TestDocker;
}

/** Two engines, one behind its socket and one behind TCP with client certificates, and one agent for both. */
describe('several engines in one agent', () => {
  let folder: string;
  let certificates: Certificates;
  let gate: TlsProxy;
  let registry: Registry;
  let sides: Readonly<Record<Name, Side>>;
  let webs: Readonly<Record<Name, RunningContainer>>;
  let agent: Agent;

  const settings = () => ['-c', join(folder, 'portolan.yaml')];
  const configure = async (more = ''): Promise<void> => {
    const engines = [
      { name: 'east', host: sides.east.engine.dockerHost },
      {
        name: 'west',
        host: `tcp://127.0.0.1:${gate.port}`,
        tlsVerify: true,
        certPath: join(folder, 'certs'),
      },
    ].map((entry) => ({
      ...entry,
      ownerId: ownerOf(entry.name as Name),
      advertise: [ADDRESS[entry.name as Name]],
    }));
    const yaml = `registries: [${registry.url}]\nengines: ${JSON.stringify(engines)}\nfamily: ipv4\n${more}`;
    await writeFile(join(folder, 'portolan.yaml'), yaml);
  };
  const open = async (): Promise<Side> => {
    const engine = await PrivateEngine.start();
    return { engine, docker: new TestDocker(engine.socketPath) };
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-engines-'));
    [certificates, registry, sides] = await Promise.all([
      makeCertificates(),
      Registry.start(),
      Promise.all([open(), open()]).then(([east, west]) => ({ east, west })),
    ]);
    gate = await TlsProxy.start(certificates, sides.west.engine.socketPath);
    const { ca, clientCertificate, clientKey } = certificates.files;
    await cp(ca, join(folder, 'certs/ca.pem'), { recursive: true });
    await cp(clientCertificate, join(folder, 'certs/cert.pem'));
    await cp(clientKey, join(folder, 'certs/key.pem'));
    await configure();
    // The same name on both, as compose files that are used twice give it.
    const [east, west] = await Promise.all(
      NAMES.map((name) => sides[name].docker.run({ name: 'web', ports, hostname: name })),
    );
    webs = { east: east!, west: west! };
  });

  afterAll(async () => {
    await removeAgents();
    gate.stop();
    const parts = [sides.east.engine, sides.west.engine, registry, certificates];
    await Promise.allSettled(parts.map((part) => part.remove()));
    await rm(folder, { recursive: true, force: true });
  });

  const portolan = async (...args: readonly string[]): Promise<CommandResult> =>
    await cli([...args, ...settings(), '--state-dir', join(folder, 'state')]);
  const ask = async (...args: readonly string[]): Promise<CommandResult> =>
    await cli([...args, '--state-dir', agent.stateDir]);
  /** What stands under the path of a container's name, by the engine whose address it has. */
  const shown = async (path = '/web'): Promise<Readonly<Record<string, Document>>> => {
    const records: Documents = await registry.services(path);
    return Object.fromEntries(
      NAMES.flatMap((name) =>
        Object.values(records)
          .filter(({ IP }) => IP === ADDRESS[name])
          .map((record) => [name, record] as const),
      ),
    );
  };
  const both = (record: Document) => ({
    east: { owner: ownerOf('east'), ...record },
    west: { owner: ownerOf('west'), ...record },
  });

  it('plans all of them without a write, and says which engine a line is of', async () => {
    const before = await registry.revision();
    for (const command of [['plan'], ['run', '--dry-run', '--once']]) {
      const text = await portolan(...command);
      expect(text.code, text.stdout + text.stderr).toBe(command[0] === 'plan' ? 2 : 0);
      for (const name of NAMES)
        expect(text.stdout).toMatch(new RegExp(`${name}[^]*create +/services/web/${name}`));
    }
    const json = await portolan('plan', '-o', 'json');
    const { targets } = JSON.parse(json.stdout) as {
      targets: { engine: string; lines: { key: string }[] }[];
    };
    const planned = targets.flatMap(({ engine, lines }) => lines.map(({ key }) => `${engine} ${key}`));
    const wanted = NAMES.flatMap((name) => [
      ...[`${name} /announce/web/${name}`, `${name} /services/web/${name}`],
      `${name} /hosts/${ownerOf(name)}`,
    ]);
    expect(planned.sort()).toEqual(wanted.sort());
    expect(await registry.revision()).toBe(before);
  });

  it('converges all of them by --once, and a second one writes nothing but the heartbeats', async () => {
    expect(await portolan('run', '--once')).toMatchObject({ code: 0, stderr: '' });
    expect(await shown()).toMatchObject(both({ state: 'registered' }));
    const from = registry.history.length;
    expect((await portolan('run', '--once')).code).toBe(0);
    const keys = new Set(registry.history.slice(from).map(({ key }) => key));
    const own = NAMES.flatMap((name) => [
      `/portolan/cards/${ownerOf(name)}`,
      `/portolan/hosts/${ownerOf(name)}`,
    ]);
    expect([...keys].sort()).toEqual(own.sort());
  });

  it('shows, explains and drains each by its name', async () => {
    agent = Agent.start({ args: settings() });
    await becomesReady(agent);
    expect((await statusOf(agent)).engines).toMatchObject(
      NAMES.map((name) => ({ name, owner: ownerOf(name) })),
    );
    const table = (await ask('get', 'services')).stdout.split('\n');
    expect(table[0]).toMatch(/^ENGINE/);
    for (const name of NAMES) expect(table.filter((line) => line.startsWith(`${name} `))).toHaveLength(1);
    expect((await ask('explain', 'west/web')).stdout).toMatch(/engine +west[^]*192\.0\.2\.12/);
    expect(await ask('drain', '--host', '--engine', 'east', '--wait')).toMatchObject({ code: 0, stderr: '' });
    expect(await shown()).toMatchObject({ east: { state: 'draining' }, west: { state: 'registered' } });
    expect((await ask('undrain', '--host', '--engine', 'east', '--wait')).code).toBe(0);
    expect(await shown()).toMatchObject(both({ state: 'registered' }));
  });

  it('Isolation: goes on with one while the other is away, and keeps what that one last reported', async () => {
    await sides.west.engine.kill();
    await sees(async () => {
      const away = (await statusOf(agent)).sources.filter(({ connected }) => !connected);
      expect(away.map(({ engine }) => engine)).toEqual(['west']);
    });
    const more = await sides.east.docker.run({ name: 'more', ports, hostname: 'more' });
    await sees(async () => {
      expect(await shown('/more')).toMatchObject({ east: { state: 'registered' } });
    });
    expect(await shown()).toMatchObject(both({ state: 'registered' }));
    await more.remove({ force: true });
    await sides.west.engine.start();
    await webs.west.start().catch((error: unknown) => {
      if (!String(error).includes('already started')) throw error;
    });
    await becomesReady(agent);
    await sees(async () => {
      expect(await shown()).toMatchObject(both({ state: 'registered' }));
      expect(await shown('/more')).toEqual({});
    });
  });

  it('takes settings over for all of them at SIGHUP', async () => {
    await configure('dialects: { published: { enabled: false } }\n');
    agent.kill('SIGHUP');
    await sees(async () => {
      expect(await shown()).toEqual({});
      expect(await servicesOf(agent)).toEqual([]);
    });
    await configure();
    agent.kill('SIGHUP');
    await sees(async () => {
      expect(await shown()).toMatchObject(both({ state: 'registered' }));
    });
  });

  it('withdraws what all of them offer at --deregister-on-exit, and no heartbeat is left', async () => {
    await configure('deregisterOnExit: true\n');
    agent.kill('SIGHUP');
    await agent.logged(({ applied }) => Array.isArray(applied) && applied.includes('deregisterOnExit'));
    expect(await agent.stop()).toEqual({ code: 0, signal: null });
    expect(Object.keys(await registry.dump())).toEqual([]);
  });
});
