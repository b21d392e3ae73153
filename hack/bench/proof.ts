import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repository } from '../../test/kit/paths.ts';
import { type Bench, median, type Row } from './lib/bench.ts';
import { tidily } from './lib/cleanup.ts';
import { BenchEtcd } from './lib/etcd.ts';
import { type Lane, type Reached, series } from './lib/lane.ts';
import { Sightings } from './lib/sightings.ts';
import { FakeStage } from './lib/stage.ts';
import { compiled, launchBare } from './lib/subject.ts';

const DELAY_MS = 5;
const SKIPPED = 10;
const NUMBERED = 1_000_000;

/** What the put of the bare script becomes in each copy. */
const COPIES: readonly ((line: string) => string)[] = [
  (line) => line,
  (line) => line,
  (line) => `await new Promise((resolve) => setTimeout(resolve, ${DELAY_MS}));\n${line}`,
  (line) =>
    `globalThis.started = (globalThis.started ?? 0) + 1;\nif (globalThis.started % ${SKIPPED} === 0) return;\n${line}`,
];

/** Copies of the bare script with known faults: a benchmark that does not show them proves nothing. */
export async function proof(bench: Bench): Promise<readonly Row[]> {
  const samples = bench.short ? 20 : 40;
  bench.say('proof: copies of the bare script with known faults');
  return await tidily(async (cleanup) => {
    const etcd = await BenchEtcd.start(bench, cleanup);
    const stages: FakeStage[] = [];
    for (const [index] of COPIES.entries())
      stages.push(await FakeStage.start(bench, cleanup, 0, 1 + index * NUMBERED));
    const sockets = stages.map(({ socket }) => socket);
    const sightings = await Sightings.start(bench, cleanup, etcd.address, sockets);
    const lanes: Lane[] = [];
    for (const [index, stage] of stages.entries()) {
      const program = await copyOf(index);
      const subject = launchBare(bench, cleanup, { socket: stage.socket, etcd: etcd.address, program });
      await subject.ready();
      lanes.push({ name: program, subject, stage, sightings });
    }
    return rowsOf(
      bench,
      samples,
      await series({ lanes, port: 'fixed', samples, warmUp: SKIPPED, deadlineMs: 2000 }),
    );
  });
}

/** Beside the script, for its packages are found from there. */
async function copyOf(index: number): Promise<string> {
  const script = await readFile(compiled('bare'), 'utf8');
  const put = /^ *await etcd\.put\(.*$/m.exec(script)?.[0];
  const change = COPIES[index];
  if (put === undefined || change === undefined) throw new Error('the bare script has no put to change');
  const path = join(repository, `.cache/bench/hack/bench/bare-copy-${index}.js`);
  await writeFile(path, script.replace(put, change(put)));
  return path;
}

function rowsOf(bench: Bench, samples: number, [same, bare, delayed, skipping]: readonly Reached[]): Row[] {
  const p50 = (reached: Reached | undefined): number => median(reached?.start ?? []);
  const ratio = p50(same) / p50(bare);
  const more = p50(delayed) - p50(bare);
  const missed = skipping?.missed ?? 0;
  const due = samples / SKIPPED;
  const row = (measure: string, portolan: string, limit: string, kept: boolean): Row => ({
    ...{ measure: `proof: ${measure}`, portolan, baseline: `${p50(bare).toFixed(2)} ms`, ratio: undefined },
    ...{ limit, kept },
  });
  // Few samples on a shared machine scatter.
  const [close, late] = bench.short ? [2, 10] : [1.33, 7.5];
  return [
    row(
      'the bare script against itself',
      `${ratio.toFixed(2)}x`,
      `${(1 / close).toFixed(2)}x to ${close}x`,
      ratio > 1 / close && ratio < close,
    ),
    row(
      `a copy that waits ${DELAY_MS} ms more`,
      `+${more.toFixed(2)} ms`,
      `+${DELAY_MS} to +${late} ms`,
      more > DELAY_MS - 0.5 && more < late,
    ),
    row(
      `a copy that skips every ${SKIPPED}th`,
      `${missed} of ${samples} missed`,
      String(due),
      missed === due,
    ),
  ];
}
