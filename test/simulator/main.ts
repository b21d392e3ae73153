import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { describeSchedule } from './describe.ts';
import type { Report } from './report.ts';
import { runSchedule } from './run.ts';
import { FAULTS, type Schedule, schedules } from './schedule.ts';
import { shrink } from './shrink.ts';

const USAGE = `Usage: hack/simulate.sh [N] [--from SEED] [--first]
       hack/simulate.sh --seed SEED [--shrink] [--trace]

N schedules (default 2000), one for each seed from SEED (default: a new one each time). --first ends at the first failure.
--seed runs one schedule again and prints its steps, with --trace all that happens in it; --shrink looks for the
shortest schedule that still fails.`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '2000' },
      from: { type: 'string' },
      seed: { type: 'string' },
      first: { type: 'boolean', default: false },
      shrink: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    print(USAGE);
    return 0;
  }
  if (values.seed !== undefined) return await again(Number(values.seed), values);
  const from = values.from === undefined ? Date.now() % 1_000_000_000 : Number(values.from);
  const report = await many(from, Number(values.runs), values.first);
  if (values.json) print(JSON.stringify(report));
  else say(report);
  return report.failures.length === 0 ? 0 : 1;
}

/** The schedule that belongs to a seed. */
function scheduleOf(seed: number): Schedule {
  const [schedule] = fc.sample(schedules, { seed, numRuns: 1 });
  if (schedule === undefined) throw new Error('no schedule');
  return schedule;
}

async function many(from: number, runs: number, first: boolean): Promise<Report> {
  const failures: { seed: number; message: string }[] = [];
  let [steps, faults, lasted, commits, done] = [0, 0, 0, 0, 0];
  for (let seed = from; seed < from + runs; seed += 1) {
    const schedule = scheduleOf(seed);
    const result = await runSchedule(schedule);
    done += 1;
    steps += schedule.steps.length;
    faults += schedule.steps.filter(({ kind }) => kind in FAULTS).length;
    lasted += result.lasted;
    commits += result.commits;
    if (result.violation !== undefined) failures.push({ seed, message: result.violation.message });
    if (first && failures.length > 0) break;
  }
  return { schedules: done, steps, faults, hours: lasted / 3_600_000, commits, failures };
}

async function again(
  seed: number,
  values: { readonly shrink: boolean; readonly trace: boolean },
): Promise<number> {
  let schedule = scheduleOf(seed);
  if (values.shrink) schedule = await shrink(schedule);
  print(describeSchedule(schedule));
  const { violation } = await runSchedule(schedule, values.trace ? print : undefined);
  print(
    violation === undefined
      ? `seed ${String(seed)}: every promise was kept`
      : `seed ${String(seed)}: ${violation.message}`,
  );
  return violation === undefined ? 0 : 1;
}

function say({ schedules: count, steps, faults, hours, commits, failures }: Report): void {
  for (const { seed, message } of failures) print(`seed ${String(seed)}: ${message}`);
  print(
    `${String(count)} schedules, ${String(steps)} steps, ${String(faults)} faults, ${hours.toFixed(0)} hours of virtual time, ${String(commits)} writes: ${String(failures.length)} failed`,
  );
  if (failures[0] !== undefined)
    print(`again: hack/simulate.sh --seed ${String(failures[0].seed)} --shrink --trace`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

process.exitCode = await main();
