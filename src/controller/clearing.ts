import type { Cause } from '../core/cause.ts';
import { type Bequest, type Estate, planEstate } from '../core/estate.ts';
import type { Failure, Result } from '../core/failure.ts';
import { addressesOf, portsOf } from '../core/lost-host.ts';
import type { ChangeResult, Clock, EstateClaim, EstateWriter, Fleet, HostProbe } from '../core/ports.ts';

export interface ClearingOptions {
  readonly fleet: Fleet;
  /** Absent in a dry run. */
  readonly estates: EstateWriter | undefined;
  readonly probe: HostProbe;
  readonly clock: Clock;
}

/** What clearing itself needs. */
export interface ClearingTools extends Pick<ClearingOptions, 'fleet' | 'clock'> {
  readonly estates: EstateWriter;
}

/** What a look at a lost host came to. `removed`: records, ledger entries apart. */
export type Finding =
  | { readonly type: 'answers' }
  | { readonly type: 'unknown' }
  | { readonly type: 'planned'; readonly bequests: readonly Bequest[] }
  | { readonly type: 'cleared'; readonly removed: number }
  | { readonly type: 'failed'; readonly failure: Failure };

/** What came of the attempt to clear it away. */
export type Clearance = Extract<Finding, { readonly type: 'cleared' | 'failed' }>;

/** What moved between reading and writing is read again so often. */
const PASSES = 3;

/** Asks a lost host whether it lives, and clears what it left if it does not. */
export async function lookAt(
  owner: string,
  claim: EstateClaim | undefined,
  options: ClearingOptions,
  signal: AbortSignal,
): Promise<Finding> {
  const { fleet, estates, probe, clock } = options;
  const estate = await fleet.estate(owner, signal);
  if (!estate.ok) return { type: 'failed', failure: estate.failure };
  const host = fleet.hosts.get(owner);
  const addresses = host === undefined ? [] : addressesOf(host);
  const verdict =
    addresses.length === 0 ? 'unknown' : await probe(addresses, portsOf(estate.value.records), signal);
  if (verdict !== 'silent') return { type: verdict };
  if (estates === undefined || claim === undefined)
    return { type: 'planned', bequests: planEstate(estate.value, causeAt(clock)) };
  return await clear(claim, estate.value, { fleet, estates, clock }, signal);
}

/** Clears an estate and then the host's card; nothing of it is left afterwards. */
export async function clear(
  claim: EstateClaim,
  first: Estate,
  { fleet, estates, clock }: ClearingTools,
  signal: AbortSignal,
): Promise<Clearance> {
  let removed = 0;
  let estate: Result<Estate> = { ok: true, value: first };
  for (let pass = 1; ; pass += 1) {
    if (!estate.ok) return { type: 'failed', failure: estate.failure };
    const bequests = planEstate(estate.value, causeAt(clock));
    const results = await estates.clear(claim, bequests, signal);
    removed += results.filter(
      ({ change, outcome }) => change.action === 'delete' && outcome.type === 'settled',
    ).length;
    const failed = worstOf(results);
    if (failed === undefined) break;
    if (failed.kind !== 'conflict' || pass === PASSES) return { type: 'failed', failure: failed };
    estate = await fleet.estate(claim.owner, signal);
  }
  const finished = await estates.finish(claim, signal);
  return finished.ok ? { type: 'cleared', removed } : { type: 'failed', failure: finished.failure };
}

function causeAt(clock: Clock): Cause {
  return { code: 'host-lost', at: clock.now(), explained: true };
}

/** A record that moved is read again, unless something else went wrong as well. */
function worstOf(results: readonly ChangeResult[]): Failure | undefined {
  const failures = results.flatMap(({ outcome }) => (outcome.type === 'retry' ? [outcome.failure] : []));
  return failures.find(({ kind }) => kind !== 'conflict') ?? failures[0];
}
