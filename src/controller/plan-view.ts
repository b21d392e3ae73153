import type { Cause } from '../core/cause.ts';
import { explainChange } from '../core/plan.ts';
import { forbids, type Policy } from '../core/policy.ts';
import type { Clock } from '../core/ports.ts';
import type { PlanLine, TargetPlan } from '../core/status.ts';
import type { Janitor } from './janitor.ts';
import type { Target } from './target.ts';

/** What a pass over one target would do, and what it would leave alone. */
export function targetPlan(
  target: Target,
  policy: Policy,
  clock: Clock,
  janitor: Janitor | undefined,
): TargetPlan {
  if (!target.cache.known)
    return {
      target: target.name,
      failure: target.failure ?? {
        kind: 'transient',
        code: 'registry-unreachable',
        message: 'The registry has not been read yet.',
      },
      lines: [],
    };
  const cause: Cause = { code: 'relisted', at: clock.now(), explained: false };
  return {
    target: target.name,
    failure: undefined,
    lines: [
      ...target.allKeys().flatMap((key) => planLine(target, key, policy, cause)),
      ...(janitor === undefined ? [] : lostHostLines(janitor)),
    ],
  };
}

function planLine(target: Target, key: string, policy: Policy, cause: Cause): readonly PlanLine[] {
  const verdict = target.verdict(key, target.causeOf(key, cause));
  if (verdict.type === 'settled') return [];
  if (verdict.type === 'foreign')
    return [
      {
        action: 'leave',
        key,
        before: verdict.record,
        after: undefined,
        reason: 'somebody else created the record at this key',
      },
    ];
  const { change } = verdict;
  const before = 'before' in change ? change.before : undefined;
  const after = 'value' in change ? change.value : undefined;
  const why = forbids(policy, change);
  if (why !== undefined) return [{ action: 'leave', key, before, after, reason: why }];
  return [{ action: change.action, key, before, after, reason: explainChange(change) }];
}

/** What has been found to be removable of lost hosts, where nothing may be written. */
function lostHostLines({ absences }: Janitor): readonly PlanLine[] {
  return [...absences.values()].flatMap(({ owner, found }) =>
    found.map(({ key, action, why, change }) => ({
      action,
      key,
      before: 'before' in change ? change.before : undefined,
      after: undefined,
      reason: `the host ${owner} is lost: ${why}`,
    })),
  );
}
