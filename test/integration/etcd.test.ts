import { afterEach, describe, expect, it } from 'vitest';
import type { EtcdCredentials } from '../../src/provider/etcd/link.ts';
import { openEtcd } from '../../src/provider/etcd/store.ts';
import { Names } from '../../src/provider/kv/names.ts';
import type { KvStore } from '../../src/provider/kv/store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { codes, create, TestAgent } from '../contract/provider-kit.ts';
import { codeOf, unwrap } from '../contract/store.contract.ts';
import { EtcdServer } from '../kit/etcd.ts';
import { EtcdCluster } from '../kit/etcd-cluster.ts';
import { etcdUsers } from '../kit/etcd-options.ts';
import { eventually } from '../kit/eventually.ts';
import { TcpProxy } from '../kit/tcp-proxy.ts';

const never = new AbortController().signal;
const owner = 'owner';
const prefix = '/services/';
const names = new Names(owner);

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function store(endpoints: readonly string[], credentials: EtcdCredentials = {}): KvStore {
  const opened = openEtcd({ endpoints, clock: systemClock, credentials: () => credentials });
  cleanups.push(() => opened.reader.close());
  return opened;
}

function agentOn(opened: KvStore, wanted: readonly string[] = [], ttlSeconds = 15): TestAgent {
  const agent = new TestAgent({ store: opened, owner, prefixes: [prefix], wanted, ttlSeconds });
  cleanups.push(() => agent.kill());
  return agent;
}

async function server(options: Parameters<typeof EtcdServer.start>[0] = {}): Promise<EtcdServer> {
  const started = await EtcdServer.start(options);
  cleanups.push(() => started.remove());
  return started;
}

/** Applies what is wanted until it is there, as the controller's queue would. */
async function converge(agent: TestAgent, keys: readonly string[], deadlineMs = 30_000): Promise<void> {
  await eventually(
    async () => {
      const missing = keys.filter((key) => !agent.seen.get(key)?.record);
      await agent.apply(missing.map((key) => create(key)));
      return missing.length === 0;
    },
    { deadlineMs, everyMs: 100, what: 'convergence' },
  );
}

describe('TLS', () => {
  it('works with the authority and a client certificate, and says why it does not without', async () => {
    const etcd = await server({ tls: true });
    const { ca, clientCertificate, clientKey } = etcd.certificates!;
    const tls = { ca: Buffer.from(ca), cert: Buffer.from(clientCertificate), key: Buffer.from(clientKey) };
    const agent = await agentOn(store([etcd.endpoint], { tls }), [`${prefix}a`]).start();
    expect(codes(await agent.apply([create(`${prefix}a`)]))).toEqual(['settled']);
    await eventually(() => agent.seen.get(`${prefix}a`)?.record?.value === 'v');

    const withoutKey = store([etcd.endpoint], { tls: { ca: tls.ca } });
    expect(await codeOf(withoutKey.reader.get(['/x'], never))).toBe('registry-unreachable');
    const withoutCa = await store([etcd.endpoint], { tls: {} }).reader.get(['/x'], never);
    expect(withoutCa).toMatchObject({ ok: false, failure: { code: 'registry-unreachable' } });
  });

  it('renewed certificate: a new connection, and no write but those that were asked for', async () => {
    const etcd = await server({ tls: true, auth: true });
    const proxy = await TcpProxy.start({ to: { port: etcd.port } });
    cleanups.push(() => proxy.stop());
    const { ca, clientCertificate, clientKey, renewClient } = etcd.certificates!;
    const shape = (cert: string, key: string, password: string): EtcdCredentials => ({
      tls: { ca: Buffer.from(ca), cert: Buffer.from(cert), key: Buffer.from(key) },
      auth: { user: 'portolan', password },
    });
    let credentials = shape(clientCertificate, clientKey, etcdUsers.portolan);
    const keys = [`${prefix}a`, `${prefix}b`];
    const endpoints = [`https://localhost:${proxy.port}`];
    const opened = openEtcd({ endpoints, clock: systemClock, credentials: () => credentials });
    cleanups.push(() => opened.reader.close());
    const agent = await agentOn(opened, keys).start();
    await agent.apply([create(keys[0]!)]);
    const before = await etcd.revision();
    const observed = agent.observations.length;
    const connections = proxy.opened;

    const { certificate, key } = await renewClient();
    credentials = shape(certificate, key, etcdUsers.portolan);
    // Each probe and each keep-alive looks; a list tells that watching goes on.
    await eventually(() => agent.observations.slice(observed).some(({ type }) => type === 'listed'), {
      deadlineMs: 30_000,
    });
    expect(proxy.opened).toBeGreaterThan(connections);
    expect(await etcd.revision()).toBe(before);
    expect(agent.observations.slice(observed).map(({ type }) => type)).not.toContain('unknown');
    expect(codes(await agent.apply([create(keys[1]!)]))).toEqual(['settled']);
    await etcd.etcdctl('put', keys[0]!, 'altered');
    await eventually(() => agent.seen.get(keys[0]!)?.record?.value === 'altered');
  });
});

