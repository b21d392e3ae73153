import { shortId } from './container.ts';
import type { Endpoint } from './endpoint.ts';
import { compareText } from './order.ts';
import { shown } from './quote.ts';
import { type Reason, reason } from './reason.ts';

/** What a claim on a key is judged by: age first, then the id, so that every pass decides alike. */
interface Claimant {
  /** The endpoint's id. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** Negative: `a` keeps the key against `b`. */
function comparePrecedence(a: Claimant, b: Claimant): number {
  return a.createdAt - b.createdAt || compareText(a.id, b.id);
}

export interface Contest<T> {
  readonly winner: T;
  readonly losers: readonly { readonly claim: T; readonly reason: Reason }[];
}

/** Who keeps a key that several endpoints claim; undefined when nobody does. */
export function settle<
  T extends { readonly endpoint: Pick<Endpoint, 'id' | 'createdAt' | 'containerId' | 'containerName'> },
>(key: string, claims: readonly T[]): Contest<T> | undefined {
  const [winner, ...rest] = [...claims].sort((a, b) => comparePrecedence(a.endpoint, b.endpoint));
  if (winner === undefined) return undefined;
  const { containerId, containerName } = winner.endpoint;
  const message = `the key ${shown(key)} is held by the older container ${shown(containerName)} (${shortId(containerId)}); give this one another path or host name`;
  const losers = rest.map((claim) => ({ claim, reason: reason('key-collision', message, { about: key }) }));
  return { winner, losers };
}
