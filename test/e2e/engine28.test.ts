import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { servicesOf, statusOf } from '../kit/control.ts';
import type { PrivateEngine } from '../kit/engine.ts';
import { startEngine28 } from '../kit/engine28.ts';
import { eventually } from '../kit/eventually.ts';
import { keysOf, World } from './world.ts';

let engine: PrivateEngine;
let world: World;
let agent: Agent;

beforeAll(async () => {
  engine = await startEngine28();
  world = await World.open({ engine });
  agent = await world.ready();
});
afterEach(async () => {
  await world.docker.clean();
  await world.converged();
});
afterAll(async () => {
  await world.close();
  await engine.remove();
  await removeAgents();
});

const stateOf = async (key: string): Promise<unknown> => {
  const record = await world.view.get(key);
  return record === undefined ? undefined : (JSON.parse(record.value) as Record<string, unknown>)['state'];
};

describe('with the current engine', () => {
  it('the API version is negotiated, not pinned', async () => {
    const [source] = (await statusOf(agent)).sources;
    const [major = 0, minor = 0] = (source?.apiVersion ?? '').split('.').map(Number);
    expect(major).toBe(1);
    expect(minor).toBeGreaterThanOrEqual(44);
    expect(Number.parseInt(source?.engineVersion ?? '', 10)).toBeGreaterThanOrEqual(28);
  });

  it('containers are announced when they start and withdrawn when they stop, die or go', async () => {
    const [stops, dies, goes] = await Promise.all([world.serve(), world.serve(), world.serve()]);
    await world.converged();
    await Promise.all([stops.stop({ t: 2 }), dies.kill(), goes.remove({ force: true, v: true })]);
    await world.converged();
    await Promise.all([stops.start(), dies.start()]);
    await world.converged();
    expect(await servicesOf(agent)).toHaveLength(2);
  });

  it('a container that is told to stop is marked at once, and withdrawn when it is dead', async () => {
    const command = ['sh', '-c', "trap 'busybox sleep 30' TERM; while :; do busybox sleep 0.1; done"];
    const container = await world.serve({ command });
    await world.converged();
    const [service, announce] = await keysOf(container);
    const stopped = container.stop({ t: 15 });
    stopped.catch(() => undefined);
    await eventually(async () => {
      expect(await stateOf(service)).toBe('draining');
    });
    expect(await world.view.get(announce)).toBeDefined();
    await container.kill();
    await stopped.catch(() => undefined);
    await world.converged();
  });

  it('health decides what is in rotation', async () => {
    const container = await world.serve({ health: '[ -e /tmp/ok ]' });
    const [service, announce] = await keysOf(container);
    await eventually(async () => {
      expect(await world.view.get(announce)).toBeDefined();
    });
    expect(await world.view.get(service)).toBeUndefined();
    await world.docker.exec(container, 'echo >/tmp/ok');
    await eventually(async () => {
      expect(await stateOf(service)).toBe('registered');
    });
    await world.docker.exec(container, 'busybox rm /tmp/ok');
    await eventually(async () => {
      expect(await stateOf(service)).toBe('draining');
    });
    await world.docker.exec(container, 'echo >/tmp/ok');
    await eventually(async () => {
      expect(await stateOf(service)).toBe('registered');
    });
    await world.converged();
  });

  it('pause and rename are followed', async () => {
    const container = await world.serve();
    await world.converged();
    const [service] = await keysOf(container);
    await container.pause();
    await eventually(async () => {
      expect(await world.view.get(service)).toBeUndefined();
    });
    await container.unpause();
    await world.converged();
    await container.rename({ name: `${world.owner}-renamed` });
    await eventually(async () => {
      expect(await servicesOf(agent)).toMatchObject([{ container: `${world.owner}-renamed` }]);
    });
  });

  it('the engine restarted: what died goes, what comes back is announced', async () => {
    const [, comesBack] = await Promise.all([
      world.serve(),
      world.serve({ extra: { HostConfig: { RestartPolicy: { Name: 'always' } } } }),
    ]);
    await world.converged();
    await engine.restart();
    await eventually(async () => {
      expect(await servicesOf(agent)).toMatchObject([{ containerId: comesBack.id, state: 'registered' }]);
    });
    await world.converged();
  });
});
