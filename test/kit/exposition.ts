/** One sample: its full name, its labels and its value. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/;
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|\})/;
const VALUE = /^(?:[+-]Inf|NaN|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: [''],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
};

/** Reads a page as strictly as the text format 0.0.4 is written down, and more: whatever is not as it should be throws. */
export function parseExposition(page: string): ReadonlyMap<string, Family> {
  if (!page.endsWith('\n')) throw new Error('the last line does not end');
  const reader = new PageReader();
  for (const line of page.slice(0, -1).split('\n')) reader.read(line);
  for (const [name, family] of reader.families) if (family.type === 'histogram') checkHistogram(name, family);
  return reader.families;
}

class PageReader {
  readonly families = new Map<string, Family & { samples: Sample[] }>();
  readonly #series = new Set<string>();
  #name = '';
  #help: string | undefined;

  read(line: string): void {
    const [, keyword, about = '', text = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (keyword === 'HELP') this.#begin(about, text);
    else if (keyword === 'TYPE') this.#type(about, text);
    else this.#sample(line);
  }

  #begin(name: string, help: string): void {
    if (this.families.has(name)) throw new Error(`${name} comes twice`);
    this.#name = name;
    this.#help = help;
  }

  #type(name: string, type: string): void {
    const help = this.#help;
    if (name !== this.#name || help === undefined || !(type in SUFFIXES))
      throw new Error(`out of place: the type of ${name}`);
    this.families.set(name, { type, help, samples: [] });
    this.#help = undefined;
  }

  #sample(line: string): void {
    const sample = parseSample(line);
    const family = this.families.get(this.#name);
    const suffixes = SUFFIXES[family?.type ?? ''] ?? [];
    if (family === undefined || !suffixes.some((suffix) => sample.name === this.#name + suffix))
      throw new Error(`belongs to nothing: ${line}`);
    const id = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (this.#series.has(id)) throw new Error(`comes twice: ${line}`);
    this.#series.add(id);
    family.samples.push(sample);
  }
}

function parseSample(line: string): Sample {
  const [name = ''] = NAME.exec(line) ?? [];
  const labels: Record<string, string> = {};
  let rest = line.slice(name.length);
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (let more = true; more; ) {
      const [found, label = '', value = '', end] = LABEL.exec(rest) ?? [];
      if (found === undefined || label in labels) throw new Error(`labels cannot be read: ${line}`);
      labels[label] = value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
      rest = rest.slice(found.length);
      more = end === ',';
    }
  }
  const value = rest.slice(1);
  if (name === '' || !rest.startsWith(' ') || !VALUE.test(value)) throw new Error(`no sample: ${line}`);
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
}

/** Buckets grow, end with `+Inf`, and that is the count. */
function checkHistogram(name: string, { samples }: Family): void {
  const groups = new Map<string, { buckets: (readonly [number, number])[]; count?: number; sum?: number }>();
  for (const { name: its, labels, value } of samples) {
    const { le, ...own } = labels;
    const id = JSON.stringify(Object.entries(own).sort());
    const group = groups.get(id) ?? { buckets: [] };
    groups.set(id, group);
    if (its.endsWith('_bucket')) group.buckets.push([Number((le ?? '').replace('Inf', 'Infinity')), value]);
    else if (its.endsWith('_count')) group.count = value;
    else group.sum = value;
  }
  for (const [id, { buckets, count, sum }] of groups) {
    const last = buckets.at(-1);
    const grows = buckets.every(([le, below], n) => {
      const [before, fewer] = buckets[n - 1] ?? [Number.NEGATIVE_INFINITY, 0];
      return le > before && below >= fewer;
    });
    if (!grows || last?.[0] !== Number.POSITIVE_INFINITY || last[1] !== count || sum === undefined)
      throw new Error(`the buckets of ${name}${id} are wrong`);
  }
}

/** The value of the one series with these labels, and perhaps more; `undefined`: there is none. */
export function valueOf(
  families: ReadonlyMap<string, Family>,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const all = [...families.values()].flatMap(({ samples }) => samples);
  const found = all.filter(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  if (found.length > 1)
    throw new Error(`${name} ${JSON.stringify(labels)} is ${String(found.length)} series`);
  return found[0]?.value;
}
