import type { AnnounceLoop } from '../controller/announce.ts';
import { serviceView } from '../controller/views.ts';
import type { Clock, Log } from '../core/ports.ts';
import { when } from './waiting.ts';

/** `--once` gives up when the registries have not been brought up to date by then. */
export const ONCE_LIMIT_MS = 60_000;

/**
 * Brings the registries up to date once. What is still in its start period by its own probe is waited for, since it would be in
 * rotation a moment later; what else is not ready is named. Resolves with whether it came to that.
 */
export async function convergeOnce(
  loop: AnnounceLoop,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<boolean> {
  const converged = (): Promise<boolean> => when(loop, () => loop.converged, ONCE_LIMIT_MS, clock, signal);
  if (!(await converged())) return false;
  // Each start period ends by itself.
  await when(loop, () => undecided(loop) === 0, Number.POSITIVE_INFINITY, clock, signal);
  const done = await converged();
  for (const live of endpointsOf(loop)) {
    const { path, container, why } = serviceView(live, loop.endpoints);
    if (live.phase.state === 'announced')
      log.warn({ service: path, container, reason: why }, 'not ready; left out of rotation');
  }
  return done;
}

function undecided(loop: AnnounceLoop): number {
  return endpointsOf(loop).filter((live) => loop.endpoints.health(live)?.undecided === true).length;
}

function endpointsOf({ endpoints }: AnnounceLoop) {
  return [...endpoints.containers()].flatMap(({ live }) => [...live.values()]);
}
