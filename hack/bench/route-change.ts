import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../../test/kit/eventually.ts';
import { HaproxyLab } from '../../test/kit/haproxy.ts';
import { RouteRegistry, type RunningRoute, runRoute } from '../../test/kit/route-lab.ts';
import { type Bench, median, type Row, ratioRow } from './lib/bench.ts';
import { type Cleanup, tidily } from './lib/cleanup.ts';

/** Endpoints of each service. */
const REPLICAS = 10;
const WARM_UP = 20;
const READS = 15;
const READ_LIMIT_MS = 100;
const signal = new AbortController().signal;

interface Fleet {
  readonly registry: RouteRegistry;
  readonly haproxy: HaproxyLab;
  readonly route: RunningRoute;
  /** Reads everything that HAProxy runs. */
  readonly read: () => Promise<void>;
}

interface Cost {
  readonly tookMs: number[];
  readonly cpuMs: number[];
}

/** One change of the registry to HAProxy's answer, among many endpoints and among few; the loop runs in this process. */
export async function routeChange(bench: Bench): Promise<readonly Row[]> {
  const services = bench.short ? 100 : 1000;
  return await tidily(async (cleanup) => {
    bench.say(`one change of a route among ${String(services * REPLICAS)}`);
    const [many, few] = [await begin(cleanup, services), await begin(cleanup, 1)];
    const costs: [Cost, Cost] = [emptyCost(), emptyCost()];
    for (let n = -WARM_UP; n < bench.samples; n += 1)
      for (const [lane, fleet] of [many, few].entries()) await change(fleet, n, costs[lane] ?? emptyCost());
    const reads: number[] = [];
    for (let n = 0; n < READS; n += 1) reads.push(await timed(many.read));
    return rowsOf(bench, services, costs, median(reads));
  });
}

async function begin(cleanup: Cleanup, services: number): Promise<Fleet> {
  const haproxy = await HaproxyLab.create('2.6', { pool: services + 1, checkMs: undefined });
  cleanup.defer(() => haproxy.close());
  const proxy = haproxy.adapter();
  await proxy.writer?.prepare();
  await haproxy.start();
  const registry = new RouteRegistry(systemClock);
  await registry.host('one');
  for (let service = 0; service < services; service += 1)
    for (let n = 0; n < REPLICAS; n += 1) await put(registry, service, n, 'registered');
  const route = runRoute(proxy, registry.feed(systemClock), systemClock);
  cleanup.defer(() => route.stop());
  await eventually(() => route.loop.converged, { deadlineMs: 120_000, what: 'HAProxy runs all of it' });
  const read = async (): Promise<void> => {
    const observed = await proxy.observe(signal);
    if (!observed.ok) throw new Error(observed.failure.message);
  };
  return { registry, haproxy, route, read };
}

async function put(registry: RouteRegistry, service: number, n: number, state: string): Promise<void> {
  const path = `/internal/s${String(service)}/dev/web`;
  await registry.put(path, `replica-${String(n)}`, { EXT_PORT: 20_000 + n, state });
}

/** A replica of the first service drains, or serves again. */
async function change({ registry, route }: Fleet, n: number, cost: Cost): Promise<void> {
  const passed = new Promise<void>((resolve) => {
    route.loop.onPass(resolve);
  });
  const cpu = process.cpuUsage();
  const since = performance.now();
  await put(registry, 0, 1, n % 2 === 0 ? 'draining' : 'registered');
  await passed;
  const took = performance.now() - since;
  const { user, system } = process.cpuUsage(cpu);
  // What follows, such as the record that outlives the agent, belongs to no change.
  await eventually(() => route.loop.converged, { everyMs: 5 });
  if (n < 0) return;
  cost.tookMs.push(took);
  cost.cpuMs.push((user + system) / 1000);
}

async function timed(act: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await act();
  return performance.now() - since;
}

function rowsOf(
  bench: Bench,
  services: number,
  [many, few]: readonly [Cost, Cost],
  readMs: number,
): readonly Row[] {
  const count = services * REPLICAS;
  const among = `one change of a route among ${String(count)} endpoints, against among ${String(REPLICAS)}`;
  const row = (what: string, of: (cost: Cost) => readonly number[]): Row =>
    ratioRow(bench, {
      measure: `${among}: ${what}`,
      portolan: [median(of(many))],
      baseline: [median(of(few))],
      limit: 1.5,
      unit: 'ms',
      details: { many: of(many), few: of(few) },
    });
  return [
    row('registry to answer of HAProxy, p50', ({ tookMs }) => tookMs),
    row('CPU', ({ cpuMs }) => cpuMs),
    {
      measure: `a full read of ${String(count)} servers, p50`,
      portolan: `${readMs.toFixed(1)} ms`,
      baseline: '-',
      ratio: undefined,
      limit: bench.short ? '-' : `${String(READ_LIMIT_MS)} ms`,
      kept: bench.short ? undefined : readMs < READ_LIMIT_MS,
    },
  ];
}

function emptyCost(): Cost {
  return { tookMs: [], cpuMs: [] };
}
