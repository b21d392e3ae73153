import { type Bench, percentile, type Row, ratioRow } from './lib/bench.ts';
import { type Cleanup, tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';
import { type Lane, type Reached, series } from './lib/lane.ts';
import { Sightings } from './lib/sightings.ts';
import { FakeStage, type PortKind, RealStage, type Stage } from './lib/stage.ts';
import { launchAgent, launchBare } from './lib/subject.ts';

const WARM_UP = { full: 12, short: 5 };

/** Where the first container of the second faked engine starts to count. */
const SECOND = 1_000_000;

/** Two engines of a kind, for two subjects at a time. */
export async function stagesOf(
  bench: Bench,
  cleanup: Cleanup,
  kind: 'real' | 'faked',
  earlierMs?: number,
): Promise<readonly [Stage, Stage]> {
  return kind === 'real'
    ? [await RealStage.start(cleanup), await RealStage.start(cleanup)]
    : [
        await FakeStage.start(bench, cleanup, 0, 1, earlierMs),
        await FakeStage.start(bench, cleanup, 0, SECOND, earlierMs),
      ];
}

/** The agent and the bare script beside one registry; in each further run they change engines. */
export async function duel(
  bench: Bench,
  cleanup: Cleanup,
  stages: readonly [Stage, Stage],
  run: number,
): Promise<readonly [Lane, Lane]> {
  const etcd = await BenchEtcd.start(bench, cleanup);
  const [first, second] = run % 2 === 0 ? stages : [stages[1], stages[0]];
  const sightings = await Sightings.start(bench, cleanup, etcd.address, [first.socket, second.socket]);
  const agent = launchAgent(bench, cleanup, { socket: first.socket, etcd: etcd.address, owner: 'bench' });
  const bare = launchBare(bench, cleanup, { socket: second.socket, etcd: etcd.address });
  await Promise.all([agent.ready(), bare.ready()]);
  return [
    { name: 'Portolan', subject: agent, stage: first, sightings },
    { name: 'bare script', subject: bare, stage: second, sightings },
  ];
}

type Results = readonly (readonly Reached[])[];

/** Event to another process's watch, one container at a time. */
export async function latency(bench: Bench, kind: 'real' | 'faked'): Promise<readonly Row[]> {
  return await tidily(async (cleanup) => {
    const stages = await stagesOf(bench, cleanup, kind);
    const fixed: (readonly Reached[])[] = [];
    const ephemeral: (readonly Reached[])[] = [];
    for (let run = 0; run < bench.runs; run += 1) {
      bench.say(`latency, ${kind} engine, run ${String(run + 1)} of ${String(bench.runs)}`);
      await tidily(async (ofRun) => {
        const lanes = await duel(bench, ofRun, stages, run);
        const measure = (port: PortKind): Promise<readonly Reached[]> =>
          series({ lanes, port, samples: bench.samples, warmUp: bench.short ? WARM_UP.short : WARM_UP.full });
        fixed.push(await measure('fixed'));
        ephemeral.push(await measure('ephemeral'));
      });
    }
    return rowsOf(bench, kind, fixed, ephemeral);
  });
}

function rowsOf(bench: Bench, kind: string, fixed: Results, ephemeral: Results): readonly Row[] {
  const both = fixed.map((run, index) => run.map((lane, at) => together(lane, ephemeral[index]?.[at])));
  const pair = (
    measure: string,
    results: Results,
    of: (lane: Reached) => readonly number[],
    limits: readonly [number, number],
  ): Row[] => [
    percentileRow(bench, `${measure}, p50 (${kind} engine)`, results, of, 50, limits[0]),
    percentileRow(bench, `${measure}, p95 (${kind} engine)`, results, of, 95, limits[1]),
  ];
  return [
    ...pair('start to watch, fixed port', fixed, ({ start }) => start, [0.9, 1.2]),
    ...pair('start to watch, ephemeral port', ephemeral, ({ start }) => start, [1.15, 1.5]),
    ...pair('die to deletion, exited', both, ({ exit }) => exit, [1.15, 1.5]),
    ...pair('die to deletion, killed', both, ({ kill }) => kill, [1.15, 1.5]),
    missedRow(`started and ended, never seen (${kind} engine)`, both),
    cpuRow(`CPU, one container that comes and goes (${kind} engine)`, both, ({ cpuMs }) => cpuMs),
    cpuRow(`CPU of its engine (${kind})`, both, ({ engineCpuMs }) => engineCpuMs),
  ];
}

function together(a: Reached, b: Reached | undefined): Reached {
  if (b === undefined) return a;
  return {
    start: [...a.start, ...b.start],
    exit: [...a.exit, ...b.exit],
    kill: [...a.kill, ...b.kill],
    missed: a.missed + b.missed,
    cpuMs: (a.cpuMs + b.cpuMs) / 2,
    engineCpuMs: (a.engineCpuMs + b.engineCpuMs) / 2,
  };
}

function percentileRow(
  bench: Bench,
  measure: string,
  results: Results,
  of: (lane: Reached) => readonly number[],
  percent: number,
  limit: number,
): Row {
  const lane = (at: number): number[][] => results.map((run) => [...of(run[at] ?? EMPTY)]);
  const at = (values: readonly number[][]): number[] => values.map((run) => percentile(run, percent));
  const samples = lane(0).map((run) => run.length);
  return ratioRow(bench, {
    measure,
    portolan: at(lane(0)),
    baseline: at(lane(1)),
    limit,
    onlyInFull: percent > 50,
    unit: 'ms',
    details: { samples, portolan: lane(0), baseline: lane(1) },
  });
}

const EMPTY: Reached = { start: [], exit: [], kill: [], missed: 0, cpuMs: 0, engineCpuMs: 0 };

/** What the bare script misses is its own affair, and shows that a miss would be seen. */
function missedRow(measure: string, results: Results): Row {
  const missed = (at: number): number => results.reduce((sum, run) => sum + (run[at]?.missed ?? 0), 0);
  return {
    measure,
    portolan: String(missed(0)),
    baseline: String(missed(1)),
    ratio: undefined,
    limit: '0',
    kept: missed(0) === 0,
  };
}

/** Shown here; judged where thousands of changes are counted. */
function cpuRow(measure: string, results: Results, of: (lane: Reached) => number): Row {
  const at = (lane: number): number =>
    percentile(
      results.map((run) => of(run[lane] ?? EMPTY)),
      50,
    );
  return {
    measure,
    portolan: `${at(0).toFixed(2)} ms`,
    baseline: `${at(1).toFixed(2)} ms`,
    ratio: at(0) / at(1),
    limit: '-',
    kept: undefined,
  };
}
