import { setMaxListeners } from 'node:events';
import { Janitor } from '../../src/controller/janitor.ts';
import type { Change } from '../../src/core/plan.ts';
import type { Log } from '../../src/core/ports.ts';
import { openEtcd } from '../../src/provider/etcd/store.ts';
import { createKvProvider, type KvProvider } from '../../src/provider/kv/provider.ts';
import type { KvWriter, Transaction } from '../../src/provider/kv/store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../../test/kit/eventually.ts';
import type { Bench, Row } from './lib/bench.ts';
import { tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';

const AGENTS = 50;
const RECORDS = 200;
const TTL_SECONDS = 3;
const GRACE_MS = 1_000;
/** From the end of the grace to the last deletion. */
const LIMIT_MS = 2_000;
/** Transactions that guard a deletion, for each record. */
const LIMIT_TRANSACTIONS = 2;
const GONE = 'gone';

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

/** What the agents did about the lost host's records; times are monotonic milliseconds. */
interface Deeds {
  /** Transactions that would delete some of them, whether they succeeded or not. */
  transactions: number;
  readonly deleted: string[];
  lastAt: number;
}

/** Many agents, each with a connection of its own, find one lost host: who removes its records, how often, how soon. */
export async function lost(bench: Bench): Promise<readonly Row[]> {
  bench.say(`${AGENTS} agents, one lost host with ${RECORDS} records`);
  return await tidily(async (cleanup) => {
    const etcd = await BenchEtcd.start(bench, cleanup);
    const stop = new AbortController();
    setMaxListeners(0, stop.signal);
    cleanup.defer(() => {
      stop.abort();
    });
    const deeds: Deeds = { transactions: 0, deleted: [], lastAt: 0 };
    const agents = Array.from({ length: AGENTS }, (_, n) => agentOf(`agent-${n}`, etcd, deeds));
    for (const { provider } of agents) cleanup.defer(() => provider.reader.close());
    const running = agents.map(({ provider, janitor }) => runAgent(provider, janitor, stop.signal));
    cleanup.defer(async () => {
      stop.abort();
      await Promise.all(running);
    });
    await leaveRecords(etcd);
    const [first] = agents;
    if (first === undefined) throw new Error('no agents');
    await eventually(() => first.janitor.absences.has(GONE), { deadlineMs: 60_000, what: 'the loss' });
    const graceOver = (first.janitor.absences.get(GONE)?.since ?? Number.NaN) + GRACE_MS;
    await eventually(async () => (await etcd.count(`/services/${GONE}/`)) === 0, { deadlineMs: 30_000 });
    await eventually(async () => (await etcd.count(`/portolan/cards/${GONE}`)) === 0, { deadlineMs: 30_000 });
    return rowsOf(deeds, graceOver, bench.short);
  });
}

function agentOf(owner: string, etcd: BenchEtcd, deeds: Deeds): { provider: KvProvider; janitor: Janitor } {
  const store = openEtcd({ endpoints: [etcd.address], clock: systemClock });
  const provider = providerOf(owner, { ...store, writer: () => watched(store.writer(), deeds) }, 15);
  const { fleet, estates } = provider;
  const janitor = new Janitor({
    ...{ target: 'etcd', fleet, estates, policy: 'sync', self: owner, graceMs: GRACE_MS, log },
    ...{ probe: () => Promise.resolve('silent'), clock: systemClock, random: Math.random, onChange: quiet },
  });
  return { provider, janitor };
}

function providerOf(owner: string, store: ReturnType<typeof openEtcd>, ttlSeconds: number): KvProvider {
  const identity = { instance: owner, name: owner, addresses: ['127.0.0.1'], version: '0', since: 0 };
  return createKvProvider({
    ...{ target: 'etcd', store: store.reader, owner, prefixes: ['/services/'] },
    ...{ clock: systemClock, random: Math.random, log },
    writing: { writer: store.writer(), identity, ttlSeconds },
  });
}

async function runAgent({ writer, fleet }: KvProvider, janitor: Janitor, signal: AbortSignal): Promise<void> {
  await Promise.all([writer?.keepSession(signal), fleet.run(signal), janitor.run(signal)]);
}

/** A host writes its records and is never heard of again. */
async function leaveRecords(etcd: BenchEtcd): Promise<void> {
  const provider = providerOf(GONE, openEtcd({ endpoints: [etcd.address], clock: systemClock }), TTL_SECONDS);
  const life = new AbortController();
  const session = provider.writer?.keepSession(life.signal);
  const changes = Array.from({ length: RECORDS }, (_, n): Change => {
    const key = `/services/${GONE}/${n}`;
    const cause = { code: 'started', at: 0, explained: true } as const;
    return { action: 'create', key, value: '{}', group: key, leased: false, entryRevision: undefined, cause };
  });
  await eventually(
    async () => {
      const results = (await provider.writer?.apply(changes, life.signal)) ?? [];
      return results.length === RECORDS && results.every(({ outcome }) => outcome.type === 'settled');
    },
    { deadlineMs: 30_000, what: 'the records of the lost host' },
  );
  life.abort();
  await session;
  await provider.reader.close();
}

/** A writer of which every deletion of the lost host's records is noted. */
function watched(writer: KvWriter, deeds: Deeds): KvWriter {
  return {
    txn: async (transaction, signal) => {
      const keys = deletedBy(transaction);
      const result = await writer.txn(transaction, signal);
      if (keys.length > 0) deeds.transactions += 1;
      if (keys.length > 0 && result.ok && result.value.succeeded) {
        deeds.deleted.push(...keys);
        deeds.lastAt = systemClock.monotonic();
      }
      return result;
    },
    leaseGrant: (...args) => writer.leaseGrant(...args),
    leaseKeepAlive: (...args) => writer.leaseKeepAlive(...args),
    leaseTimeToLive: (...args) => writer.leaseTimeToLive(...args),
    leaseRevoke: (...args) => writer.leaseRevoke(...args),
  };
}

function deletedBy({ then }: Transaction): readonly string[] {
  return then
    .filter(({ type, key }) => type === 'delete' && key.startsWith(`/services/${GONE}/`))
    .map(({ key }) => key);
}

function rowsOf({ transactions, deleted, lastAt }: Deeds, graceOver: number, short: boolean): readonly Row[] {
  const once = deleted.length === RECORDS && new Set(deleted).size === RECORDS;
  const took = lastAt - graceOver;
  const common = { baseline: '-', ratio: undefined } as const;
  return [
    {
      ...common,
      measure: `deletions of the ${RECORDS} records of a lost host by ${AGENTS} agents`,
      portolan: String(deleted.length),
      limit: `${RECORDS}, none twice`,
      kept: once,
    },
    {
      ...common,
      measure: 'transactions that guard them',
      portolan: String(transactions),
      limit: String(RECORDS * LIMIT_TRANSACTIONS),
      kept: transactions <= RECORDS * LIMIT_TRANSACTIONS,
    },
    {
      ...common,
      measure: 'from the end of the grace to the last of them',
      portolan: `${took.toFixed(0)} ms`,
      limit: `${LIMIT_MS} ms`,
      // A time is no ratio: in a short run, on a shared machine, it is only shown.
      kept: short ? undefined : took < LIMIT_MS,
    },
  ];
}
