import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { repository } from '../kit/paths.ts';
import { simulate } from './spawn.ts';

const SCHEDULES = 1_000;

describe('the simulator', () => {
  it(`keeps every promise in ${String(SCHEDULES)} schedules of changes and faults`, async () => {
    const processes = availableParallelism();
    const each = Math.ceil(SCHEDULES / processes);
    const reports = await Promise.all(
      Array.from({ length: processes }, (_, n) =>
        simulate(repository, ['--runs', String(each), '--from', String(1 + n * each)]),
      ),
    );
    expect(reports.flatMap(({ failures }) => failures)).toEqual([]);
    const sum = (of: (report: (typeof reports)[number]) => number) =>
      reports.reduce((total, report) => total + of(report), 0);
    expect(sum(({ schedules }) => schedules)).toBeGreaterThanOrEqual(SCHEDULES);
    // A world in which little happens proves little.
    expect(sum(({ steps }) => steps)).toBeGreaterThan(30 * SCHEDULES);
    expect(sum(({ faults }) => faults)).toBeGreaterThan(3 * SCHEDULES);
    expect(sum(({ commits }) => commits)).toBeGreaterThan(50 * SCHEDULES);
  });
});
