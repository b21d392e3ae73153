import type { Config } from '../config/config.ts';
import { renderPlan } from '../core/diff.ts';
import type { Clock } from '../core/ports.ts';
import type { PlanView, StatusSource } from '../core/status.ts';
import { painter } from '../telemetry/paint.ts';
import type { AgentIo } from './io.ts';
import { PLAN_LIMIT_MS, when } from './waiting.ts';

const QUIET_MS = 200;

interface Planned {
  readonly status: Pick<StatusSource, 'plan' | 'onChange'>;
  /** There is something to show. */
  readonly some: () => boolean;
  /** Every part of the plan is known. */
  readonly all: () => boolean;
}

/** Prints what a dry run would change: with `once` when all is known, else after every change. Answers the exit code. */
export async function showPlans(
  { status, some, all }: Planned,
  { once }: Pick<Config, 'once'>,
  { stdout, color, clock, signal }: AgentIo,
): Promise<number> {
  const print = (view: PlanView): void => {
    stdout(`${renderPlan(view, painter(color))}\n`);
  };
  if (!once) {
    const stop = followPlan(status, some, print, clock);
    await when(status, () => false, Number.POSITIVE_INFINITY, clock, signal);
    stop();
    return 0;
  }
  const known = await when(status, all, PLAN_LIMIT_MS, clock, signal);
  const view = status.plan();
  print(view);
  return known && view.targets.every(({ failure }) => failure === undefined) ? 0 : 1;
}

/** Calls `print` with the plan whenever it differs from the last one, gathered for a moment. `ready`: it can be told. */
function followPlan(
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
    cancel ??= clock.timer(QUIET_MS, look);
  });
  return () => {
    cancel?.();
    forget();
  };
}
