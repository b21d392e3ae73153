import { familyOf, isWildcard } from './ip.ts';
import { forbidsRemovals, type Policy } from './policy.ts';
import type { FleetHost } from './ports.ts';
import type { RegistryRecord } from './record.ts';

/** `lost`: no heartbeat; `unattended`: no heartbeat, but the host answers, so only its agent is gone. */
export type HostState = 'alive' | 'handover' | 'lost' | 'unattended';

export interface LostFacts {
  readonly host: FleetHost;
  /** How long this agent has seen, without a break, that the heartbeat is absent. */
  readonly absentMs: number;
  /** 0: never. */
  readonly graceMs: number;
  readonly policy: Policy;
  /** This agent's own owner id. */
  readonly self: string;
}

/** `leave`: not before something changes; `others`: another agent looks after it. */
export type LostVerdict =
  | { readonly type: 'leave'; readonly why: string }
  | { readonly type: 'wait'; readonly ms: number; readonly why: string }
  | { readonly type: 'others'; readonly why: string }
  | { readonly type: 'look' };

/** Whether the time has come to look at a host without a heartbeat. Whether it answers is asked afterwards. */
export function judgeLost({ host, absentMs, graceMs, policy, self }: LostFacts): LostVerdict {
  if (graceMs === 0) return { type: 'leave', why: 'deadHostGrace is 0: nothing of lost hosts is removed' };
  const forbidden = forbidsRemovals(policy);
  if (forbidden !== undefined) return { type: 'leave', why: forbidden };
  if (addressesOf(host).length === 0)
    return { type: 'leave', why: 'no address of the host is known, so nobody can tell whether it lives' };
  if (absentMs < graceMs)
    return { type: 'wait', ms: graceMs - absentMs, why: 'its heartbeat may come back within deadHostGrace' };
  if (host.janitor !== undefined && host.janitor.owner !== self)
    return { type: 'others', why: `${host.janitor.owner || 'another agent'} looks after it` };
  return { type: 'look' };
}

export function stateOf({ attended, heartbeat, janitor }: FleetHost, answers: boolean): HostState {
  if (attended) return heartbeat?.handover === true ? 'handover' : 'alive';
  return answers || janitor?.finding === 'unattended' ? 'unattended' : 'lost';
}

const MAX_ADDRESSES = 4;

/** The addresses of a lost host that can be asked: texts from a registry, so only literals, and few. */
export function addressesOf({ card }: FleetHost): readonly string[] {
  const known = (card?.addresses ?? []).filter((ip) => familyOf(ip) !== undefined && !isWildcard(ip));
  return [...new Set(known)].slice(0, MAX_ADDRESSES);
}

/** SSH and the web: where a host most likely answers, and where a firewall most likely lets a refusal out. */
const WELL_KNOWN = [22, 80, 443];
const MAX_PUBLISHED = 5;

/** Ports to try: the well-known and some that the host's records publish. Values are anybody's; what is no port is left out. */
export function portsOf(
  records: readonly { readonly record: RegistryRecord | undefined }[],
): readonly number[] {
  const published = new Set<number>();
  for (const { record } of records) {
    if (published.size >= MAX_PUBLISHED) break;
    const port = Number(/"EXT_PORT":"?(\d{1,5})\b/.exec(record?.value ?? '')?.[1]);
    if (port > 0 && port < 65_536 && !WELL_KNOWN.includes(port)) published.add(port);
  }
  return [...WELL_KNOWN, ...published];
}