describe('user and password', () => {
  it('works with them, and again after a restart of etcd has lost its tokens', async () => {
    const etcd = await server({ auth: true });
    const auth = { user: 'portolan', password: etcdUsers.portolan };
    const keys = [`${prefix}a`, `${prefix}b`];
    const agent = await agentOn(store([etcd.endpoint], { auth }), keys).start();
    expect(codes(await agent.apply([create(keys[0]!)]))).toEqual(['settled']);
    await etcd.restart();
    await converge(agent, keys);
    await agent.until('held');
  });

  it('says that the password is wrong, that there is none, or that a permission is missing', async () => {
    const etcd = await server({ auth: true });
    const wrong = store([etcd.endpoint], { auth: { user: 'portolan', password: 'wrong-secret' } });
    const answer = await wrong.reader.get(['/x'], never);
    expect(answer).toMatchObject({ ok: false, failure: { code: 'registry-denied' } });
    expect(JSON.stringify(answer)).not.toContain('wrong-secret');
    expect(await codeOf(store([etcd.endpoint]).reader.get(['/x'], never))).toBe('registry-denied');

    await etcd.etcdctl('role', 'revoke-permission', '--prefix=true', 'portolan', '/');
    await etcd.etcdctl('role', 'grant-permission', '--prefix=true', 'portolan', 'readwrite', '/portolan/');
    await etcd.etcdctl(
      'role',
      'grant-permission',
      '--prefix=true',
      'portolan',
      'readwrite',
      '/services/yes/',
    );
    const auth = { user: 'portolan', password: etcdUsers.portolan };
    const agent = await agentOn(store([etcd.endpoint], { auth })).start();
    const results = await agent.apply([create('/services/yes/a'), create('/services/no/a')]);
    expect(codes(results)).toEqual(['settled', 'registry-denied']);
  });
});

