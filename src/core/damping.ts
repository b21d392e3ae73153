/** When an endpoint goes up and down too often, and for how long it then stays out. Durations are milliseconds. */
export interface DampingTerms {
  /** So many times down ... */
  readonly after: number;
  /** ... within this time are too often; so long without one, and all is forgotten. */
  readonly withinMs: number;
  /** How long it stays out at first; each further time doubles it. */
  readonly firstMs: number;
  /** It never stays out longer than this. */
  readonly longestMs: number;
}

/** What is remembered of an endpoint's ups and downs. All times are of a clock that nobody sets. */
export interface Damping {
  /** When it went down lately; never more than `after`. */
  readonly downs: readonly number[];
  /** How often it was kept out since it was last calm. */
  readonly outs: number;
  /** Until when it stays out; how long that is. */
  readonly until: number;
  readonly outMs: number;
}

export const CALM: Damping = { downs: [], outs: 0, until: Number.NEGATIVE_INFINITY, outMs: 0 };

/** It was up and went down. The time out is set once and never made longer while it lasts, so that it always ends. */
export function wentDown(damping: Damping, at: number, terms: DampingTerms): Damping {
  const { withinMs, after, firstMs, longestMs } = terms;
  const last = Math.max(damping.until, damping.downs.at(-1) ?? Number.NEGATIVE_INFINITY);
  const { downs, outs, until, outMs } = at - last > withinMs ? CALM : damping;
  const recent = [...downs.filter((down) => at - down <= withinMs), at].slice(-after);
  if (at < until) return { downs: recent, outs, until, outMs };
  // What was kept out once and is back at it need not be counted anew.
  if (outs === 0 && recent.length < after) return { downs: recent, outs, until, outMs };
  const out = Math.min(longestMs, firstMs * 2 ** Math.min(outs, 30));
  return { downs: recent, outs: outs + 1, until: at + out, outMs: out };
}

export function isOut({ until }: Damping, at: number): boolean {
  return at < until;
}
