import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Row } from './lib/bench.ts';
import { tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';
import { cpuMs } from './lib/process-facts.ts';
import { FakeStage } from './lib/stage.ts';
import { launchAgent, launchBare, type Subject } from './lib/subject.ts';

/** The default TTL of the host's lease is 15 s. */
const THIRD_OF_TTL_MS = 5000;
const LIMIT_PERCENT = { full: 0.3, short: 3 };
const WARM_UP_MS = 15_000;

interface Idle {
  readonly writes: number;
  readonly keepAlives: number;
  readonly reads: number;
  readonly cpuPercent: number;
}

/** Nothing happens: what is written, and what it costs. Ten minutes; one in a short run. */
export async function steady(bench: Bench): Promise<readonly Row[]> {
  const services = bench.short ? 200 : 1000;
  const ms = bench.short ? 60_000 : 600_000;
  bench.say(`steady state, ${services} services, ${ms / 1000} s`);
  return await tidily(async (cleanup) => {
    const stage = await FakeStage.start(bench, cleanup, services);
    const etcds = [await BenchEtcd.start(bench, cleanup), await BenchEtcd.start(bench, cleanup)] as const;
    const agent = launchAgent(bench, cleanup, {
      socket: stage.socket,
      etcd: etcds[0].address,
      owner: 'bench',
    });
    const bare = launchBare(bench, cleanup, { socket: stage.socket, etcd: etcds[1].address, all: true });
    await Promise.all([agent.ready(), bare.ready()]);
    await sleep(WARM_UP_MS);
    const [ours, theirs] = await Promise.all([idle(agent, etcds[0], ms), idle(bare, etcds[1], ms)]);
    return rowsOf(services, ms, bench.short ? LIMIT_PERCENT.short : LIMIT_PERCENT.full, [ours, theirs]);
  });
}

async function idle({ child }: Subject, etcd: BenchEtcd, ms: number): Promise<Idle> {
  const look = async (): Promise<readonly [number, number, number, number]> => [
    await etcd.revision(),
    await etcd.metric('etcd_debugging_lease_renewed_total'),
    await etcd.metric('etcd_debugging_mvcc_range_total'),
    cpuMs(child.pid),
  ];
  const before = await look();
  await sleep(ms);
  const after = await look();
  return {
    writes: after[0] - before[0],
    keepAlives: after[1] - before[1],
    // The look at the revision is a range itself.
    reads: after[2] - before[2] - 1,
    cpuPercent: ((after[3] - before[3]) / ms) * 100,
  };
}

function rowsOf(services: number, ms: number, limit: number, [ours, theirs]: readonly [Idle, Idle]): Row[] {
  const due = ms / THIRD_OF_TTL_MS;
  const what = `steady state, ${services} services, ${ms / 1000} s`;
  return [
    {
      measure: `${what}: writes`,
      portolan: String(ours.writes),
      baseline: String(theirs.writes),
      ratio: undefined,
      limit: '0',
      kept: ours.writes === 0,
      details: { ours, theirs },
    },
    {
      measure: `${what}: keep-alives`,
      portolan: String(ours.keepAlives),
      baseline: String(theirs.keepAlives),
      ratio: undefined,
      limit: `${due} (one more or less)`,
      kept: Math.abs(ours.keepAlives - due) <= 1,
    },
    {
      measure: `${what}: reads of etcd`,
      portolan: String(ours.reads),
      baseline: String(theirs.reads),
      ratio: undefined,
      limit: '-',
      kept: undefined,
    },
    {
      measure: `${what}: CPU`,
      portolan: `${ours.cpuPercent.toFixed(2)} % of a core`,
      baseline: `${theirs.cpuPercent.toFixed(2)} %`,
      ratio: undefined,
      limit: `${limit} %`,
      kept: ours.cpuPercent < limit,
    },
  ];
}
