import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Agent, removeAgents } from '../kit/agent.ts';
import { BUSY_MS } from '../kit/allowance.ts';
import { recordsOf, statusOf } from '../kit/control.ts';
import { eventually } from '../kit/eventually.ts';
import { keysOf, type RunningContainer, World } from './world.ts';

/** One agent lives through all of it. */
let world: World;
let agent: Agent;
const containers: RunningContainer[] = [];

const serve = async (): Promise<
  readonly [service: string, announce: string, container: RunningContainer]
> => {
  const container = await world.serve();
  containers.push(container);
  const [service, announce] = await keysOf(container);
  await world.converged();
  return [service, announce, container];
};

/** The promise: within a second, counted from here; and what a busy machine takes. */
const repaired = async (look: () => Promise<void>): Promise<void> => {
  await eventually(look, { deadlineMs: 1_000 + BUSY_MS, everyMs: 10, what: 'the repair' });
};

const valueOf = async (key: string): Promise<string | undefined> => (await world.view.get(key))?.value;

const stateOf = async (key: string): Promise<string | undefined> =>
  (await recordsOf(agent)).find((record) => record.key === key)?.state;

beforeAll(async () => {
  world = await World.open();
  agent = await world.ready();
});
afterEach(async () => {
  await Promise.all(containers.splice(0).map((container) => container.remove({ force: true, v: true })));
  // What a failed test left of others must not fail the next one.
  await world.view.removeBelow('');
  await world.converged();
});
afterAll(async () => {
  await world.close();
  await removeAgents();
});

describe('own records', () => {
  it('come back within a second when somebody deletes them', async () => {
    const keys = (await serve()).slice(0, 2) as [string, string];
    for (const key of keys) {
      const before = await valueOf(key);
      await world.view.remove(key);
      await repaired(async () => {
        expect(await valueOf(key)).toBe(before);
      });
    }
    const below = keys[0].slice(0, keys[0].lastIndexOf('/') + 1);
    const before = await valueOf(keys[0]);
    await world.view.removeBelow(below);
    await repaired(async () => {
      expect(await valueOf(keys[0])).toBe(before);
    });
    await world.converged();
    await agent.logged((line) => line['cause'] === 'damage-missing' && line['key'] === keys[0]);
  });

  it('are put right within a second when somebody alters them', async () => {
    const [service, announce] = await serve();
    for (const key of [service, announce]) {
      const before = await world.view.get(key);
      await world.view.put(key, 'altered');
      await repaired(async () => {
        expect(await valueOf(key)).toBe(before?.value);
      });
      expect((await world.view.get(key))?.createRevision).toBe(before?.createRevision);
    }
    await world.converged();
  });

  it('keep their ledger entries: a deleted one is restored within a second, the record untouched', async () => {
    const [service] = await serve();
    const before = await world.view.get(service);
    const entry = await world.entryOf(service);
    await world.view.remove(entry.key);
    await repaired(async () => {
      expect((await world.entryOf(service)).value).toBe(service);
    });
    expect(await world.view.get(service)).toEqual(before);
    await world.view.removeBelow(`/portolan/owners/${world.owner}/`);
    await world.converged({ deadlineMs: 1_000 + BUSY_MS, everyMs: 10 });
    expect(await world.view.get(service)).toEqual(before);
  });

  it('stay untouched when somebody deletes the heartbeat, which is taken again', async () => {
    const [service] = await serve();
    const before = await world.view.get(service);
    await world.view.remove(world.heartbeat);
    await eventually(
      async () => {
        expect(await world.view.get(world.heartbeat)).toBeDefined();
      },
      {
        deadlineMs: 3_000,
      },
    );
    await world.converged();
    expect(await world.view.get(service)).toEqual(before);
    await eventually(async () => (await statusOf(agent)).ready);
  });

  it('are all put again after etcdctl del --prefix ""', async () => {
    const [service] = await serve();
    await serve();
    const before = await valueOf(service);
    await world.etcd.etcdctl('del', '--prefix', '');
    await eventually(
      async () => {
        expect(await valueOf(service)).toBe(before);
      },
      { deadlineMs: 3_000 },
    );
    await world.converged();
    await eventually(async () => (await statusOf(agent)).ready);
  });

  it('are all put again when the host lease is revoked too', async () => {
    await serve();
    const lease = (await world.view.get(world.heartbeat))?.lease ?? '';
    await world.view.revokeLease(lease);
    await eventually(async () => {
      expect((await world.view.get(world.heartbeat))?.lease).not.toBe(lease);
    });
    await world.converged();
  });
});

