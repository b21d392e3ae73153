/** Where the monotonic clock stands in the machine's time: read at the edge of a millisecond, since Date.now() has no finer steps. */
function offset(): number {
  let best = Number.NEGATIVE_INFINITY;
  const until = performance.now() + 5;
  // Each reading is late by up to a millisecond and never early: the latest offset is the truest.
  for (let now = performance.now(); now < until; now = performance.now()) {
    best = Math.max(best, Date.now() - performance.now());
  }
  return best;
}

let known = offset();

/** The machine's time in milliseconds with fractions: what an engine's `timeNano` can be compared with. */
export function wallNow(): number {
  return performance.now() + known;
}

/** The machine's time may be steered against the monotonic one: to be called before each block of a measurement. */
export function recalibrate(): void {
  known = offset();
}
