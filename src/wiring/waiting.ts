import type { AnnounceLoop } from '../controller/announce.ts';
import type { Clock } from '../core/ports.ts';
import type { PlanView } from '../core/status.ts';

/** Every part of a plan is known: the source has been listed, and each registry has been listed or has failed. */
export function plannable(loop: AnnounceLoop): boolean {
  return (
    loop.endpoints.listedAt !== undefined &&
    loop.targets.every((target) => target.observed || target.failure !== undefined)
  );
}

/** Resolves when `condition` holds, or with false after `limitMs` or at the signal. Looks again at every change of the loop. */
export function when(
  loop: AnnounceLoop,
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

/** Calls `print` with the plan whenever it differs from the last one, gathered over `quietMs`. */
export function followPlan(
  loop: AnnounceLoop,
  plan: () => PlanView,
  print: (view: PlanView) => void,
  clock: Clock,
  quietMs: number,
): () => void {
  let last = '';
  let cancel: (() => void) | undefined;
  const look = (): void => {
    cancel = undefined;
    if (!plannable(loop)) return;
    const view = plan();
    const text = JSON.stringify(view);
    if (text === last) return;
    last = text;
    print(view);
  };
  const forget = loop.onChange(() => {
    cancel ??= clock.timer(quietMs, look);
  });
  return () => {
    cancel?.();
    forget();
  };
}
