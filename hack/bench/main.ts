import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { burst } from './burst.ts';
import { coldStart } from './cold-start.ts';
import { fleet } from './fleet.ts';
import { latency } from './latency.ts';
import type { Bench, Measure, Row } from './lib/bench.ts';
import { tidily, tidyOnSignals } from './lib/cleanup.ts';
import { machineFacts, markdown } from './lib/table.ts';
import { lost } from './lost.ts';
import { memory } from './memory.ts';
import { oneChange } from './one-change.ts';
import { proof } from './proof.ts';
import { route } from './route.ts';
import { routeChange } from './route-change.ts';
import { routeLatency } from './route-latency.ts';
import { steady } from './steady.ts';

/** In the order of the table. */
const MEASURES: Readonly<Record<string, Measure>> = {
  proof,
  real: (bench) => latency(bench, 'real'),
  burst: (bench) => burst(bench, 'real'),
  faked: (bench) => latency(bench, 'faked'),
  'faked-burst': (bench) => burst(bench, 'faked'),
  cold: coldStart,
  change: oneChange,
  steady,
  memory,
  fleet,
  lost,
  route,
  'route-latency': routeLatency,
  'route-change': routeChange,
};

/** Left out of a short run, for their time: single containers on the faked engine, bursts on the real one. */
const ONLY_IN_FULL = ['faked', 'burst'];

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'string' },
    runs: { type: 'string' },
    samples: { type: 'string' },
  },
});

function chosen(): [string, Measure][] {
  const names =
    values.only?.split(',') ??
    Object.keys(MEASURES).filter((name) => !(values.short && ONLY_IN_FULL.includes(name)));
  return names.map((name) => {
    const measure = MEASURES[name];
    if (measure === undefined)
      throw new Error(`no such measure: ${name}; there are ${Object.keys(MEASURES).join(', ')}`);
    return [name, measure];
  });
}

async function take(bench: Bench, [name, measure]: [string, Measure]): Promise<readonly Row[]> {
  const since = performance.now();
  const rows = await measure(bench).catch((error: unknown) => [failedRow(name, error)]);
  bench.say(`${name}: ${((performance.now() - since) / 1000).toFixed(0)} s`);
  return rows;
}

/** What cannot be measured is broken; the others are measured all the same. */
function failedRow(name: string, error: unknown): Row {
  console.error(error);
  const portolan = `failed: ${error instanceof Error ? error.message : String(error)}`;
  return { measure: name, portolan, baseline: '-', ratio: undefined, limit: '-', kept: false };
}

/** One after the other; only in a short run the minute in which nothing happens passes beside the rest. */
async function measureAll(bench: Bench): Promise<Row[]> {
  const measures = chosen();
  const aside = bench.short ? measures.filter(([name]) => name === 'steady') : [];
  const beside = Promise.all(aside.map((measure) => take(bench, measure)));
  const rows: Row[] = [];
  for (const measure of measures) if (!aside.includes(measure)) rows.push(...(await take(bench, measure)));
  return [...rows, ...(await beside).flat()];
}

tidyOnSignals();
const rows = await tidily(async (cleanup) => {
  const folder = await mkdtemp(join(tmpdir(), 'portolan-bench-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  return await measureAll({
    short: values.short,
    runs: Number(values.runs ?? (values.short ? 1 : 3)),
    samples: Number(values.samples ?? (values.short ? 10 : 300)),
    folder,
    cleanup,
    say: (line) => {
      console.error(`==> ${line}`);
    },
  });
});
console.log(markdown(rows));
if (values.json !== undefined) {
  await writeFile(
    values.json,
    JSON.stringify({ machine: machineFacts(), short: values.short, rows }, undefined, 1),
  );
}
process.exitCode = rows.some(({ kept }) => kept === false) ? 1 : 0;
