/** Counts values by upper bounds, in plain numbers: an observation costs a walk over few bounds. */
export class Histogram {
  readonly bounds: readonly number[];
  /** How many values fell into each bucket and no smaller one; the last is for all beyond the bounds. */
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /** `bounds`: ascending. */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > (this.bounds[bucket] ?? 0)) bucket += 1;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
    this.#count += 1;
  }

  get sum(): number {
    return this.#sum;
  }

  get count(): number {
    return this.#count;
  }

  /** For each bound how many values were not larger. */
  cumulative(): readonly number[] {
    let below = 0;
    return this.bounds.map((_, bucket) => {
      below += this.#counts[bucket] ?? 0;
      return below;
    });
  }
}
