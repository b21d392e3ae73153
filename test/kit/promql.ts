import { METRICS, type Metric } from '../../src/telemetry/metric-list.ts';
import type { Family } from './exposition.ts';

/** Words of PromQL; every other name is a metric's. */
const WORDS = new Set(
  'absent and by count histogram_quantile increase max on or rate sum unless vector without'.split(' '),
);
/** What Prometheus itself puts to each series, and the one metric that it makes for each target. */
const ADDED = ['instance', 'job'];
const BUILT_IN = 'up';

interface Series {
  readonly family: string;
  readonly labels: readonly string[];
}

/** The family that a name in a query belongs to, and the labels that its series have. */
function seriesOf(name: string): Series | undefined {
  if (name === BUILT_IN) return { family: name, labels: ADDED };
  const family = Object.hasOwn(METRICS, name) ? name : name.replace(/_(bucket|sum|count)$/, '');
  const metric = (METRICS as Readonly<Record<string, Metric>>)[family];
  if (metric === undefined || (family !== name) !== (metric.type === 'histogram')) return undefined;
  const engine = metric.perEngine === true ? ['engine'] : [];
  const le = name.endsWith('_bucket') ? ['le'] : [];
  return { family, labels: [...metric.labels, ...engine, ...le, ...ADDED] };
}

const GROUPING = /\b(?:by|on|without)\s*\(([^)]*)\)/g;
const SELECTOR = /([a-zA-Z_:][\w:]*)(?:\{([^}]*)\})?(?=[^\w:]|$)/g;
const MATCHER = /(\w+)\s*(=~|!=|!~|=)\s*"([^"]*)"/g;

/** What is wrong with a query: names, labels and values that no scrape would ever have. `shown`: a scrape. */
export function problemsOf(query: string, shown: ReadonlyMap<string, Family>): readonly string[] {
  const expr = query.replaceAll('$__rate_interval', '5m').replaceAll(/\[\w+\]/g, ' ');
  const found: string[] = [];
  const labels = new Set<string>();
  for (const [, name = '', matchers = ''] of expr.replaceAll(GROUPING, ' ').matchAll(SELECTOR)) {
    if (WORDS.has(name)) continue;
    const series = seriesOf(name);
    if (series === undefined || (series.family !== BUILT_IN && !shown.has(series.family)))
      found.push(`there is no metric ${name}`);
    else {
      for (const label of series.labels) labels.add(label);
      found.push(...wrongMatchers(name, matchers, series, shown.get(series.family)));
    }
  }
  const grouped = [...expr.matchAll(GROUPING)].flatMap(([, list = '']) =>
    list.split(',').map((label) => label.trim()),
  );
  for (const label of grouped) if (!labels.has(label)) found.push(`nothing has a label ${label}`);
  return found;
}

function wrongMatchers(
  name: string,
  matchers: string,
  { labels }: Series,
  family: Family | undefined,
): readonly string[] {
  return [...matchers.matchAll(MATCHER)].flatMap(([, label = '', operator = '', value = '']) => {
    if (!labels.includes(label)) return [`${name} has no label ${label}`];
    if (ADDED.includes(label)) return [];
    const values = new Set(family?.samples.map((sample) => sample.labels[label]));
    const words = operator.endsWith('~') ? value.split('|') : [value];
    return words.filter((word) => !values.has(word)).map((word) => `no ${label} of ${name} is ever ${word}`);
  });
}

/** Labels that a text names, as `{{ $labels.target }}` or `{{target}}`. */
export function namedIn(text: string): readonly string[] {
  return [...text.matchAll(/\{\{\s*(?:\$labels\.)?([a-z]+)\s*\}\}/g)].map(([, label = '']) => label);
}

/** Labels that any metric of a query has. */
export function labelsIn(expr: string): readonly string[] {
  return [...expr.matchAll(/[a-zA-Z_:][\w:]*/g)].flatMap(([name]) => seriesOf(name)?.labels ?? []);
}
