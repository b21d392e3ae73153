import type { Histogram } from './histogram.ts';
import { type LabelsOf, METRICS, type Metric, type MetricName } from './metric-list.ts';

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** One scrape in the text format of Prometheus 0.0.4: each family once, in the order of the list. */
export class Exposition {
  readonly #samples = new Map<MetricName, string[]>();
  /** The engine of several whose values come next. */
  readonly #engine: string | undefined;

  constructor(engine?: string, samples?: Map<MetricName, string[]>) {
    this.#engine = engine;
    if (samples !== undefined) this.#samples = samples;
  }

  /** The same page; what is added through this says that it is of this engine. */
  of(engine: string | undefined): Exposition {
    return new Exposition(engine, this.#samples);
  }

  add<N extends MetricName>(
    name: N,
    labels: Readonly<Record<LabelsOf<N>, string>>,
    value: number | boolean | undefined,
  ): void {
    if (value === undefined) return;
    this.#line(name, '', this.#labels(name, labels), Number(value));
  }

  histogram<N extends MetricName>(
    name: N,
    labels: Readonly<Record<LabelsOf<N>, string>>,
    histogram: Histogram,
  ): void {
    const own = this.#labels(name, labels);
    const below = histogram.cumulative();
    histogram.bounds.forEach((bound, n) => {
      this.#line(name, '_bucket', [...own, `le="${String(bound)}"`], below[n] ?? 0);
    });
    this.#line(name, '_bucket', [...own, 'le="+Inf"'], histogram.count);
    this.#line(name, '_sum', own, histogram.sum);
    this.#line(name, '_count', own, histogram.count);
  }

  toString(): string {
    const families = (Object.keys(METRICS) as MetricName[]).flatMap((name) => {
      const lines = this.#samples.get(name);
      const { help, type }: Metric = METRICS[name];
      return lines === undefined ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines];
    });
    return `${families.join('\n')}\n`;
  }

  #labels(name: MetricName, labels: Readonly<Record<string, string>>): readonly string[] {
    const { perEngine }: Metric = METRICS[name];
    const own = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
    const engine = perEngine === true ? this.#engine : undefined;
    return engine === undefined ? own : [`engine="${escaped(engine)}"`, ...own];
  }

  #line(name: MetricName, suffix: string, labels: readonly string[], value: number): void {
    let lines = this.#samples.get(name);
    if (lines === undefined) this.#samples.set(name, (lines = []));
    const set = labels.length === 0 ? '' : `{${labels.join(',')}}`;
    lines.push(`${name}${suffix}${set} ${shown(value)}`);
  }
}

/** A value of a label may be anything; these three would end it or its line. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function shown(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