describe('etcd away', () => {
  it('killed with -9 and started again during applies: everything arrives, nothing twice', async () => {
    const etcd = await server();
    const keys = Array.from({ length: 600 }, (_, n) => `${prefix}${n}`);
    const agent = await agentOn(store([etcd.endpoint]), keys).start();
    const applying = agent.apply(keys.map((key) => create(key)));
    await etcd.kill();
    await applying;
    const refused = await agent.apply([create(`${prefix}early`)]);
    expect(['registry-unreachable', 'outcome-unknown', 'lease-lost']).toContain(codes(refused)[0]);
    await eventually(() => agent.observations.some(({ type }) => type === 'unknown'), { deadlineMs: 15_000 });
    await etcd.start();
    await converge(agent, keys);
    const { reader } = store([etcd.endpoint]);
    const { entries } = unwrap(await reader.list(prefix, never));
    expect(entries.map(({ key }) => key).sort()).toEqual([...keys].sort());
    expect(unwrap(await reader.list(names.ledger, never)).entries).toHaveLength(600);
  });

  it('hanging: every call ends in time, unknown is said, and all is well afterwards', async () => {
    const etcd = await server();
    const agent = await agentOn(store([etcd.endpoint]), [`${prefix}a`]).start();
    await etcd.pause();
    const started = performance.now();
    const results = await agent.apply(Array.from({ length: 1_000 }, (_, n) => create(`${prefix}${n}`)));
    expect(performance.now() - started).toBeLessThan(3_000);
    expect(new Set(codes(results))).toEqual(new Set(['outcome-unknown', 'registry-unreachable']));
    expect(await codeOf(agent.reader.records(never))).toBe('registry-timeout');
    await eventually(() => agent.observations.at(-1)?.type === 'unknown' || agent.session.type === 'lost', {
      deadlineMs: 15_000,
    });
    await etcd.unpause();
    await converge(agent, [`${prefix}a`]);
    await agent.until('held');
  });

  it('hanging before the first connection does not hold anything up', async () => {
    const etcd = await server();
    await etcd.pause();
    const agent = agentOn(store([etcd.endpoint]));
    agent.begin();
    await eventually(() => agent.observations.some(({ type }) => type === 'unknown'), { deadlineMs: 6_000 });
    await etcd.unpause();
    await eventually(() => agent.lists.length > 0);
    await agent.until('held');
  });

  it('away for longer than the lease lives: the session is lost and taken again, the records are still there', async () => {
    const etcd = await server();
    const agent = await agentOn(store([etcd.endpoint]), [`${prefix}a`], 2).start();
    await agent.apply([create(`${prefix}a`)]);
    await etcd.stop();
    await eventually(() => agent.session.type === 'lost', { deadlineMs: 15_000 });
    await etcd.start();
    const other = store([etcd.endpoint]);
    await eventually(() => agent.session.type === 'held');
    expect(unwrap(await other.reader.get([`${prefix}a`], never)).entries.size).toBe(1);
    expect(codes(await agent.apply([create(`${prefix}b`)]))).toEqual(['settled']);
  });

  it('connections that are cut or dead without a word: events are not missed', async () => {
    const etcd = await server();
    const proxy = await TcpProxy.start({ to: { port: etcd.port } });
    cleanups.push(() => proxy.stop());
    const agent = await agentOn(store([`http://127.0.0.1:${proxy.port}`]), [
      `${prefix}a`,
      `${prefix}b`,
    ]).start();
    proxy.cut();
    await etcd.etcdctl('put', `${prefix}a`, 'after the cut');
    await eventually(() => agent.seen.get(`${prefix}a`)?.record?.value === 'after the cut');
    proxy.freezeExisting();
    await etcd.etcdctl('put', `${prefix}b`, 'after the freeze');
    await eventually(() => agent.seen.get(`${prefix}b`)?.record?.value === 'after the freeze', {
      deadlineMs: 30_000,
    });
  });

  it('restored from an older backup: another view of the same cluster is noticed', async () => {
    const etcd = await server();
    const keys = [`${prefix}a`, `${prefix}b`];
    const agent = await agentOn(store([etcd.endpoint]), keys).start();
    await agent.apply([create(keys[0]!)]);
    await etcd.backup();
    await agent.apply([create(keys[1]!)]);
    for (let n = 0; n < 20; n += 1) await etcd.etcdctl('put', '/elsewhere', n.toString());
    await etcd.restore();
    await eventually(() => agent.lists.at(-1)?.replaced === true, { deadlineMs: 30_000 });
    expect([...(agent.lists.at(-1)?.records.keys() ?? [])]).toEqual([keys[0]]);
    await converge(agent, keys);
    await agent.until('held');
  });

  it('leaves nothing behind after close', async () => {
    const etcd = await server();
    const proxy = await TcpProxy.start({ to: { port: etcd.port } });
    cleanups.push(() => proxy.stop());
    const opened = store([`http://127.0.0.1:${proxy.port}`]);
    const agent = await agentOn(opened, [`${prefix}a`]).start();
    await agent.kill();
    await agent.reader.close();
    await eventually(() => proxy.connections === 0, { deadlineMs: 15_000 });
    const before = proxy.opened;
    expect(await codeOf(opened.reader.get(['/x'], never))).toBe('registry-unreachable');
    expect(proxy.opened).toBe(before);
  });
});

describe('a cluster of three', () => {
  it('goes on when the leader is killed, and when a member hangs', async () => {
    const cluster = await EtcdCluster.start();
    cleanups.push(() => cluster.remove());
    const keys = Array.from({ length: 300 }, (_, n) => `${prefix}${n}`);
    const agent = await agentOn(store(cluster.endpoints), keys).start();
    await agent.apply(keys.slice(0, 100).map((key) => create(key)));
    const leader = await cluster.leader();
    await leader.kill();
    await converge(agent, keys.slice(0, 200));
    const rest = cluster.members.filter((member) => member !== leader);
    await rest[0]!.etcdctl('put', keys[0]!, 'altered');
    await eventually(() => agent.seen.get(keys[0]!)?.record?.value === 'altered');
    await leader.start();

    // The member in use is the one that must not matter: each hangs in turn.
    for (const [n, member] of cluster.members.entries()) {
      await member.pause();
      await converge(agent, keys.slice(0, 220 + n * 20));
      await member.unpause();
      await member.ready();
    }
    await agent.until('held');
  });

  it('needs only one living endpoint of those it was given', async () => {
    const etcd = await server();
    const opened = store(['http://127.0.0.1:1', 'http://127.0.0.1:2', etcd.endpoint]);
    expect(await codeOf(opened.reader.get(['/x'], never))).toBe('ok');
    const agent = await agentOn(opened).start();
    expect(codes(await agent.apply([create(`${prefix}a`)]))).toEqual(['settled']);
  });
});
