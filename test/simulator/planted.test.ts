import { describe, it } from 'vitest';
import { plant } from './plant.ts';
import { PLANTED } from './planted.ts';
import type { Report } from './report.ts';
import { simulate } from './spawn.ts';

/** So many schedules may pass before the bug shows. */
const PATIENCE = 1_500;

/**
 * Schedules in which bugs showed that a search from the first one finds late. They are tried before the search, for it costs
 * most of the time here; a schedule that shows nothing any more only costs its own.
 */
const LIKELY: Readonly<Record<string, number>> = {
  'a handover leaves the records under the lease that ends': 28,
  'a handover writes records that hang on no lease': 82,
  'records stay under the lease of an earlier mode': 63,
  'what happened during a reconnect is not listed': 16,
  'a broken watch of a registry is not noticed': 23,
  'a drain is forgotten when one list forgets the container': 24,
  'drains are not remembered for the next process': 20,
  'a write that failed is not tried again': 32,
  'an inspection that failed is not tried again': 24,
  'what a lost host left is removed although it is back': 105,
  'a restarted agent takes out what it has not probed yet': 40,
  'an order that is known already hides what a registry knows of its container': 1311,
};

describe('the simulator finds', () => {
  it.concurrent.for(PLANTED)('$name', async (bug, { expect }) => {
    const folder = await plant(bug);
    const look = async (from: number, runs: number): Promise<Report> =>
      await simulate(folder, ['--runs', String(runs), '--from', String(from), '--first']);
    const likely = LIKELY[bug.name];
    const soon = likely === undefined ? undefined : await look(likely, 1);
    const { failures } = soon?.failures.length === 1 ? soon : await look(1, PATIENCE);
    expect(failures).toHaveLength(1);
  });
});
