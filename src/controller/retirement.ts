import type { Failure } from '../core/failure.ts';
import { forbidsRemovals, type Policy } from '../core/policy.ts';
import type { Clock, EstateWriter, Fleet } from '../core/ports.ts';
import { type ClearingTools, clear } from './clearing.ts';

export interface RetirementOptions {
  readonly fleet: Fleet;
  /** Absent in a dry run. */
  readonly estates: EstateWriter | undefined;
  readonly policy: Policy;
  /** This agent's own owner id. */
  readonly self: string;
  readonly clock: Clock;
}

/**
 * What an order to remove a host came to in one registry. `unknown`: nothing of it stands there; `refused`: it must not
 * be removed; `failed`: it may work later.
 */
export type Retirement =
  | { readonly type: 'retired'; readonly records: number }
  | { readonly type: 'unknown' }
  | { readonly type: 'refused'; readonly why: string }
  | { readonly type: 'failed'; readonly why: string };

const failed = ({ message }: Failure): Retirement => ({ type: 'failed', why: message });
const refused = (why: string): Retirement => ({ type: 'refused', why });

/** Removes all that a host left. Neither its grace nor whether its machine answers counts: a person has said so. */
export async function retire(
  owner: string,
  force: boolean,
  options: RetirementOptions,
  signal: AbortSignal,
): Promise<Retirement> {
  const { fleet, estates } = options;
  if (!fleet.known) return { type: 'failed', why: 'the registry is out of sight' };
  const objection = objectionTo(owner, force, options);
  if (objection !== undefined) return refused(objection);
  if (estates === undefined) return refused('a dry run removes nothing');
  if (fleet.hosts.get(owner)?.heartbeat !== undefined) {
    const ended = await estates.endHandover(owner, signal);
    if (!ended.ok) return failed(ended.failure);
  }
  return await takeAway(owner, { ...options, estates }, signal);
}

async function takeAway(owner: string, tools: ClearingTools, signal: AbortSignal): Promise<Retirement> {
  const { fleet, estates } = tools;
  const estate = await fleet.estate(owner, signal);
  if (!estate.ok) return failed(estate.failure);
  const { records, scraps } = estate.value;
  const host = fleet.hosts.get(owner);
  if (host === undefined && records.length + scraps.length === 0) return { type: 'unknown' };
  // Agents of before there were cards left none; revision 0 says that there is none.
  const claimed = await estates.claim(owner, host?.card?.revision ?? '0', signal, 'unattended');
  if (!claimed.ok) return failed(claimed.failure);
  if (claimed.value === undefined)
    return { type: 'failed', why: 'another agent is removing it, or it changed at this moment' };
  const finding = await clear(claimed.value, estate.value, tools, signal);
  if (finding.type === 'cleared') return { type: 'retired', records: finding.removed };
  await estates.release(owner, signal);
  return failed(finding.failure);
}

function objectionTo(
  owner: string,
  force: boolean,
  { fleet, policy, self }: RetirementOptions,
): string | undefined {
  if (owner === self) return 'that is this agent itself; stop it with --deregister-on-exit instead';
  const heartbeat = fleet.hosts.get(owner)?.heartbeat;
  if (heartbeat?.handover === false) return 'its agent runs; stop that first';
  if (heartbeat !== undefined && !force)
    return 'its agent was stopped and left its records to the next one; --force removes them all the same';
  return forbidsRemovals(policy);
}
