import { describe, expect, it } from 'vitest';
import type { KvStore } from '../../src/provider/kv/store.ts';
import { eventually } from '../kit/eventually.ts';
import { codes, create, drop, Lab, revisionOf, type TestAgent } from './provider-kit.ts';
import { unwrap } from './store.contract.ts';
import type { Fixture } from './store-fixtures.ts';

const never = new AbortController().signal;

/** What the provider sees, over any store. */
export function observationContract(start: () => Promise<Fixture>): void {
  const lab = new Lab(start);

  describe('observation', () => {
    it('a dry run has no writer, and the revision does not move', async () => {
      lab.fresh();
      const key = `${lab.prefix}a`;
      await lab.put(key, 'theirs');
      const before = await lab.revision();
      const agent = await lab.agent({ dryRun: true, wanted: [key, `${lab.prefix}b`] }).start();
      expect(agent.hasWriter).toBe(false);
      agent.reader.track([`${lab.prefix}c`]);
      unwrap(await agent.reader.records(never));
      unwrap(await agent.reader.hosts(never));
      agent.reader.relist();
      await eventually(() => agent.lists.length === 2);
      expect(agent.seen.get(key)?.record?.value).toBe('theirs');
      expect(agent.sessions).toEqual([]);
      expect(await lab.revision()).toBe(before);
    });

    it('lists 1,500 own records in pages, and a record of another owner never', async () => {
      lab.fresh();
      const first = await lab.agent({ instance: 'first' }).start();
      const keys = Array.from({ length: 1_500 }, (_, n) => `${lab.prefix}web/${n}`);
      expect(new Set(codes(await first.apply(keys.map((key) => create(key, `value of ${key}`)))))).toEqual(
        new Set(['settled']),
      );
      await lab.put(`${lab.prefix}web/foreign`, 'theirs');
      const second = await lab.agent({ dryRun: true }).start();
      const [listed] = second.lists;
      expect(listed?.records.size).toBe(1_500);
      expect(listed?.records.get(keys[7]!)).toMatchObject({ record: { value: `value of ${keys[7]!}` } });
      expect(listed?.records.has(`${lab.prefix}web/foreign`)).toBe(false);
      await lab.put(keys[8]!, 'altered');
      await lab.put(`${lab.prefix}web/foreign`, 'theirs again');
      await lab.remove(keys[9]!);
      await eventually(() => second.seen.get(keys[9]!)?.record === null);
      expect(second.seen.get(keys[8]!)?.record?.value).toBe('altered');
      expect(second.seen.has(`${lab.prefix}web/foreign`)).toBe(false);
      expect(unwrap(await second.reader.records(never))).toHaveLength(1_500);
    });

    it('sees the same by key and by prefix', async () => {
      lab.fresh();
      const keys = ['a', 'b', 'c'].map((name) => `${lab.prefix}${name}`);
      const many = Array.from({ length: 300 }, (_, n) => `${lab.prefix}unused/${n}`);
      const byKey = await lab.agent({ dryRun: true, wanted: keys }).start();
      const byPrefix = await lab.agent({ dryRun: true, wanted: [...keys, ...many] }).start();
      const writing = await lab.agent().start();
      const at = revisionOf((await writing.apply(keys.map((key) => create(key))))[0]);
      await lab.put(keys[1]!, 'altered');
      await lab.remove(keys[2]!);
      await lab.put(keys[2]!, 'theirs');
      await lab.put(`${lab.prefix}foreign`, 'theirs');
      await writing.apply([drop(keys[0]!, at, at)]);
      const done = (agent: TestAgent) =>
        agent.seen.get(keys[2]!)?.record?.value === 'theirs' && agent.seen.get(keys[0]!)?.entry === null;
      await eventually(() => done(byKey) && done(byPrefix));
      expect(byPrefix.seen).toEqual(byKey.seen);
      expect([...byKey.seen.keys()].sort()).toEqual(keys);
      expect(byPrefix.lists).toHaveLength(1);
    });

    it('reads keys that become wanted later and watches them, past the limit of single watches too', async () => {
      lab.fresh();
      const agent = await lab.agent({ dryRun: true }).start();
      await lab.put(`${lab.prefix}a`, 'before');
      agent.reader.track([`${lab.prefix}a`, `${lab.prefix}none`]);
      await eventually(() => agent.seen.has(`${lab.prefix}none`));
      expect(agent.seen.get(`${lab.prefix}a`)).toMatchObject({ record: { value: 'before' }, entry: null });
      expect(agent.seen.get(`${lab.prefix}none`)).toMatchObject({ record: null, entry: null });
      await lab.put(`${lab.prefix}none`, 'now');
      await eventually(() => agent.seen.get(`${lab.prefix}none`)?.record?.value === 'now');
      const many = Array.from({ length: 400 }, (_, n) => `${lab.prefix}many/${n}`);
      agent.reader.track(many);
      await eventually(() => agent.seen.has(many[399]!));
      await lab.put(many[399]!, 'now');
      await lab.put(`${lab.prefix}a`, 'later');
      await eventually(() => agent.seen.get(many[399]!)?.record?.value === 'now');
      await eventually(() => agent.seen.get(`${lab.prefix}a`)?.record?.value === 'later');
      expect(agent.lists).toHaveLength(1);
    });

    it("tells when a record under somebody's own lease comes and lapses, and nothing of what lies beside it", async () => {
      lab.fresh();
      const announced = `${lab.prefix}announce/web/1`;
      const many = Array.from({ length: 300 }, (_, n) => `${lab.prefix}services/${n}`);
      const { store, heard } = overheard(lab.fixture.open());
      const agent = await lab
        .agent({
          ...{ store, dryRun: true, wanted: many },
          prefixes: [`${lab.prefix}announce/`, `${lab.prefix}services/`],
          alone: (key) => key === announced,
        })
        .start();
      agent.wanted.add(announced);
      agent.reader.track([announced]);
      await eventually(() => agent.seen.get(announced)?.record === null);
      const { id } = unwrap(await lab.writer.leaseGrant(2, never));
      await lab.put(announced, 'here', id);
      await lab.put(`${lab.prefix}announce/web/2`, 'beside');
      await eventually(() => agent.seen.get(announced)?.record?.value === 'here');
      agent.reader.relist();
      await eventually(() => agent.lists.length === 2);
      await lab.put(`${lab.prefix}announce/web/3`, 'beside');
      await eventually(() => agent.seen.get(announced)?.record === null, { deadlineMs: 15_000 });
      expect(heard.filter((key) => key.startsWith(`${lab.prefix}announce/web/`))).toEqual(
        heard.filter((key) => key === announced),
      );
    });

    it('ignores a spoilt ledger entry, and one that claims the bookkeeping', async () => {
      lab.fresh();
      await lab.put(`${lab.names.ledger}spoilt`, `${lab.prefix}a`);
      await lab.put(lab.names.entry('/portolan/hosts/other'), '/portolan/hosts/other');
      await lab.put(lab.names.entry(`${lab.prefix}mine`), `${lab.prefix}mine`);
      const agent = await lab.agent({ dryRun: true }).start();
      expect([...(agent.lists[0]?.records.keys() ?? [])]).toEqual([`${lab.prefix}mine`]);
    });

    it('goes on seeing after a compaction', async () => {
      lab.fresh();
      const agent = await lab.agent({ dryRun: true, wanted: [`${lab.prefix}a`] }).start();
      await lab.put(`${lab.prefix}a`, 'one');
      await lab.fixture.compact(await lab.put(`${lab.prefix}a`, 'two'));
      await lab.put(`${lab.prefix}a`, 'three');
      await eventually(() => agent.seen.get(`${lab.prefix}a`)?.record?.value === 'three');
      agent.reader.relist();
      await eventually(() => agent.lists.length === 2);
      expect(agent.seen.get(`${lab.prefix}a`)?.record?.value).toBe('three');
    });

    // The last one: afterwards the registry is empty.
    it('notices that another registry stands at the address: new lease, new list, nothing believed', async () => {
      lab.fresh();
      const agent = await lab.agent({ wanted: [`${lab.prefix}a`] }).start();
      await agent.apply([create(`${lab.prefix}a`)]);
      const { lease } = agent;
      await lab.fixture.replace();
      await eventually(() => agent.lists.at(-1)?.replaced === true, { deadlineMs: 30_000, what: 'replaced' });
      expect(agent.lists.at(-1)?.records.size).toBe(0);
      await eventually(() => agent.session.type === 'held' && agent.lease !== lease, { deadlineMs: 15_000 });
      expect(codes(await agent.apply([create(`${lab.prefix}a`)]))).toEqual(['settled']);
    });
  });
}

/** The same store, and every key of which its watches tell. */
function overheard(inner: KvStore): { readonly store: KvStore; readonly heard: readonly string[] } {
  const heard: string[] = [];
  const { reader } = inner;
  const store: KvStore = {
    reader: {
      list: (...args) => reader.list(...args),
      get: (...args) => reader.get(...args),
      close: () => reader.close(),
      watch: (scope, from, observer) =>
        reader.watch(scope, from, {
          events: (batch) => {
            heard.push(...batch.map(({ key }) => key));
            observer.events(batch);
          },
          lost: (...args) => {
            observer.lost(...args);
          },
        }),
    },
    writer: () => inner.writer(),
  };
  return { store, heard };
}
