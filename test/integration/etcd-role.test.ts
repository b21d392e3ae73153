import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openEtcd } from '../../src/provider/etcd/store.ts';
import { KvDesk } from '../../src/provider/kv/desk.ts';
import { LeaseKeeper } from '../../src/provider/kv/lease-keeper.ts';
import { KvOwnKeys } from '../../src/provider/kv/own-keys.ts';
import type { KvStore } from '../../src/provider/kv/store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { codes, create, drop, revisionOf, TestAgent } from '../contract/provider-kit.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { eventually } from '../kit/eventually.ts';
import { repository } from '../kit/paths.ts';

const never = new AbortController().signal;
const manifest = readFileSync(join(repository, 'manifests/etcd-role.sh'), 'utf8');
const scriptFor = (role: string, layouts = ''): string => `ROLE=${role} LAYOUTS='${layouts}'\n${manifest}`;
/** Under another name: the test server has a role `portolan` that may do everything. */
const script = scriptFor('agents');
const prefixes = ['/services/', '/announce/', '/hosts/'];
const login = { user: 'agent', password: 'least-password' };

let etcd: EtcdServer;
beforeAll(async () => {
  etcd = await EtcdServer.start({ auth: true });
  await etcd.script(script, `${login.password}\n`, login.user);
});
afterAll(async () => {
  await etcd.remove();
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function open(auth: { readonly user: string; readonly password: string }): KvStore {
  const credentials = { auth };
  const store = openEtcd({
    endpoints: [etcd.endpoint],
    clock: systemClock,
    prefixes,
    credentials: () => credentials,
  });
  cleanups.push(() => store.reader.close());
  return store;
}

const agentOn = (store: KvStore, owner: string, wanted: readonly string[]) => {
  const agent = new TestAgent({ store, owner, prefixes, wanted, ttlSeconds: 15 });
  cleanups.push(() => agent.kill());
  return agent;
};

describe('the role of manifests/etcd-role.sh', () => {
  it('lets an agent do its whole work, and can be made again', async () => {
    await etcd.script(script, '', login.user);
    const keys = prefixes.map((prefix) => `${prefix}role/a`);
    const agent = await agentOn(open(login), 'role', keys).start();
    const made = await agent.apply(keys.map((key) => create(key)));
    expect(codes(made)).toEqual(keys.map(() => 'settled'));
    await etcd.etcdctl('put', keys[0]!, 'altered');
    await eventually(() => agent.seen.get(keys[0]!)?.record?.value === 'altered');
    await agent.until('held');
    const hosts = await agent.reader.hosts(never);
    expect(hosts).toMatchObject({ ok: true, value: [{ owner: 'role' }] });
    expect(await agent.reader.records(never)).toMatchObject({ ok: true });
    const gone = keys.slice(1).map((key, n) => drop(key, revisionOf(made[n + 1]), revisionOf(made[n + 1])));
    expect(codes(await agent.apply(gone))).toEqual(gone.map(() => 'settled'));
    expect(await agent.writer.handover(60_000, never)).toEqual({ ok: true, value: undefined });
  });

  it('lets a listener follow records and tell of itself, and change nothing else', async () => {
    const lone = { user: 'lone', password: 'lonely-password' };
    await etcd.script(scriptFor('listeners'), `${lone.password}\n`, '--listen', lone.user);
    const store = open(lone);
    const writer = store.writer();
    const lease = await writer.leaseGrant(15, never);
    const desk = new KvDesk({
      ...{ reader: store.reader, writer, id: 'lone' },
      footing: () => ({ ok: true, value: { lease: lease.ok ? lease.value.id : '0', compares: [] } }),
    });
    expect(await desk.bring(new Map([['', '{}']]), never)).toMatchObject({ ok: true });
    for (const prefix of ['/services/', '/portolan/hosts/'])
      expect(await store.reader.list(prefix, never)).toMatchObject({ ok: true });
    for (const key of ['/services/x', '/portolan/hosts/x', '/portolan/drains/x/y']) {
      const put = { type: 'put', key, value: '1', lease: '0' } as const;
      const answer = await writer.txn({ compares: [], then: [put], otherwise: [] }, never);
      expect(answer).toMatchObject({ failure: { code: 'registry-denied' } });
    }
  });

  it('lets an announcer say what it is to announce and take that back, and nothing else', async () => {
    const own = { user: 'own', password: 'own-password' };
    const mine = '/announce/internal/own/';
    await etcd.script(scriptFor('announcers', mine), `${own.password}\n`, '--announce', own.user);
    const store = open(own);
    const { reader } = store;
    const writer = store.writer();
    const random = (): number => 0.5;
    const lease = new LeaseKeeper({ writer, ttlSeconds: 15, clock: systemClock, random });
    const keys = [`${mine}web/c1`, '/announce/internal/other/c1', '/services/internal/own/web/c1'];
    const desk = new KvOwnKeys({ reader, writer, lease, keys });
    const stop = new AbortController();
    const keeping = lease.run(stop.signal);
    await eventually(() => lease.footing().ok);
    const answers = await desk.bring(new Map(keys.map((key) => [key, '{}'])), never);
    expect([...answers.values()]).toMatchObject([
      { ok: true, value: { state: 'stands', written: true } },
      { failure: { code: 'registry-denied' } },
      { failure: { code: 'registry-denied' } },
    ]);
    stop.abort();
    await keeping;
    expect(await desk.leave(never)).toMatchObject({ ok: true });
    expect(await reader.list(mine, never)).toMatchObject({ ok: true, value: { entries: [] } });
    expect(await reader.list('/portolan/', never)).toMatchObject({ failure: { code: 'registry-denied' } });
  });

  it('lets nobody read or write anything else', async () => {
    const store = open(login);
    const message = expect.stringContaining('permission denied') as string;
    const forbidden = { failure: { code: 'registry-denied', message } };
    await etcd.etcdctl('put', '/services-of-others/x', '1');
    for (const key of ['/services-of-others/x', '/', '/secrets/x', 'x'])
      expect(await store.reader.get([key], never)).toMatchObject(forbidden);
    const put = { type: 'put', key: '/secrets/x', value: '1', lease: '0' } as const;
    const answer = await store.writer().txn({ compares: [], then: [put], otherwise: [] }, never);
    expect(answer).toMatchObject(forbidden);
  });
});

describe('a missing permission', () => {
  it('is named with its prefix, to be granted as it is said', async () => {
    const less = scriptFor('less', '/services/');
    await etcd.script(less, 'pw\n', 'less');
    const store = open({ user: 'less', password: 'pw' });
    const keys = ['/services/less/a', '/announce/less/a'];
    const agent = agentOn(store, 'less', keys);
    void agent.start().catch(() => undefined);
    await eventually(() =>
      agent.observations.some(
        (said) =>
          said.type === 'unknown' &&
          said.failure.message.includes('the role needs read on the prefix /announce/'),
      ),
    );
    await etcd.etcdctl('role', 'grant-permission', '--prefix=true', 'less', 'read', '/announce/');
    await eventually(() => agent.observations.some(({ type }) => type === 'listed'));
    await agent.until('held');
    const [fine, refused] = await agent.apply(keys.map((key) => create(key)));
    expect(fine?.outcome.type).toBe('settled');
    expect(refused?.outcome).toMatchObject({
      failure: {
        code: 'registry-denied',
        message: expect.stringContaining(
          'permission denied; the role needs readwrite on the prefix /announce/',
        ) as string,
      },
    });
  });
});
