import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../test/kit/eventually.ts';
import { type Bench, median, type Row } from './lib/bench.ts';
import { type Cleanup, tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';
import { cpuMs } from './lib/process-facts.ts';
import { FakeStage } from './lib/stage.ts';
import { launchAgent, launchBare } from './lib/subject.ts';

const LIMIT_MS = 3000;

/** How long a restarted agent is watched for writes that nobody asked for. */
const WATCHED_MS = 3000;

interface Start {
  readonly ms: number;
  readonly cpuMs: number;
}

interface Restart extends Start {
  readonly writes: number;
}

/** From exec until the last record of a full host is in an empty etcd, and a restart after that. */
export async function coldStart(bench: Bench): Promise<readonly Row[]> {
  const containers = bench.short ? 1000 : 10_000;
  return await tidily(async (cleanup) => {
    const stage = await FakeStage.start(bench, cleanup, containers);
    const agents: Start[] = [];
    const restarts: Restart[] = [];
    const bare: Start[] = [];
    for (let run = 0; run < bench.runs; run += 1) {
      bench.say(`cold start of ${containers} containers, run ${run + 1} of ${bench.runs}`);
      await tidily(async (ofRun) => {
        const [start, restart] = await startAgent(bench, ofRun, stage.socket, containers);
        agents.push(start);
        restarts.push(restart);
      });
      await tidily(async (ofRun) => {
        bare.push(await startBare(bench, ofRun, stage.socket, containers));
      });
    }
    return rowsOf(bench, containers, agents, restarts, bare);
  });
}

async function startAgent(
  bench: Bench,
  cleanup: Cleanup,
  socket: string,
  containers: number,
): Promise<readonly [Start, Restart]> {
  const etcd = await BenchEtcd.start(bench, cleanup);
  const options = { socket, etcd: etcd.address, owner: 'bench' };
  const since = performance.now();
  const first = launchAgent(bench, cleanup, options);
  await filled(etcd, ['/services/', '/announce/'], containers);
  const start = { ms: performance.now() - since, cpuMs: cpuMs(first.child.pid) };
  await first.ready();
  await first.child.stop();
  const revision = await etcd.revision();
  const again = performance.now();
  const second = launchAgent(bench, cleanup, { ...options, stateDir: first.stateDir });
  await second.ready();
  const restarted = { ms: performance.now() - again, cpuMs: cpuMs(second.child.pid) };
  await sleep(WATCHED_MS);
  return [start, { ...restarted, writes: (await etcd.revision()) - revision }];
}

async function startBare(bench: Bench, cleanup: Cleanup, socket: string, containers: number): Promise<Start> {
  const etcd = await BenchEtcd.start(bench, cleanup);
  const since = performance.now();
  const { child } = launchBare(bench, cleanup, { socket, etcd: etcd.address, all: true });
  await filled(etcd, ['/bare/'], containers);
  return { ms: performance.now() - since, cpuMs: cpuMs(child.pid) };
}

async function filled(etcd: BenchEtcd, prefixes: readonly string[], containers: number): Promise<void> {
  const look = async (): Promise<boolean> => {
    for (const prefix of prefixes) if ((await etcd.count(prefix)) < containers) return false;
    return true;
  };
  await eventually(look, { deadlineMs: 300_000, everyMs: 20, what: `${containers} records in etcd` });
}

function rowsOf(
  bench: Bench,
  containers: number,
  agents: readonly Start[],
  restarts: readonly Restart[],
  bare: readonly Start[],
): Row[] {
  const text = (starts: readonly Start[]): string =>
    `${middle(starts).toFixed(0)} ms (CPU ${median(starts.map((start) => start.cpuMs)).toFixed(0)} ms)`;
  const writes = restarts.map((restart) => restart.writes);
  const details = { agents, restarts, bare };
  return [
    {
      measure: `cold start, ${containers} containers, exec to the last record`,
      portolan: text(agents),
      baseline: text(bare),
      ratio: middle(agents) / middle(bare),
      limit: bench.short ? '5x' : `${LIMIT_MS} ms`,
      kept: bench.short ? middle(agents) <= 5 * middle(bare) : middle(agents) < LIMIT_MS,
      details,
    },
    {
      measure: `restart with nothing changed, ${containers} containers, writes besides the heartbeat`,
      portolan: `${Math.max(...writes) - 1} (ready after ${middle(restarts).toFixed(0)} ms)`,
      baseline: `${containers} by the bare script`,
      ratio: undefined,
      limit: '0',
      kept: writes.every((count) => count === 1),
      details,
    },
  ];
}

function middle(starts: readonly Start[]): number {
  return median(starts.map(({ ms }) => ms));
}
