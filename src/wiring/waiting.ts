import type { AnnounceLoop } from '../controller/announce.ts';
import type { Clock } from '../core/ports.ts';
import type { PlanView, StatusSource } from '../core/status.ts';

/** A plan gives up on what has not answered by then. */
export const PLAN_LIMIT_MS = 10_000;
const DRY_RUN_QUIET_MS = 200;

/** Every part of a plan is known: the source has been listed, and each registry has been listed or has failed. */
export function plannable(loop: AnnounceLoop): boolean {
  return (
    loop.endpoints.listedAt !== undefined &&
    loop.targets.every((target) => target.observed || target.failure !== undefined)
  );
}

/** Resolves when `condition` holds, or with false after `limitMs` or at the signal. Looks again at every change of the loop. */
export function when(
  loop: Pick<AnnounceLoop, 'onChange'>,
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
    const forget = loop.onChange(() => {
      if (condition()) yes();
    });
    signal.addEventListener('abort', no, { once: true });
  });
}

/** Calls `print` with the plan whenever it differs from the last one, gathered for a moment. `ready`: it can be told. */
export function followPlan(
  source: Pick<StatusSource, 'plan' | 'onChange'>,
  ready: () => boolean,
  print: (view: PlanView) => void,
  clock: Clock,
): () => void {
  let last = '';
  let cancel: (() => void) | undefined;
  const look = (): void => {
    cancel = undefined;
    if (!ready()) return;
    const view = source.plan();
    const text = JSON.stringify(view);
    if (text === last) return;
    last = text;
    print(view);
  };
  const forget = source.onChange(() => {
    cancel ??= clock.timer(DRY_RUN_QUIET_MS, look);
  });
  return () => {
    cancel?.();
    forget();
  };
}
