import type { Config } from '../config/config.ts';
import { isWhole, renderPlan } from '../core/diff.ts';
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

interface Following extends Pick<Planned, 'status' | 'some'>, Pick<AgentIo, 'clock' | 'signal'> {
  readonly print: (view: PlanView) => void;
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
    const stop = followPlan({ status, some, print, clock, signal });
    await when(status, () => false, Number.POSITIVE_INFINITY, clock, signal);
    stop();
    return 0;
  }
  const known = await when(status, all, PLAN_LIMIT_MS, clock, signal);
  const view = await status.plan(signal);
  print(view);
  return known && isWhole(view) ? 0 : 1;
}

/** Calls `print` with the plan whenever it differs from the last one, gathered for a moment. `some`: it can be told. */
function followPlan({ status, some, print, clock, signal }: Following): () => void {
  let last = '';
  let cancel: (() => void) | undefined;
  let changes = 0;
  const look = async (): Promise<void> => {
    const seen = changes;
    const view = some() ? await status.plan(signal) : undefined;
    const text = JSON.stringify(view ?? null);
    if (view !== undefined && text !== last && !signal.aborted) {
      last = text;
      print(view);
    }
    cancel = undefined;
    if (changes > seen) later();
  };
  const later = (): void => {
    changes += 1;
    cancel ??= clock.timer(QUIET_MS, () => void look());
  };
  const forget = status.onChange(later);
  return () => {
    cancel?.();
    forget();
  };
}
