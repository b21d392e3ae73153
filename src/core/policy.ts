import type { Change } from './plan.ts';

/** What the agent may do to a registry: everything, all but removals, or only what adds. */
export const POLICIES = ['sync', 'upsert-only', 'create-only'] as const;
export type Policy = (typeof POLICIES)[number];

/** The reason for which a policy forbids a change; undefined when it may go on. */
export function forbids(policy: Policy, change: Change): string | undefined {
  if (policy === 'sync') return undefined;
  if (change.action === 'delete') return forbidsRemovals(policy);
  if (policy === 'create-only' && change.action !== 'create')
    return 'the policy create-only changes nothing that exists';
  return undefined;
}

/** The reason for which a policy forbids to remove anything; undefined when it does not. */
export function forbidsRemovals(policy: Policy): string | undefined {
  return policy === 'sync' ? undefined : `the policy ${policy} removes nothing`;
}
