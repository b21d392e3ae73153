import { describe, expect, it } from 'vitest';
import { planEstate } from '../../src/core/estate.ts';
import { ok } from '../../src/core/failure.ts';
import type { EstateClaim, FleetHost } from '../../src/core/ports.ts';
import { Names } from '../../src/provider/kv/names.ts';
import { eventually } from '../kit/eventually.ts';
import { CAUSE, codes, create, Lab, type TestAgent } from './provider-kit.ts';
import { unwrap } from './store.contract.ts';
import type { Fixture } from './store-fixtures.ts';

const never = new AbortController().signal;

/** What the provider promises about hosts that come and go, over any store. */
export function fleetContract(start: () => Promise<Fixture>): void {
  const lab = new Lab(start);

  const lost = async (count: number): Promise<readonly string[]> => {
    const keys = Array.from({ length: count }, (_, n) => `${lab.prefix}${n}`);
    const agent = await lab.agent({ instance: 'lost' }).start();
    await agent.apply(keys.map((key) => create(key)));
    await agent.kill();
    await lab.remove(lab.names.heartbeat);
    return keys;
  };
  const janitor = async (name = 'janitor'): Promise<TestAgent> => {
    const agent = await lab.agent({ owner: `${lab.owner}-${name}`, instance: name }).start();
    await eventually(() => agent.fleet.known, { what: 'the fleet in sight' });
    return agent;
  };
  const hostOf = (agent: TestAgent): FleetHost | undefined => agent.fleet.hosts.get(lab.owner);
  const claimed = async (agent: TestAgent): Promise<EstateClaim> => {
    const card = hostOf(agent)?.card?.revision ?? '0';
    const claim = unwrap(await agent.estates.claim(lab.owner, card, never));
    if (claim === undefined) throw new Error('not claimed');
    return claim;
  };
  const bequests = async (agent: TestAgent) =>
    planEstate(unwrap(await agent.fleet.estate(lab.owner, never)), CAUSE);

  describe('the fleet', () => {
    it('shows hosts with their heartbeats, and their cards when those are gone', async () => {
      lab.fresh();
      const agent = await janitor();
      const other = await lab.agent({ instance: 'first' }).start();
      await eventually(() => hostOf(agent)?.attended === true && hostOf(agent)?.card !== undefined);
      expect(hostOf(agent)?.heartbeat).toMatchObject({ instance: 'first', handover: false });
      unwrap(await other.writer.handover(300_000, never));
      await eventually(() => hostOf(agent)?.heartbeat?.handover === true);
      await lab.remove(lab.names.heartbeat);
      await eventually(() => hostOf(agent)?.attended === false);
      expect(hostOf(agent)?.card).toMatchObject({ instance: 'first', addresses: ['192.0.2.1'] });
      await lab.remove(lab.names.card);
      await eventually(() => hostOf(agent) === undefined);
    });

    it('forgets a host that retired, unless it left records behind', async () => {
      lab.fresh();
      const agent = await janitor();
      const first = await lab.agent({ instance: 'first' }).start();
      await eventually(() => hostOf(agent)?.attended === true);
      unwrap(await first.writer.retire(false, never));
      await eventually(() => hostOf(agent)?.attended === false && hostOf(agent)?.card !== undefined);
      await first.kill();
      const second = await lab.agent({ instance: 'second' }).start();
      await eventually(() => hostOf(agent)?.heartbeat?.instance === 'second');
      unwrap(await second.writer.retire(true, never));
      await eventually(() => hostOf(agent) === undefined);
      expect(await lab.read(lab.names.card)).toBeUndefined();
    });

    it('goes out of sight and is listed anew when the registry is replaced', async () => {
      lab.fresh();
      const agent = await janitor();
      const said: string[] = [];
      agent.fleet.changes.subscribe(({ type }) => said.push(type));
      await lost(1);
      await eventually(() => hostOf(agent)?.attended === false);
      await lab.fixture.replace();
      await eventually(() => said.includes('unknown') && agent.fleet.known && hostOf(agent) === undefined, {
        deadlineMs: 30_000,
      });
    });
  });

  describe('an estate', () => {
    it('is cleared in few transactions, and nothing of the host is left', async () => {
      lab.fresh();
      await lost(150);
      await lab.put(`${lab.names.ledger}spoilt`, 'speaks for nothing');
      await lab.put(`${lab.names.drains}loose`, '{}');
      const agent = await janitor();
      const claim = await claimed(agent);
      const before = BigInt(await lab.revision());
      const results = await agent.estates.clear(claim, await bequests(agent), never);
      expect(new Set(codes(results))).toEqual(new Set(['settled']));
      unwrap(await agent.estates.finish(claim, never));
      expect(BigInt(await lab.revision()) - before).toBeLessThanOrEqual(5n);
      const names: Names = new Names(lab.owner);
      for (const prefix of [lab.prefix, names.ledger, names.drains])
        expect(unwrap(await lab.store.reader.list(prefix, never)).entries).toEqual([]);
      for (const key of [names.card, names.janitor]) expect(await lab.read(key)).toBeUndefined();
    });

    it('keeps what somebody else created or took, and loses only the entries of it', async () => {
      lab.fresh();
      const [replaced = '', taken = '', gone = ''] = await lost(4);
      await lab.remove(replaced);
      await lab.put(replaced, 'theirs');
      const lease = unwrap(await lab.writer.leaseGrant(60, never)).id;
      await lab.put(taken, 'theirs', lease);
      await lab.remove(gone);
      const agent = await janitor();
      const claim = await claimed(agent);
      const plan = await bequests(agent);
      expect(plan.map(({ action }) => action).sort()).toEqual(['delete', 'forget', 'leave', 'leave']);
      expect(new Set(codes(await agent.estates.clear(claim, plan, never)))).toEqual(new Set(['settled']));
      unwrap(await agent.estates.finish(claim, never));
      expect((await lab.read(replaced))?.value).toBe('theirs');
      expect((await lab.read(taken))?.value).toBe('theirs');
      expect(unwrap(await lab.store.reader.list(lab.prefix, never)).entries).toHaveLength(2);
      expect(unwrap(await lab.store.reader.list(lab.names.ledger, never)).entries).toEqual([]);
    });

    it("is the host's own again as soon as it has a heartbeat, also when that is gone again", async () => {
      lab.fresh();
      const keys = await lost(3);
      const agent = await janitor();
      const claim = await claimed(agent);
      const plan = await bequests(agent);
      const back = await lab
        .agent({ instance: 'back', predecessorDead: () => Promise.resolve(true) })
        .start();
      expect(new Set(codes(await agent.estates.clear(claim, plan, never)))).toEqual(
        new Set(['host-returned']),
      );
      expect(await agent.estates.finish(claim, never)).toMatchObject({ failure: { code: 'host-returned' } });
      await back.kill();
      await lab.remove(lab.names.heartbeat);
      expect(new Set(codes(await agent.estates.clear(claim, plan, never)))).toEqual(
        new Set(['host-returned']),
      );
      for (const key of keys) expect((await lab.read(key))?.value).toBe('v');
      expect(await lab.read(lab.names.card)).toBeDefined();
    });

    it('belongs to one agent at a time, as long as its lease lives', async () => {
      lab.fresh();
      await lost(3);
      const [one, two] = [await janitor('one'), await janitor('two')];
      const claim = await claimed(one);
      const card = hostOf(two)?.card?.revision ?? '0';
      expect(await two.estates.claim(lab.owner, card, never)).toEqual(ok(undefined));
      unwrap(await one.estates.tell(claim, 'unattended', never));
      await eventually(() => hostOf(two)?.janitor?.finding === 'unattended');
      expect(await two.estates.claim(lab.owner, card, never)).toEqual(ok(undefined));
      // Nobody else's claim is released.
      unwrap(await two.estates.release(lab.owner, never));
      unwrap(await lab.writer.leaseRevoke(one.lease, never));
      await eventually(() => hostOf(two)?.janitor === undefined);
      expect(codes(await one.estates.clear(claim, await bequests(one), never))).not.toContain('settled');
      await claimed(two);
    });

    it("is claimed again by the agent that had it, and by a person's order from one that only waits", async () => {
      lab.fresh();
      await lost(3);
      const [one, two] = [await janitor('one'), await janitor('two')];
      await claimed(one);
      unwrap(await one.estates.tell(await claimed(one), 'unattended', never));
      const card = hostOf(two)?.card?.revision ?? '0';
      const taken = unwrap(await two.estates.claim(lab.owner, card, never, 'unattended'));
      if (taken === undefined) throw new Error('not taken');
      const results = await two.estates.clear(taken, await bequests(two), never);
      expect(new Set(codes(results))).toEqual(new Set(['settled']));
      unwrap(await two.estates.finish(taken, never));
      expect(unwrap(await lab.store.reader.list(lab.prefix, never)).entries).toEqual([]);
    });

    it('is not claimed where a handover lasts; a person may end that, but never a living agent', async () => {
      lab.fresh();
      const agent = await janitor();
      const first = await lab.agent({ instance: 'first' }).start();
      await eventually(() => hostOf(agent)?.card !== undefined);
      const refused = await agent.estates.endHandover(lab.owner, never);
      expect(refused).toMatchObject({ failure: { code: 'host-returned' } });
      unwrap(await first.writer.handover(300_000, never));
      await eventually(() => hostOf(agent)?.heartbeat?.handover === true);
      const card = (await lab.read(lab.names.card))?.modRevision ?? '0';
      expect(await agent.estates.claim(lab.owner, card, never)).toEqual(ok(undefined));
      unwrap(await agent.estates.endHandover(lab.owner, never));
      expect(await lab.read(lab.names.heartbeat)).toBeUndefined();
      await eventually(() => hostOf(agent)?.attended === false);
      await claimed(agent);
    });
  });
}
