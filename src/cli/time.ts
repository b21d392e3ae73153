const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span as people say it: one unit, the second one only while the first is small. `45s`, `3m`, `2h10m`, `5d`. */
export function span(ms: number): string {
  const positive = Math.max(0, ms);
  if (positive < 2 * MINUTE) return `${Math.floor(positive / SECOND)}s`;
  if (positive < 2 * HOUR) return `${Math.floor(positive / MINUTE)}m`;
  if (positive < 2 * DAY) {
    const minutes = Math.floor((positive % HOUR) / MINUTE);
    return `${Math.floor(positive / HOUR)}h${minutes === 0 ? '' : `${minutes}m`}`;
  }
  return `${Math.floor(positive / DAY)}d`;
}

export function since(at: number, now: number): string {
  return span(now - at);
}
