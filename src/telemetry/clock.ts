import type { Clock } from '../core/ports.ts';

/** Node's longest timer; a longer one would fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(delayMs, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, delayMs), LONGEST_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};
