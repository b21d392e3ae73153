import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Agent, type CommandResult } from '../kit/agent.ts';
import { PrivateEngine } from '../kit/engine.ts';
import { freePort } from '../kit/ports.ts';
import { cli, Lab, type Running, sees } from './lab.ts';

const ports = { '80/tcp': { HostIp: '0.0.0.0', HostPort: '' } };

interface Plan {
  readonly targets: readonly {
    readonly failure?: { readonly code: string };
    readonly lines: readonly { readonly action: string; readonly key: string; readonly reason: string }[];
  }[];
}

/** An engine of its own: on the machine's, other containers come and go, and a plan is never empty for sure. */
describe('plan, --once and --dry-run', () => {
  let engine: PrivateEngine;
  let lab: Lab;
  let folder: string;
  let web: Running;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'portolan-plan-'));
    engine = await PrivateEngine.start();
    lab = await Lab.prepare({ socketPath: engine.socketPath });
    web = await lab.run('web', { ports });
  });
  afterAll(async () => {
    try {
      await lab.close();
    } finally {
      await engine.remove();
      await rm(folder, { recursive: true, force: true });
    }
  });

  const portolan = async (...args: readonly string[]): Promise<CommandResult> =>
    await cli([...args, ...lab.settings, '--state-dir', join(folder, 'state')], { env: lab.env });
  const lines = ({ stdout }: CommandResult) =>
    (JSON.parse(stdout) as Plan).targets.flatMap((its) => its.lines);

  /** Neither a write nor a lease: the registry is as if nobody had been there. */
  const unmoved = async (act: () => Promise<void>): Promise<void> => {
    const [before, leases] = [await lab.registry.server.revision(), await lab.registry.leases()];
    await act();
    expect(await lab.registry.server.revision()).toBe(before);
    // That of an earlier pass may end meanwhile.
    expect(await lab.registry.leases()).toBeLessThanOrEqual(leases);
  };

  it('shows what would be created and why, in every form, and exits with 2', async () => {
    await unmoved(async () => {
      const text = await portolan('plan');
      expect(text).toMatchObject({ code: 2, stderr: '' });
      expect(text.stdout).toContain(lab.registry.url);
      expect(text.stdout).toMatch(
        new RegExp(`\\+ create +/services${web.path}/${web.short}  # the container started`),
      );
      expect(text.stdout).toMatch(/Plan: \d+ to create\./);
      const json = await portolan('plan', '-o', 'json');
      expect(json.code).toBe(2);
      const keys = lines(json).map(({ action, key }) => `${action} ${key}`);
      expect(keys).toEqual([
        `create /announce${web.path}/${web.short}`,
        `create /hosts/${lab.owner}`,
        `create /services${web.path}/${web.short}`,
      ]);
      const yaml = await portolan('plan', '-o', 'yaml');
      expect(yaml.code).toBe(2);
      expect(parse(yaml.stdout)).toEqual(JSON.parse(json.stdout));
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('Dry run cannot write: it prints each new plan and leaves revision, leases and state folder alone', async () => {
    await unmoved(async () => {
      const args = [...lab.settings, '--dry-run'];
      const agent = Agent.start({ args, env: lab.env, stateDir: join(folder, 'dry') });
      await sees(() => {
        expect(agent.output.join('\n')).toContain(`/services${web.path}/${web.short}`);
      }, 20_000);
      const more = await lab.run('dry', { ports });
      await sees(() => {
        expect(agent.output.join('\n')).toContain(`/services${more.path}/${more.short}`);
      });
      await more.container.remove({ force: true });
      expect(await agent.stop()).toEqual({ code: 0, signal: null });
      const once = await portolan('run', '--dry-run', '--once');
      expect(once).toMatchObject({ code: 0, stderr: '' });
      expect(once.stdout).toContain(`/services${web.path}/${web.short}`);
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('Convergence: --once brings the registry up to date and exits with 0; then plan exits with 0', async () => {
    const once = await portolan('run', '--once');
    expect(once).toMatchObject({ code: 0, stderr: '' });
    await lab.offers(web.path, { [web.short]: { state: 'registered' } });
    const after = await portolan('plan');
    expect(after.stdout).toContain('No changes.');
    expect(after.code).toBe(0);
  });

  it('Idempotence: a second --once writes nothing but the heartbeat', async () => {
    const from = lab.registry.history.length;
    expect((await portolan('run', '--once')).code).toBe(0);
    const keys = new Set(lab.registry.history.slice(from).map(({ key }) => key));
    expect([...keys].sort()).toEqual([`/portolan/cards/${lab.owner}`, `/portolan/hosts/${lab.owner}`]);
  });

  it('tells what it would update, delete and leave alone, each with its reason', async () => {
    const doomed = await lab.run('doomed', { ports });
    expect((await portolan('run', '--once')).code).toBe(0);
    await doomed.container.remove({ force: true });
    await lab.registry.put(`/services${web.path}/${web.short}`, '{"altered":true}');
    const disputed = await lab.run('disputed', { ports, hostname: 'theirs' });
    await lab.registry.put(`/services${disputed.path}/theirs`, 'not ours');
    await unmoved(async () => {
      const result = await portolan('plan', '-o', 'json');
      expect(result.code).toBe(2);
      const reasons = Object.fromEntries(
        lines(result).map(({ action, key, reason }) => [`${action} ${key}`, reason]),
      );
      expect(reasons).toMatchObject({
        [`update /services${web.path}/${web.short}`]: 'a complete read showed a difference',
        [`delete /services${doomed.path}/${doomed.short}`]: 'our record, but no container offers it any more',
        [`leave /services${disputed.path}/theirs`]: 'somebody else created the record at this key',
        [`create /announce${disputed.path}/theirs`]: 'the container started',
      });
    });
    await disputed.container.remove({ force: true });
  });

  it('exits with 1 when the registry or the engine cannot be observed', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const away = await cli(['plan', '--registry', `etcd://${nobody}`, '--owner-id', 'o'], { env: lab.env });
    expect(away.code).toBe(1);
    expect(away.stdout).toContain('cannot be observed');
    const socket = { DOCKER_HOST: `unix://${folder}/none.sock` };
    const blind = await cli(['plan', '--registry', lab.registry.url, '--owner-id', 'o'], { env: socket });
    expect(blind.code).toBe(1);
    expect(blind.stderr).toMatch(/engine/);
    const alone = await cli(['plan', '--state-dir', join(folder, 'none')], { env: lab.env });
    expect(alone.code).toBe(1);
    expect(alone.stderr).toContain('portolan run');
  });

  it('asks the running agent when no registry is named', async () => {
    const agent = await lab.startAgent();
    await lab.offers(web.path, { [web.short]: { state: 'registered' } });
    await sees(async () => {
      const result = await agent.ask('plan', '-o', 'json');
      expect(lines(result)).toEqual([]);
      expect(result.code).toBe(0);
    }, 30_000);
    // Whoever names the registry makes a pass beside the agent, and comes to the same end without disturbing it.
    await unmoved(async () => {
      const beside = await portolan('plan');
      expect(beside.stdout).toContain('No changes.');
      expect(beside.code).toBe(0);
    });
  });
});