describe('the records of others', () => {
  it('at our key are left alone, shown as a conflict, and ours comes when theirs is gone', async () => {
    const spec = world.offer({ hostname: 'taken' });
    const key = `/services${spec.labels?.['portolan.path'] ?? ''}/taken`;
    await world.view.put(key, 'theirs');
    const before = await world.view.get(key);
    const container = await world.docker.run(spec);
    containers.push(container);
    await eventually(async () => {
      expect(await stateOf(key)).toBe('conflict');
    });
    expect((await world.shown()).filter((line) => line === `owned ${key}`)).toEqual([]);
    const explained = await agent.ask('explain', container.id.slice(0, 12));
    expect(explained.stdout).toMatch(/conflict/);
    const planned = await agent.ask('plan');
    expect(planned.stdout).toContain(key);
    expect(await world.view.get(key)).toEqual(before);

    await world.view.remove(key);
    await repaired(async () => {
      expect(JSON.parse((await valueOf(key)) ?? '')).toMatchObject({ state: 'registered' });
    });
    expect(await stateOf(key)).toBe('synced');
  });

  it('at our key survive our container', async () => {
    const spec = world.offer({ hostname: 'foreign' });
    const key = `/services${spec.labels?.['portolan.path'] ?? ''}/foreign`;
    await world.view.put(key, 'theirs');
    const before = await world.view.get(key);
    const container = await world.docker.run(spec);
    await eventually(async () => {
      expect(await stateOf(key)).toBe('conflict');
    });
    await container.remove({ force: true });
    await eventually(async () => {
      expect((await recordsOf(agent)).filter((record) => record.owned)).toHaveLength(1);
    });
    expect(await world.view.get(key)).toEqual(before);
    await world.view.remove(key);
  });

  it('beside our keys are never touched, whatever becomes of ours', async () => {
    const [service, announce, container] = await serve();
    const beside = [
      `${service}0`,
      `${service}/below`,
      service.slice(0, -1),
      `${announce.slice(0, announce.lastIndexOf('/'))}/other`,
      '/services2/x',
      `/portolan/owners/${world.owner}0/x`,
      `/portolan/hosts/${world.owner}0`,
      `/hosts/${world.owner}0`,
    ];
    for (const key of beside) await world.view.put(key, 'theirs');
    const before = await Promise.all(beside.map((key) => world.view.get(key)));
    await world.view.remove(service);
    await repaired(async () => {
      expect(await valueOf(service)).toBeDefined();
    });
    await container.remove({ force: true });
    await eventually(async () => {
      expect(await world.view.get(service)).toBeUndefined();
    });
    expect(await Promise.all(beside.map((key) => world.view.get(key)))).toEqual(before);
    containers.length = 0;
  });
});

describe('somebody who insists', () => {
  it('gets the key after three alterations within a minute; we come back when theirs is deleted', async () => {
    const [service] = await serve();
    const ours = await valueOf(service);
    for (const theirs of ['first', 'second']) {
      await world.view.put(service, theirs);
      await repaired(async () => {
        expect(await valueOf(service)).toBe(ours);
      });
    }
    await world.view.put(service, 'third');
    await eventually(async () => {
      expect(await stateOf(service)).toBe('conflict');
    });
    expect(await valueOf(service)).toBe('third');
    await expect(world.entryOf(service)).rejects.toThrow(/no ledger entry/);
    expect((await statusOf(agent)).targets[0]?.conflicts).toBe(1);
    // An alteration of what is theirs now is their affair.
    const left = await world.view.put(service, 'fourth');
    await agent.ask('get', 'records');
    expect((await world.view.get(service))?.modRevision).toBe(left);

    await world.view.remove(service);
    await repaired(async () => {
      expect(await valueOf(service)).toBe(ours);
    });
    await world.converged();
    expect((await statusOf(agent)).targets[0]?.conflicts).toBe(0);
  });

  it('gets the key at once under a lease of their own; we come back when the lease ends', async () => {
    const [service] = await serve();
    const ours = await valueOf(service);
    const lease = await world.view.grantLease(60);
    await world.view.put(service, 'leased', lease);
    await eventually(async () => {
      expect(await stateOf(service)).toBe('conflict');
    });
    expect(await world.view.get(service)).toMatchObject({ value: 'leased', lease });
    await world.view.revokeLease(lease);
    await repaired(async () => {
      expect(await valueOf(service)).toBe(ours);
    });
    await world.converged();
  });

  it('keeps a record that they put where they had deleted ours, behind our back', async () => {
    const [service] = await serve();
    const ours = await valueOf(service);
    const lease = await world.view.grantLease(60);
    agent.kill('SIGSTOP');
    await world.view.remove(service);
    const put = await world.view.put(service, ours ?? '', lease);
    agent.kill('SIGCONT');
    await eventually(async () => {
      expect(await stateOf(service)).toBe('conflict');
    });
    expect((await world.view.get(service))?.modRevision).toBe(put);
    await expect(world.entryOf(service)).rejects.toThrow(/no ledger entry/);
    await world.view.revokeLease(lease);
    await repaired(async () => {
      expect(await valueOf(service)).toBe(ours);
    });
    await world.converged();
  });
});
