import { describe, it } from 'vitest';
import { plant } from './plant.ts';
import { PLANTED } from './planted.ts';
import { simulate } from './spawn.ts';

/** So many schedules may pass before the bug shows. */
const PATIENCE = 1_500;

describe('the simulator finds', () => {
  it.concurrent.for(PLANTED)('$name', async (bug, { expect }) => {
    const { failures } = await simulate(await plant(bug), [
      '--runs',
      String(PATIENCE),
      '--from',
      '1',
      '--first',
    ]);
    expect(failures).toHaveLength(1);
  });
});
