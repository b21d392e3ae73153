import type { Cleanup } from './cleanup.ts';

/** What a measure is given. */
export interface Bench {
  /** A short run: few samples, and only ratios are judged, generously. */
  readonly short: boolean;
  readonly runs: number;
  /** For each percentile of a run. */
  readonly samples: number;
  /** For logs, sockets and data of this run. */
  readonly folder: string;
  readonly cleanup: Cleanup;
  readonly say: (line: string) => void;
}

/** A line of the table. */
export interface Row {
  readonly measure: string;
  readonly portolan: string;
  readonly baseline: string;
  readonly ratio: number | undefined;
  readonly limit: string;
  /** undefined: shown, not judged. */
  readonly kept: boolean | undefined;
  /** Whatever else is worth keeping, for the JSON. */
  readonly details?: unknown;
}

export type Measure = (bench: Bench) => Promise<readonly Row[]>;

/** CI machines are shared: a short run shows that the benchmark works and that nothing became a multiple of what it was. */
const GENEROUS = 3;

export interface Ratio {
  readonly measure: string;
  /** Of each run. */
  readonly portolan: readonly number[];
  readonly baseline: readonly number[];
  readonly limit: number;
  /** In a short run too few samples tell of it: it is shown. */
  readonly onlyInFull?: boolean;
  readonly unit: string;
  readonly digits?: number;
  readonly details?: unknown;
}

/** Each run's ratio by itself; what counts is their median. */
export function ratioRow(bench: Bench, { measure, portolan, baseline, limit, unit, ...rest }: Ratio): Row {
  const judged = !(bench.short && rest.onlyInFull === true);
  const digits = rest.digits ?? 2;
  const ratios = portolan.map((value, run) => value / (baseline[run] ?? Number.NaN));
  const ratio = median(ratios);
  const allowed = bench.short ? limit * GENEROUS : limit;
  return {
    measure,
    portolan: `${median(portolan).toFixed(digits)} ${unit}`,
    baseline: `${median(baseline).toFixed(digits)} ${unit}`,
    ratio,
    limit: judged ? `${allowed.toFixed(2)}x` : '-',
    // Not a number is not within a limit.
    kept: judged ? ratio <= allowed : undefined,
    details: { ratios, portolan, baseline, ...(rest.details === undefined ? {} : { more: rest.details }) },
  };
}

export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** By interpolation between the two nearest samples. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
