import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../test/kit/eventually.ts';
import { get } from '../../test/kit/web-server.ts';
import { type Bench, percentile, type Row, ratioRow } from './lib/bench.ts';
import { tidily } from './lib/cleanup.ts';
import { RouteBed, type RouteLane } from './lib/route-bed.ts';
import { RouteService } from './lib/route-service.ts';
import { recalibrate, wallNow } from './lib/wall-clock.ts';

const WARM_UP = 5;
const SETTLE_MS = 50;
const OUT_LIMIT_MS = 50;

/** Milliseconds after the engine's event, on one host, until the HAProxy of another has it. */
interface Reached {
  readonly start: number[];
  readonly out: number[];
}

export async function routeLatency(bench: Bench): Promise<readonly Row[]> {
  const runs: (readonly [Reached, Reached])[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    bench.say(`events to HAProxy, run ${String(run + 1)} of ${String(bench.runs)}`);
    await tidily(async (cleanup) => {
      const bed = await RouteBed.start(bench, cleanup, 0);
      const lanes = [await bed.portolan(), await bed.bare('follow')] as const;
      runs.push(await series(bench, bed, lanes));
    });
  }
  return rowsOf(bench, runs);
}

/** One container at a time, in turns: two that have work at the same time would take the cores from each other. */
async function series(
  bench: Bench,
  bed: RouteBed,
  lanes: readonly [RouteLane, RouteLane],
): Promise<readonly [Reached, Reached]> {
  const reached = [emptyReached(), emptyReached()] as const;
  const steady = lanes.map((lane) => new RouteService(lane, bed.applications, 'steady.example'));
  for (const service of steady) {
    await service.scale(1);
    await service.served();
  }
  for (const { stage } of lanes) await stage.setClock();
  recalibrate();
  for (let n = -WARM_UP; n < bench.samples; n += 1)
    for (const lane of n % 2 === 0 ? [0, 1] : [1, 0]) {
      const [of, service] = [lanes[lane], steady[lane]];
      if (of === undefined || service === undefined) continue;
      // What follows the last change, such as its files, is over by then.
      await sleep(SETTLE_MS);
      const into = n < 0 ? emptyReached() : (reached[lane] ?? emptyReached());
      into.start.push(await firstAnswer(of, bed, `new-${String(n + WARM_UP)}.example`));
      await sleep(SETTLE_MS);
      into.out.push(await outOfRotation(of, service));
    }
  return reached;
}

/** A service that nobody knew before: from its container's start to the first answer. */
async function firstAnswer(lane: RouteLane, bed: RouteBed, host: string): Promise<number> {
  const service = new RouteService(lane, bed.applications, host);
  const answered = service.run();
  const { container, at } = await answered;
  const deadline = performance.now() + 5000;
  for (;;) {
    const { status } = await get(lane.haproxy.port, host);
    if (status === 200) break;
    if (performance.now() > deadline) throw new Error(`${lane.name}: ${host} was never served`);
    await sleep(1);
  }
  const took = wallNow() - at;
  await service.stop(container, 'exit');
  return took;
}

/** One of two containers is told to stop: from the engine's `kill` until HAProxy sends it nothing any more. */
async function outOfRotation(lane: RouteLane, service: RouteService): Promise<number> {
  const { haproxy } = lane;
  const { container } = await service.run();
  const row = async (): Promise<readonly string[] | undefined> => {
    const said = await haproxy.ask('show servers state');
    const short = container.id.slice(0, 12);
    return said
      .split('\n')
      .map((line) => line.split(' '))
      .find((cells) => cells[3] === short);
  };
  // srv_op_state, srv_admin_state
  const inRotation = (cells: readonly string[] | undefined): boolean => cells?.[6] === '0';
  await eventually(async () => inRotation(await row()), { everyMs: 2, what: 'a container in rotation' });
  let leftAt: number | undefined;
  const watching = (async () => {
    while (leftAt === undefined) {
      if (!inRotation(await row())) leftAt = wallNow();
      else await sleep(1);
    }
  })();
  const at = await service.stop(container, 'finish');
  await watching;
  return (leftAt ?? Number.NaN) - at;
}

function rowsOf(bench: Bench, runs: readonly (readonly [Reached, Reached])[]): readonly Row[] {
  const start = (percent: number, onlyInFull: boolean): Row =>
    ratioRow(bench, {
      measure: `start to first 200 through HAProxy on another host, p${String(percent)}`,
      portolan: runs.map(([own]) => percentile(own.start, percent)),
      baseline: runs.map(([, bare]) => percentile(bare.start, percent)),
      limit: 1.5,
      onlyInFull,
      unit: 'ms',
      details: runs.map(([own, bare]) => ({ portolan: own.start, baseline: bare.start })),
    });
  const out = (lane: 0 | 1): number =>
    percentile(
      runs.flatMap((run) => run[lane].out),
      99,
    );
  return [
    start(50, false),
    start(95, true),
    {
      measure: 'kill to out of rotation on another host, p99',
      portolan: `${out(0).toFixed(1)} ms`,
      baseline: `${out(1).toFixed(1)} ms`,
      ratio: out(0) / out(1),
      limit: bench.short ? '-' : `${String(OUT_LIMIT_MS)} ms`,
      // A few samples on a shared machine say nothing about one in a hundred.
      kept: bench.short ? undefined : out(0) < OUT_LIMIT_MS,
      details: runs.map(([own, bare]) => ({ portolan: own.out, baseline: bare.out })),
    },
  ];
}

function emptyReached(): Reached {
  return { start: [], out: [] };
}
