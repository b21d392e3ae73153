const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** A number and a unit, or several of them from the large to the small: `250ms`, `15s`, `5m`, `1h30m`. */
export const DURATION_PATTERN = /^(?:\d+(?:\.\d+)?h)?(?:\d+(?:\.\d+)?m(?!s))?(?:\d+(?:\.\d+)?s)?(?:\d+ms)?$/;

/** Milliseconds, or undefined for anything that is not a duration. A bare number has no unit and is not one. */
export function parseDuration(text: string): number | undefined {
  if (text === '' || text.length > 32 || !DURATION_PATTERN.test(text)) return undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[hms])/g))
    total += Number(amount) * UNITS[unit as keyof typeof UNITS];
  return Math.round(total);
}

/** The shortest text that `parseDuration` reads back: 90000 is `1m30s`, 0 is `0s`. */
export function formatDuration(ms: number): string {
  let rest = Math.round(ms);
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const amount = Math.floor(rest / UNITS[unit]);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * UNITS[unit];
  }
  return text === '' ? '0s' : text;
}
