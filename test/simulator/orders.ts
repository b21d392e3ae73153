import { WHOLE_HOST } from '../../src/core/drain-order.ts';
import type { SimHost } from './host.ts';
import { type Deed, picked } from './step.ts';
import type { World } from './world.ts';

const NEVER = new AbortController().signal;

/** Orders the agent of a host, if it runs alone; it may have to ask its engine first. `whom`: an id, or the whole host. */
export function command(world: World, host: SimHost, whom: string, drained: boolean): void {
  const agent = world.agent(host);
  const alone = [...world.processes.values()].every(
    (process) => process === agent || process.host !== host || process.dryRun || process.state === 'ended',
  );
  if (agent?.state !== 'running' || !alone) return;
  const named = whom === WHOLE_HOST ? ({ host: true } as const) : { container: whom };
  void agent.orders[drained ? 'drain' : 'undrain'](named, NEVER).then(({ ok }) => {
    if (ok) host.orderGiven(whom, drained);
  });
}

/** What people order agents to do. */
export const ORDERS: Readonly<Record<string, Deed>> = {
  drain: ({ world, host, step }) => {
    const subject = picked(host.all, step.pick);
    if (subject !== undefined) command(world, host, subject.id, true);
  },
  undrain: ({ world, host, step }) => {
    const whom = picked([...host.ordered], step.pick);
    if (whom !== undefined) command(world, host, whom, false);
  },
  'drain the host': ({ world, host, step }) => {
    command(world, host, WHOLE_HOST, true);
    world.later(step.ms, () => {
      command(world, host, WHOLE_HOST, false);
    });
  },
};
