import { type Claimant, comparePrecedence } from '../core/conflict.ts';
import type { DesiredRecord } from '../core/record.ts';
import { containerOf } from './drains.ts';

/** What an endpoint asks of a key. */
export interface Claim extends Claimant {
  readonly key: string;
  readonly value: string;
  readonly leased: boolean;
  /** Only registries of this very machine may show it. */
  readonly hostOnly: boolean;
  /** Its record, where the value is made only when it is read. */
  readonly whole?: DesiredRecord;
}

/** Which registries: `local` is the embedded one, whose readers sit on this machine; `shared` is read by other hosts. */
export type Audience = 'local' | 'shared';

/** Every key that anything on this host wants, with all who want it. One claim is the rule, several the exception. */
export class ClaimIndex {
  readonly #claims = new Map<string, readonly Claim[]>();

  /** True when the claim is new and another container's stands beside it. */
  put(claim: Claim): boolean {
    const before = this.#claims.get(claim.key) ?? [];
    const others = before.filter((other) => other.group !== claim.group);
    this.#claims.set(claim.key, others.length === 0 ? [claim] : [...others, claim].sort(comparePrecedence));
    // What a container offers in another place now claims its key while the old claim still stands.
    return others.length === before.length && others.some(({ group }) => !ofOneContainer(group, claim.group));
  }

  remove(key: string, group: string): void {
    const rest = (this.#claims.get(key) ?? []).filter((claim) => claim.group !== group);
    if (rest.length === 0) this.#claims.delete(key);
    else this.#claims.set(key, rest);
  }

  keys(audience: Audience): readonly string[] {
    return [...this.#claims.keys()].filter((key) => this.desired(key, audience) !== undefined);
  }

  desired(key: string, audience: Audience): DesiredRecord | undefined {
    const claim = this.#claims.get(key)?.find((candidate) => audience === 'local' || !candidate.hostOnly);
    return claim === undefined
      ? undefined
      : (claim.whole ?? { key, value: claim.value, group: claim.group, leased: claim.leased });
  }

  /** Who holds the key when `group` does not, though it asks for it. */
  lostTo(key: string, group: string, audience: Audience): string | undefined {
    const winner = this.desired(key, audience)?.group;
    return winner === undefined || winner === group ? undefined : winner;
  }
}

function ofOneContainer(a: string, b: string): boolean {
  return a.includes('/') && containerOf(a) === containerOf(b);
}
