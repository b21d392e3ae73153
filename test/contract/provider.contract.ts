import { describe, expect, it } from 'vitest';
import type { Change } from '../../src/core/plan.ts';
import { hostOrder } from '../../src/provider/kv/names.ts';
import { eventually } from '../kit/eventually.ts';
import { CAUSE, codes, create, drop, Lab, lease, revisionOf, update } from './provider-kit.ts';
import { unwrap } from './store.contract.ts';
import type { Fixture } from './store-fixtures.ts';

const never = new AbortController().signal;

/** What the provider promises over any store. */
export function providerContract(start: () => Promise<Fixture>): void {
  const lab = new Lab(start);

  describe('ledger and records', () => {
    it('creates, updates and deletes a record with its ledger entry in one transaction each', async () => {
      lab.fresh();
      const key = `${lab.prefix}web/a`;
      const agent = await lab.agent({ wanted: [key] }).start();
      const [created] = await agent.apply([create(key, 'one')]);
      const at = revisionOf(created);
      const record = { value: 'one', createRevision: at, modRevision: at, lease: '0' };
      expect(created?.seen).toEqual([{ key, revision: at, record, entry: { modRevision: at, lease: '0' } }]);
      expect(await lab.read(lab.names.entry(key))).toMatchObject({ value: key, modRevision: at });
      await eventually(() => agent.seen.get(key)?.entry?.modRevision === at);

      const [updated] = await agent.apply([update(key, at, 'two')]);
      const later = revisionOf(updated);
      expect(updated?.seen).toEqual([
        { key, revision: later, record: { ...record, value: 'two', modRevision: later } },
      ]);
      expect((await lab.read(lab.names.entry(key)))?.modRevision).toBe(at);

      const [deleted] = await agent.apply([drop(key, later, at)]);
      expect(deleted?.seen).toEqual([{ key, revision: revisionOf(deleted), record: null, entry: null }]);
      expect(await lab.read(key)).toBeUndefined();
      expect(await lab.read(lab.names.entry(key))).toBeUndefined();
      await eventually(() => agent.seen.get(key)?.record === null && agent.seen.get(key)?.entry === null);
    });

    it('forgets an entry and restores one, without touching the record', async () => {
      lab.fresh();
      const key = `${lab.prefix}a`;
      const agent = await lab.agent({ wanted: [key] }).start();
      const at = revisionOf((await agent.apply([create(key)]))[0]);
      const common = { key, group: key, expected: at, cause: CAUSE };
      const [forgotten] = await agent.apply([{ action: 'forget', entryRevision: at, ...common }]);
      expect(forgotten?.seen).toEqual([{ key, revision: revisionOf(forgotten), entry: null }]);
      const [restored] = await agent.apply([{ action: 'restore', leased: false, ...common }]);
      const entry = { modRevision: revisionOf(restored), lease: '0' };
      expect(restored?.seen).toEqual([{ key, revision: entry.modRevision, entry }]);
      expect((await lab.read(key))?.modRevision).toBe(at);
    });

    it('never overwrites a record that somebody else created, and says what stands there', async () => {
      lab.fresh();
      const key = `${lab.prefix}a`;
      const agent = await lab.agent({ wanted: [key] }).start();
      const at = await lab.put(key, 'theirs');
      const [result] = await agent.apply([create(key, 'ours')]);
      expect(codes([result!])).toEqual(['record-moved']);
      const record = { value: 'theirs', createRevision: at, modRevision: at, lease: '0' };
      expect(result?.seen).toMatchObject([{ key, record, entry: null }]);
      expect((await lab.read(key))?.value).toBe('theirs');
    });

    it('leaves alone only what moved: the rest of the batch gets through', async () => {
      lab.fresh();
      const keys = Array.from({ length: 30 }, (_, n) => `${lab.prefix}${n}`);
      const agent = await lab.agent({ wanted: keys }).start();
      const at = revisionOf((await agent.apply(keys.map((key) => create(key))))[0]);
      await lab.put(keys[3]!, 'altered');
      await lab.remove(keys[4]!);
      const results = await agent.apply(keys.map((key) => drop(key, at, at)));
      const expected = keys.map((_, n) => (n === 3 || n === 4 ? 'record-moved' : 'settled'));
      expect(codes(results)).toEqual(expected);
      expect(results[4]?.seen).toMatchObject([{ record: null, entry: { modRevision: at } }]);
      expect(
        unwrap(await lab.store.reader.list(lab.prefix, never)).entries.map(({ value }) => value),
      ).toEqual(['altered']);
    });

    it('puts records of one group into one transaction', async () => {
      lab.fresh();
      const changes = Array.from({ length: 100 }, (_, n) => [
        ...[
          create(`${lab.prefix}a/${n}`, 'x', `group-${n}`),
          create(`${lab.prefix}b/${n}`, 'x', `group-${n}`),
        ],
        create(`${lab.prefix}c/${n}`, 'x', `group-${n}`),
      ]).flat();
      const agent = await lab.agent().start();
      const results = await agent.apply(changes);
      for (let n = 0; n < 100; n += 1) {
        const group = results.slice(3 * n, 3 * n + 3).map(revisionOf);
        expect(new Set(group).size).toBe(1);
      }
    });

    it('adds before it deletes, over the whole batch', async () => {
      lab.fresh();
      const old = Array.from({ length: 150 }, (_, n) => `${lab.prefix}old/${n}`);
      const agent = await lab.agent().start();
      const created = await agent.apply(old.map((key) => create(key)));
      const deletes = old.map((key, n) => drop(key, revisionOf(created[n]), revisionOf(created[n])));
      const adds = Array.from({ length: 150 }, (_, n) => create(`${lab.prefix}new/${n}`));
      const results = await agent.apply([...deletes, ...adds]);
      const revisions = (action: Change['action']) =>
        results.filter(({ change }) => change.action === action).map((result) => Number(revisionOf(result)));
      expect(Math.max(...revisions('create'))).toBeLessThan(Math.min(...revisions('delete')));
    });

    it('isolates a poisoned record: it alone is rejected', async () => {
      lab.fresh();
      const agent = await lab.agent().start();
      const changes = Array.from({ length: 100 }, (_, n) =>
        create(`${lab.prefix}${n}`, n === 42 ? 'x'.repeat(1_600_000) : 'fine'),
      );
      const results = await agent.apply(changes);
      expect(codes(results)).toEqual(changes.map((_, n) => (n === 42 ? 'record-rejected' : 'settled')));
      expect(unwrap(await lab.store.reader.list(lab.prefix, never)).entries).toHaveLength(99);
    });

    it('puts leased records and their entries under the lease of the host', async () => {
      lab.fresh();
      const key = `${lab.prefix}a`;
      const agent = await lab.agent().start();
      const at = revisionOf((await agent.apply([lease(create(key))]))[0]);
      expect((await lab.read(key))?.lease).toBe(agent.lease);
      expect((await lab.read(lab.names.entry(key)))?.lease).toBe(agent.lease);
      const [result] = await agent.apply([lease(update(key, at, 'two'))]);
      expect(result?.seen).toMatchObject([{ record: { lease: agent.lease, createRevision: at } }]);
    });
  });

  describe('session', () => {
    it('writes the heartbeat under one lease and tells all hosts', async () => {
      lab.fresh();
      await lab.put('/portolan/hosts/spoilt', 'not JSON');
      const agent = await lab.agent({ instance: 'first' }).start();
      const heartbeat = await lab.read(lab.names.heartbeat);
      expect(heartbeat?.lease).toBe(agent.lease);
      expect(JSON.parse(heartbeat?.value ?? '')).toEqual({
        ...{ instance: 'first', name: 'host', addresses: ['192.0.2.1'], version: '1', since: 1 },
        ...{ lease: agent.lease, ttl: 15, handover: false },
      });
      const hosts = unwrap(await agent.reader.hosts(never));
      expect(hosts.filter((host) => host.owner === lab.owner)).toMatchObject([
        { instance: 'first', lease: agent.lease, handover: false },
      ]);
      expect(hosts.some((host) => host.owner === 'spoilt')).toBe(false);
      await lab.remove('/portolan/hosts/spoilt');
    });

    it('tells since when a whole host is drained by a command, until it no longer is', async () => {
      lab.fresh();
      const agent = await lab.agent().start();
      const order = hostOrder(lab.owner);
      const told = async (value: string): Promise<number | undefined> => {
        await lab.put(order, value);
        const hosts = unwrap(await agent.reader.hosts(never));
        return hosts.find(({ owner }) => owner === lab.owner)?.drainedSince;
      };
      expect(await told('{"drained":true,"at":5}')).toBe(5);
      expect(await told('{"drained":false,"at":6}')).toBeUndefined();
      for (const spoilt of ['not JSON', '[]', '{"drained":"yes","at":7}'])
        expect(await told(spoilt)).toBeUndefined();
      // That of another host is not ours.
      await lab.put(hostOrder('another'), '{"drained":true,"at":8}');
      expect(await told('{"drained":true,"at":9}')).toBe(9);
      await lab.remove(order);
      await lab.remove(hostOrder('another'));
      expect(unwrap(await agent.reader.hosts(never)).map(({ drainedSince }) => drainedSince)).not.toContain(
        9,
      );
    });

    it('a second living instance stands by and its writes are refused', async () => {
      lab.fresh();
      const first = await lab.agent({ instance: 'first' }).start();
      const second = lab.agent({ instance: 'second' });
      second.begin();
      await second.until('standby');
      expect(second.session).toMatchObject({ holder: 'first' });
      expect(codes(await second.apply([create(`${lab.prefix}a`)]))).toEqual(['owner-fenced']);
      expect(codes(await first.apply([create(`${lab.prefix}a`)]))).toEqual(['settled']);
      expect((await lab.read(lab.names.heartbeat))?.lease).toBe(first.lease);
    });

    it('an instance whose heartbeat was taken is fenced in the very next transaction', async () => {
      lab.fresh();
      const agent = await lab.agent({ instance: 'first' }).start();
      const lease = unwrap(await lab.writer.leaseGrant(15, never)).id;
      const stranger = { instance: 'second', name: 'clone', addresses: [], version: '1', since: 2, ttl: 15 };
      const taken = lab.put(lab.names.heartbeat, JSON.stringify({ ...stranger, lease }), lease);
      const applied = taken.then(() => agent.apply([create(`${lab.prefix}a`), create(`${lab.prefix}b`)]));
      expect(codes(await applied)).toEqual(['owner-fenced', 'owner-fenced']);
      expect(await lab.read(`${lab.prefix}a`)).toBeUndefined();
      await agent.until('standby');
      expect(agent.session).toMatchObject({ holder: 'second' });
    });

    it('a standby takes over once the holder is dead, and keeps its records', async () => {
      lab.fresh();
      const first = await lab.agent({ instance: 'first', ttlSeconds: 4 }).start();
      await first.apply([create(`${lab.prefix}a`)]);
      const second = lab.agent({ instance: 'second', ttlSeconds: 4 });
      second.begin();
      await second.until('standby');
      await first.kill();
      await second.until('held');
      expect(JSON.parse((await lab.read(lab.names.heartbeat))?.value ?? '')).toMatchObject({
        instance: 'second',
      });
      expect(second.seen.get(`${lab.prefix}a`)?.entry).toBeTruthy();
      expect(codes(await second.apply([create(`${lab.prefix}b`)]))).toEqual(['settled']);
    });

    it('a restarted agent takes the lease up again with one write, if its predecessor is known to be dead', async () => {
      lab.fresh();
      const first = await lab.agent({ instance: 'first' }).start();
      const { lease } = first;
      await first.kill();
      const before = await lab.revision();
      const second = await lab
        .agent({
          instance: 'second',
          predecessorDead: (entry) => Promise.resolve(entry.instance === 'first'),
        })
        .start();
      expect(second.session).toEqual({ type: 'held', lease, takenUp: true });
      expect(await lab.revision()).toBe((BigInt(before) + 1n).toString());
    });

    it('a handover is taken over at once, under a lease of its own', async () => {
      lab.fresh();
      const first = await lab.agent({ instance: 'first' }).start();
      const second = lab.agent({ instance: 'second' });
      second.begin();
      await second.until('standby');
      unwrap(await first.writer.handover(300_000, never));
      await second.until('held', 5_000);
      expect(second.session).toMatchObject({ takenUp: false });
      expect(codes(await first.apply([create(`${lab.prefix}a`)]))).toEqual(['owner-fenced']);
      expect(unwrap(await lab.writer.leaseTimeToLive(second.lease, never)).granted).toBe(15);
    });

    it('leased records and their entries move with the handover, and on to the lease of the successor', async () => {
      lab.fresh();
      const keys = Array.from({ length: 100 }, (_, n) => `${lab.prefix}${n}`);
      const watch = await lab.watchDeletes();
      const first = await lab.agent({ instance: 'first', wanted: keys }).start();
      await first.apply([...keys.map((key) => lease(create(key))), create(`${lab.prefix}stays`)]);
      expect(await lab.leases()).toEqual(
        new Map([
          ['0', 2],
          [first.lease, 201],
        ]),
      );
      const before = await lab.revision();
      unwrap(await first.writer.handover(300_000, never));
      const between = (await lab.read(lab.names.heartbeat))?.lease ?? '';
      expect(await lab.leases()).toEqual(
        new Map([
          ['0', 2],
          [between, 201],
        ]),
      );
      const second = await lab.agent({ instance: 'second', wanted: keys }).start();
      expect(await lab.leases()).toEqual(
        new Map([
          ['0', 2],
          [second.lease, 201],
        ]),
      );
      // Each way two transactions for a hundred records, and the heartbeat.
      expect(Number(await lab.revision()) - Number(before)).toBe(6);
      await eventually(() => keys.every((key) => second.seen.get(key)?.record?.lease === second.lease));
      expect(watch()).toEqual([]);
    });

    it('moves no record to another lease that is not ours any more', async () => {
      lab.fresh();
      const [ours, altered, theirs, gone] = ['a', 'b', 'c', 'd'].map((name) => `${lab.prefix}${name}`) as [
        string,
        string,
        string,
        string,
      ];
      const first = await lab.agent({ instance: 'first' }).start();
      await first.apply([ours, altered, theirs, gone].map((key) => lease(create(key))));
      const strangers = unwrap(await lab.writer.leaseGrant(60, never)).id;
      await lab.put(altered, 'theirs', strangers);
      await lab.remove(theirs);
      await lab.put(theirs, 'theirs');
      await lab.remove(gone);
      unwrap(await first.writer.handover(300_000, never));
      const between = (await lab.read(lab.names.heartbeat))?.lease;
      expect((await lab.read(ours))?.lease).toBe(between);
      expect((await lab.read(altered))?.lease).toBe(strangers);
      expect(await lab.read(theirs)).toMatchObject({ value: 'theirs', lease: '0' });
      expect(await lab.read(gone)).toBeUndefined();
    });

    it('takes records off the lease with their entries, so that they outlive it', async () => {
      lab.fresh();
      const key = `${lab.prefix}a`;
      const agent = await lab.agent().start();
      const at = revisionOf((await agent.apply([lease(create(key))]))[0]);
      const off = { ...update(key, at, 'v'), unhung: true } as Change;
      const [result] = await agent.apply([off]);
      expect(result?.seen).toMatchObject([{ record: { lease: '0' }, entry: { lease: '0' } }]);
      unwrap(await lab.writer.leaseRevoke(agent.lease, never));
      expect((await lab.read(key))?.value).toBe('v');
      expect((await lab.read(lab.names.entry(key)))?.lease).toBe('0');
    });

    it('leased records stay through a restart and go with the host', async () => {
      lab.fresh();
      const keys = [`${lab.prefix}a`, `${lab.prefix}b`];
      const gone = await lab.watchDeletes();
      const first = await lab.agent({ instance: 'first', ttlSeconds: 4 }).start();
      await first.apply(keys.map((key) => lease(create(key))));
      await first.kill();
      const second = lab.agent({
        instance: 'second',
        ttlSeconds: 4,
        predecessorDead: () => Promise.resolve(true),
      });
      await second.start();
      expect(second.lease).toBe(first.lease);
      expect(gone()).toEqual([]);
      await second.kill();
      await eventually(() => gone().length === keys.length, { what: 'no record', deadlineMs: 15_000 });
      expect(await lab.leases()).toEqual(new Map());
    });

    it('an unattended handover keeps the heartbeat for the time asked', async () => {
      lab.fresh();
      const first = await lab.agent({ instance: 'first' }).start();
      unwrap(await first.writer.handover(300_000, never));
      const heartbeat = await lab.read(lab.names.heartbeat);
      expect(JSON.parse(heartbeat?.value ?? '')).toMatchObject({ instance: 'first', handover: true });
      expect(unwrap(await lab.writer.leaseTimeToLive(heartbeat?.lease ?? '', never)).granted).toBe(300);
    });

    it('retires heartbeat and lease', async () => {
      lab.fresh();
      const first = await lab.agent().start();
      const { lease } = first;
      unwrap(await first.writer.retire(true, never));
      expect(await lab.read(lab.names.heartbeat)).toBeUndefined();
      expect(unwrap(await lab.writer.leaseTimeToLive(lease, never)).remaining).toBe(0);
    });

    it('takes a new lease when the old one is revoked, and says so', async () => {
      lab.fresh();
      const agent = await lab.agent().start();
      const { lease } = agent;
      unwrap(await lab.writer.leaseRevoke(lease, never));
      await eventually(() => agent.sessions.some(({ type }) => type === 'lost'));
      await agent.until('held');
      expect(agent.lease).not.toBe(lease);
      expect(codes(await agent.apply([create(`${lab.prefix}a`)]))).toEqual(['settled']);
    });

    it('puts a deleted heartbeat back, and writes nothing in between', async () => {
      lab.fresh();
      const agent = await lab.agent().start();
      await lab.remove(lab.names.heartbeat);
      const [early] = codes(await agent.apply([create(`${lab.prefix}a`)]));
      expect(['owner-fenced', 'lease-lost', 'settled']).toContain(early);
      await eventually(() => agent.sessions.some(({ type }) => type === 'lost'));
      await agent.until('held');
      expect(JSON.parse((await lab.read(lab.names.heartbeat))?.value ?? '')).toMatchObject({
        instance: 'one',
      });
    });
  });
}
