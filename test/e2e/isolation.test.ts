import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../kit/ports.ts';
import { Lab, Registry, sees } from './lab.ts';

const on = (HostIp: string) => ({ '80/tcp': { HostIp, HostPort: '' } });
const ports = on('0.0.0.0');

interface Story {
  readonly endpoints: readonly {
    readonly records: readonly { readonly target: string; readonly state: string }[];
  }[];
}

/** Every registry of one agent at once: what becomes of one is nothing to the others. */
describe('several registries', () => {
  let lab: Lab;
  let second: Registry;
  beforeAll(async () => {
    second = await Registry.start();
    try {
      const nobody = `etcd://127.0.0.1:${await freePort()}`;
      const others = [second.url, 'memory://', nobody];
      lab = await Lab.prepare({ args: others.flatMap((url) => ['--registry', url]) });
      lab.launchAgent();
    } catch (error) {
      await second.remove();
      throw error;
    }
  });
  afterAll(async () => {
    await Promise.all([lab.close(), second.remove()]);
  });

  /** What the records of a container are in one registry, in the agent's view. */
  const states = async (name: string, target: string): Promise<readonly string[]> => {
    const { endpoints } = JSON.parse(await lab.explain(name)) as Story;
    const records = endpoints.flatMap((endpoint) => endpoint.records);
    return records.filter((record) => record.target === target).map(({ state }) => state);
  };
  const everywhere = async (path: string, keys: readonly string[], deadlineMs = 5000): Promise<void> => {
    await sees(async () => {
      for (const registry of [lab.registry, second])
        expect(Object.keys(await registry.services(path))).toEqual(keys);
    }, deadlineMs);
  };

  it('Isolation: a registry that cannot be reached from the start keeps no other waiting', async () => {
    const { path, short, name } = await lab.run('first', { ports });
    await everywhere(path, [short], 20_000);
    await sees(async () => {
      expect(await states(name, 'memory://')).toEqual(['synced', 'synced']);
    });
    expect((await lab.agent.ask('health')).stdout).toContain('etcd://127.0.0.1');
  });

  it('Isolation: a registry that hangs delays no other, and is brought up to date when it answers', async () => {
    const before = await lab.run('before', { ports });
    await everywhere(before.path, [before.short]);
    await second.server.pause();
    try {
      const started = performance.now();
      const meanwhile = await lab.run('meanwhile', { ports });
      await lab.offers(meanwhile.path, { [meanwhile.short]: { state: 'registered' } });
      await before.container.remove({ force: true });
      await lab.forgets(before.path, 4000);
      expect(performance.now() - started).toBeLessThan(10_000);
      await sees(async () => {
        expect(await states(meanwhile.name, 'memory://')).toEqual(['synced', 'synced']);
        expect(await states(meanwhile.name, second.url)).not.toContain('synced');
      });
      // Whoever asks meanwhile is answered.
      expect(await lab.ask('/v1/services')).toContain(meanwhile.path);
      expect(await lab.ask('/v1/records')).toContain(`/services${meanwhile.path}/`);
      await second.server.unpause();
      await everywhere(before.path, [], 20_000);
      await everywhere(meanwhile.path, [meanwhile.short]);
    } finally {
      await second.server.unpause().catch(() => undefined);
    }
  });

  it('Isolation: a registry that is killed and comes back is brought up to date', async () => {
    const before = await lab.run('killed-before', { ports });
    await everywhere(before.path, [before.short]);
    await lab.registry.server.kill();
    const meanwhile = await lab.run('killed-meanwhile', { ports });
    await sees(async () => {
      expect(Object.keys(await second.services(meanwhile.path))).toEqual([meanwhile.short]);
    });
    await lab.registry.server.start();
    await everywhere(meanwhile.path, [meanwhile.short], 20_000);
  });

  it('tells a loopback address to the embedded registry alone', async () => {
    const { path, name } = await lab.run('loopback', { ports: on('127.0.0.1') });
    await sees(async () => {
      expect(await states(name, 'memory://')).toEqual(['synced', 'synced']);
    });
    expect(await states(name, second.url)).toEqual(['blocked', 'blocked']);
    await everywhere(path, []);
    expect(second.history.filter(({ key }) => key.includes(path))).toEqual([]);
  });

  it('ends in good order and in time while a registry hangs; the records stay', async () => {
    const stays = await lab.run('stays', { ports });
    await everywhere(stays.path, [stays.short]);
    await second.server.pause();
    try {
      const started = performance.now();
      expect(await lab.agent.stop()).toEqual({ code: 0, signal: null });
      expect(performance.now() - started).toBeLessThan(15_000);
    } finally {
      await second.server.unpause();
    }
    await everywhere(stays.path, [stays.short]);
    const [heartbeat] = Object.values(await lab.registry.below('/portolan/hosts'));
    expect(heartbeat).toMatchObject({ handover: true });
  });
});
