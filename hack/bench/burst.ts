import { setTimeout as sleep } from 'node:timers/promises';
import { duel, stagesOf } from './latency.ts';
import { type Bench, median, type Row, ratioRow } from './lib/bench.ts';
import { tidily } from './lib/cleanup.ts';
import type { Lane } from './lib/lane.ts';
import { AS_REAL_MS } from './lib/stage.ts';

/** Eight bursts of forty are 320 samples. */
const BURSTS = 8;
const AT_A_TIME = 8;
const SETTLE_MS = 300;

interface Burst {
  readonly delays: readonly number[];
  /** From the engine's last start event to the last key. */
  readonly last: number;
  readonly missed: number;
}

/** Forty containers of `docker run`, eight at a time; in turns, for the reason in `lane.ts`. */
export async function burst(bench: Bench, kind: 'real' | 'faked'): Promise<readonly Row[]> {
  const size = bench.short ? 16 : 40;
  return await tidily(async (cleanup) => {
    const stages = await stagesOf(bench, cleanup, kind, AS_REAL_MS);
    const results: (readonly Burst[][])[] = [];
    for (let run = 0; run < bench.runs; run += 1) {
      bench.say(`bursts of ${size}, ${kind} engine, run ${run + 1} of ${bench.runs}`);
      await tidily(async (ofRun) => {
        const lanes = await duel(bench, ofRun, stages, run);
        for (const lane of lanes) await once(lane, AT_A_TIME);
        const bursts: Burst[][] = lanes.map(() => []);
        for (let n = 0; n < (bench.short ? 3 : BURSTS); n += 1) {
          for (const [at, lane] of lanes.entries()) bursts[at]?.push(await once(lane, size));
        }
        results.push(bursts);
      });
    }
    return rowsOf(bench, `burst of ${size}, ${AT_A_TIME} at a time`, kind, results);
  });
}

async function once({ stage, sightings }: Lane, size: number): Promise<Burst> {
  await sightings.setClock();
  const ids: string[] = [];
  let left = size;
  await eightAtATime(async (worker) => {
    // Nobody starts eight in the same millisecond.
    await sleep((worker * AS_REAL_MS) / AT_A_TIME);
    while (left > 0) {
      left -= 1;
      ids.push(await stage.run('fixed'));
    }
  });
  const delays = (await Promise.all(ids.map((id) => sightings.delay('start', id, 5000)))).filter(
    (delay) => delay !== undefined,
  );
  const times = (what: 'start' | 'put'): number =>
    Math.max(...ids.map((id) => sightings.at(what, id)).filter((at) => at !== undefined));
  const result = { delays, last: times('put') - times('start'), missed: size - delays.length };
  const removed = ids.values();
  await eightAtATime(async () => {
    for (const id of removed) await stage.remove(id);
  });
  await sleep(SETTLE_MS);
  return result;
}

async function eightAtATime(work: (worker: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: AT_A_TIME }, (_, worker) => work(worker)));
}

function rowsOf(bench: Bench, what: string, kind: string, results: readonly (readonly Burst[][])[]): Row[] {
  const each = (lane: number, of: (bursts: readonly Burst[]) => number): number[] =>
    results.map((run) => of(run[lane] ?? []));
  const perContainer = (bursts: readonly Burst[]): number => median(bursts.flatMap(({ delays }) => delays));
  const last = (bursts: readonly Burst[]): number => median(bursts.map((one) => one.last));
  const missed = (lane: number): number =>
    each(lane, (bursts) => bursts.reduce((sum, one) => sum + one.missed, 0)).reduce((a, b) => a + b, 0);
  const lasts = [each(0, last), each(1, last)] as const;
  const excess = median(lasts[0].map((value, run) => value - 1.5 * (lasts[1][run] ?? Number.NaN)));
  const allowed = bench.short ? 50 : 5;
  return [
    ratioRow(bench, {
      measure: `${what}, per container, p50 (${kind} engine)`,
      portolan: each(0, perContainer),
      baseline: each(1, perContainer),
      limit: 0.7,
      unit: 'ms',
      details: results.map((run) => run.map((bursts) => bursts.map(({ delays }) => delays))),
    }),
    {
      measure: `${what}, the last one visible (${kind} engine)`,
      portolan: `${median(lasts[0]).toFixed(2)} ms`,
      baseline: `${median(lasts[1]).toFixed(2)} ms`,
      ratio: median(lasts[0]) / median(lasts[1]),
      limit: `1.5x + ${allowed} ms`,
      kept: excess <= allowed,
      details: results.map((run) => run.map((bursts) => bursts.map((one) => one.last))),
    },
    {
      measure: `${what}, never seen (${kind} engine)`,
      portolan: String(missed(0)),
      baseline: String(missed(1)),
      ratio: undefined,
      limit: '0',
      kept: missed(0) === 0,
    },
  ];
}
