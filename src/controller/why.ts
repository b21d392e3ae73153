import type { Description } from '../core/desired.ts';
import type { Reason } from '../core/reason.ts';

/** The most telling reason for which nothing is offered. */
export function whyNot({ reasons, readings }: Description): string {
  const dialects = readings
    .flatMap((reading) => reading.reasons)
    .filter(({ code }) => code !== 'dialect-absent' && code !== 'dialect-off');
  const [first] = [...reasons, ...dialects].sort((a, b) => vagueness(a) - vagueness(b));
  return first?.message ?? 'it publishes no port and carries no metadata';
}

/** A word that we do not know may mean nothing, and a port that a dialect claims is left out for that dialect's own reason. */
function vagueness({ code, suggestion }: Reason): number {
  if (code === 'claimed-by-other-dialect') return 2;
  return code === 'unknown-key' && suggestion === undefined ? 1 : 0;
}
