import { setMaxListeners } from 'node:events';
import { leaveTargets } from '../controller/shutdown.ts';
import type { Assembly } from './assembly.ts';
import type { AgentIo } from './io.ts';
import { convergeOnce } from './once.ts';
import { when } from './waiting.ts';

/** The goodbye may take this long; a dead registry must not keep the process. */
const LEAVE_LIMIT_MS = 10_000;

/** From the first list to the last goodbye. */
export async function live(
  { config, loop, registries }: Pick<Assembly, 'config' | 'loop' | 'registries'>,
  io: AgentIo,
): Promise<number> {
  const { clock, log, signal } = io;
  const source = new AbortController();
  const targets = new AbortController();
  // Every worker and every janitor of every registry listens to them.
  setMaxListeners(0, source.signal, targets.signal);
  const running = loop.run({ source: source.signal, targets: targets.signal });
  const done = config.once
    ? await convergeOnce(loop, io)
    : await when(loop, () => false, Number.POSITIVE_INFINITY, clock, signal);
  source.abort();
  const failed = config.once && (!done || loop.targets.some((target) => target.pending > 0));
  if (failed)
    log.error(
      {
        waiting_for: loop.targets
          .filter((target) => !target.converged || target.pending > 0)
          .map(({ name }) => name),
      },
      'did not converge',
    );
  const patience = new AbortController();
  const cancel = clock.timer(LEAVE_LIMIT_MS, () => {
    patience.abort();
  });
  const leaving = loop.targets.map((target, n) => ({ target, writer: registries[n]?.writer }));
  await leaveTargets(
    { targets: leaving, deregister: config.deregisterOnExit, handoverMs: config.handover, log },
    patience.signal,
  );
  cancel();
  targets.abort();
  await running;
  return failed ? 1 : 0;
}
