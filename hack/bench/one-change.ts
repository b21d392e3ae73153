import { type Bench, median, type Row, ratioRow } from './lib/bench.ts';
import { type Cleanup, tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';
import { type Lane, type Reached, series } from './lib/lane.ts';
import { Sightings } from './lib/sightings.ts';
import { FakeStage } from './lib/stage.ts';
import { launchAgent, launchBare } from './lib/subject.ts';

const FEW = 10;
const WARM_UP = 20;

/** The same change on a full host, on an empty one, and by the bare script, which does not know what else there is. */
export async function oneChange(bench: Bench): Promise<readonly Row[]> {
  const many = bench.short ? 1000 : 10_000;
  const results: (readonly Reached[])[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    bench.say(`one change among ${many}, run ${run + 1} of ${bench.runs}`);
    await tidily(async (cleanup) => {
      const lanes = [
        await agentLane(bench, cleanup, many),
        await agentLane(bench, cleanup, FEW),
        await bareLane(bench, cleanup),
      ];
      results.push(
        await series({ lanes, port: 'fixed', samples: bench.samples, warmUp: bench.short ? 5 : WARM_UP }),
      );
    });
  }
  return rowsOf(bench, many, results);
}

async function agentLane(bench: Bench, cleanup: Cleanup, containers: number): Promise<Lane> {
  const stage = await FakeStage.start(bench, cleanup, containers);
  const etcd = await BenchEtcd.start(bench, cleanup);
  const subject = launchAgent(bench, cleanup, { socket: stage.socket, etcd: etcd.address, owner: 'bench' });
  await subject.ready();
  const sightings = await Sightings.start(bench, cleanup, etcd.address, [stage.socket]);
  return { name: `Portolan, ${containers} services`, subject, stage, sightings };
}

async function bareLane(bench: Bench, cleanup: Cleanup): Promise<Lane> {
  const stage = await FakeStage.start(bench, cleanup, FEW);
  const etcd = await BenchEtcd.start(bench, cleanup);
  const subject = launchBare(bench, cleanup, { socket: stage.socket, etcd: etcd.address });
  await subject.ready();
  const sightings = await Sightings.start(bench, cleanup, etcd.address, [stage.socket]);
  return { name: 'bare script', subject, stage, sightings };
}

function rowsOf(bench: Bench, many: number, results: readonly (readonly Reached[])[]): Row[] {
  const each = (lane: number, of: (reached: Reached) => number): number[] =>
    results.flatMap((run) => run.slice(lane, lane + 1).map(of));
  const start = (reached: Reached): number => median(reached.start);
  // A container that comes and goes is two changes.
  const cpu = (reached: Reached): number => reached.cpuMs / 2;
  const among = `one change among ${many}, against among ${FEW}`;
  const row = (
    measure: string,
    lanes: readonly [number, number],
    of: typeof cpu,
    limit: number,
    onlyInFull = false,
  ): Row =>
    ratioRow(bench, {
      measure,
      onlyInFull,
      portolan: each(lanes[0], of),
      baseline: each(lanes[1], of),
      limit,
      unit: 'ms',
    });
  return [
    row(`${among}: start to watch, p50`, [0, 1], start, 1.3),
    row(`${among}: CPU`, [0, 1], cpu, 1.3),
    // The kernel counts in steps of 10 ms, which is as much as the bare script takes for a few changes.
    row(`CPU of one change among ${many}, against the bare script`, [0, 2], cpu, 1.5, true),
    row(`CPU of one change among ${FEW}, against the bare script`, [1, 2], cpu, 1.5, true),
  ];
}
