import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, median, type Row } from './lib/bench.ts';
import { type Cleanup, tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';
import { memoryOf } from './lib/process-facts.ts';
import { FakeStage } from './lib/stage.ts';
import { launchAgent, launchBare, type Subject } from './lib/subject.ts';

/** Services to MiB. */
const LIMITS: readonly (readonly [number, number])[] = [
  [40, 100],
  [1000, 120],
  [10_000, 220],
];

interface Weight {
  readonly peak: number;
  readonly later: number;
}

/** The highest RSS until all is in the registry, and the RSS after five minutes in which nothing happened. */
export async function memory(bench: Bench): Promise<readonly Row[]> {
  const laterMs = bench.short ? 5000 : 300_000;
  const limits = bench.short ? LIMITS.slice(0, 2) : LIMITS;
  const results: (readonly (readonly [Weight, Weight])[])[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    bench.say(`memory, run ${run + 1} of ${bench.runs}`);
    results.push(
      await tidily(async (cleanup) => {
        const waiting: Promise<readonly [Weight, Weight]>[] = [];
        for (const [services] of limits) waiting.push((await weigh(bench, cleanup, services, laterMs)).later);
        return await Promise.all(waiting);
      }),
    );
  }
  return limits.flatMap(([services, limit], at) =>
    rowsOf(
      bench,
      services,
      bench.short ? 2 * limit : limit,
      laterMs,
      results.flatMap((run) => run.slice(at, at + 1)),
    ),
  );
}

/** Converged when this resolves; what it weighs later comes later. */
async function weigh(
  bench: Bench,
  cleanup: Cleanup,
  services: number,
  laterMs: number,
): Promise<{ readonly later: Promise<readonly [Weight, Weight]> }> {
  const stage = await FakeStage.start(bench, cleanup, services);
  const etcds = [await BenchEtcd.start(bench, cleanup), await BenchEtcd.start(bench, cleanup)] as const;
  const agent = launchAgent(bench, cleanup, { socket: stage.socket, etcd: etcds[0].address, owner: 'bench' });
  await agent.ready();
  const bare = launchBare(bench, cleanup, { socket: stage.socket, etcd: etcds[1].address, all: true });
  await bare.ready();
  const peaks = [peakOf(agent), peakOf(bare)] as const;
  const later = async (): Promise<readonly [Weight, Weight]> => {
    await sleep(laterMs);
    return [
      { peak: peaks[0], later: memoryOf(agent.child.pid).rssMiB },
      { peak: peaks[1], later: memoryOf(bare.child.pid).rssMiB },
    ];
  };
  return { later: later() };
}

function peakOf({ child }: Subject): number {
  return memoryOf(child.pid).peakMiB;
}

function rowsOf(
  bench: Bench,
  services: number,
  limit: number,
  laterMs: number,
  results: readonly (readonly [Weight, Weight])[],
): Row[] {
  const row = (measure: string, of: (weight: Weight) => number): Row => {
    const [ours, theirs] = [
      median(results.map(([agent]) => of(agent))),
      median(results.map(([, bare]) => of(bare))),
    ];
    return {
      measure: `memory, ${services} services, ${measure}`,
      portolan: `${ours.toFixed(0)} MiB`,
      baseline: `${theirs.toFixed(0)} MiB`,
      ratio: ours / theirs,
      limit: `${limit} MiB`,
      kept: ours < limit,
      details: results,
    };
  };
  return [
    row('peak until converged', ({ peak }) => peak),
    row(`after ${bench.short ? `${laterMs / 1000} s` : '5 min'}`, ({ later }) => later),
  ];
}
