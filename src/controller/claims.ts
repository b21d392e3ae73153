import type { KeyValue } from '../core/layout.ts';
import type { DesiredRecord } from '../core/record.ts';

/** What an endpoint asks of a key. */
export interface Claim {
  readonly key: string;
  readonly value: string;
  readonly leased: boolean;
  /** The endpoint's id, or the name of whatever else asks (the host itself). */
  readonly group: string;
  readonly createdAt: number;
  /** Only registries of this very machine may show it. */
  readonly hostOnly: boolean;
}

/** Which registries: `local` is the embedded one, whose readers sit on this machine; `shared` is read by other hosts. */
export type Audience = 'local' | 'shared';

/** The older container keeps a disputed key; equal ages are decided by the id, so that every pass decides alike. */
function precedes(a: Claim, b: Claim): boolean {
  return a.createdAt !== b.createdAt ? a.createdAt < b.createdAt : a.group < b.group;
}

/** Every key that anything on this host wants, with all who want it. One claim is the rule, several the exception. */
export class ClaimIndex {
  readonly #claims = new Map<string, readonly Claim[]>();

  put(claim: Claim): void {
    const others = (this.#claims.get(claim.key) ?? []).filter((other) => other.group !== claim.group);
    this.#claims.set(
      claim.key,
      [...others, claim].sort((a, b) => (precedes(a, b) ? -1 : 1)),
    );
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
      : { key, value: claim.value, group: claim.group, leased: claim.leased };
  }

  /** Who holds the key when `group` does not, though it asks for it. */
  lostTo(key: string, group: string, audience: Audience): string | undefined {
    const winner = this.desired(key, audience)?.group;
    return winner === undefined || winner === group ? undefined : winner;
  }
}

/** Same keys and values: nothing has to be looked at again. */
export function sameRecords(a: readonly KeyValue[], b: readonly KeyValue[]): boolean {
  return (
    a.length === b.length && a.every((record, i) => record.key === b[i]?.key && record.value === b[i].value)
  );
}
