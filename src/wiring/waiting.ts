import type { AnnounceLoop } from '../controller/announce.ts';
import type { Clock } from '../core/ports.ts';

/** A plan gives up on what has not answered by then. */
export const PLAN_LIMIT_MS = 10_000;

/** Every part of a plan is known: the source has been listed, and each registry has been listed or has failed. */
export function plannable(loop: AnnounceLoop): boolean {
  return (
    loop.endpoints.listedAt !== undefined &&
    loop.targets.every((target) => target.observed || target.failure !== undefined)
  );
}

/** Resolves when `condition` holds, or with false after `limitMs` or at the signal. Looks again at every change of what is watched. */
export function when(
  watched: Pick<AnnounceLoop, 'onChange'>,
  condition: () => boolean,
  limitMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  if (condition()) return Promise.resolve(true);
  if (signal.aborted) return Promise.resolve(false);
  return new Promise((resolve) => {
    const end = (result: boolean) => (): void => {
      cancel();
      forget();
      signal.removeEventListener('abort', no);
      resolve(result);
    };
    const yes = end(true);
    const no = end(false);
    const cancel = limitMs === Number.POSITIVE_INFINITY ? () => undefined : clock.timer(limitMs, no);
    const forget = watched.onChange(() => {
      if (condition()) yes();
    });
    signal.addEventListener('abort', no, { once: true });
  });
}
