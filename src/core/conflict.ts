import { compareText } from './order.ts';

/** What a claim on a key is judged by: age first, then the id, so that every pass decides alike. */
export interface Claimant {
  /** The endpoint's id. */
  readonly group: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** Negative: `a` keeps a disputed key against `b`. The older one keeps it. */
export function comparePrecedence(a: Claimant, b: Claimant): number {
  return a.createdAt - b.createdAt || compareText(a.group, b.group);
}
