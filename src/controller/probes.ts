import type { Clock, Prober, Random } from '../core/ports.ts';
import {
  afterProbe,
  firstProbeState,
  type ProbePlan,
  type ProbeResult,
  type ProbeState,
  probeInterval,
} from '../core/probe.ts';

export interface ProbesOptions {
  readonly prober: Prober;
  /** Probes that may be under way at once. */
  readonly parallel: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Told when the verdict over a key has changed. */
  readonly onTurn: (key: string, before: ProbeState, after: ProbeState) => void;
}

interface Job {
  readonly key: string;
  plan: ProbePlan;
  state: ProbeState;
  /** Its last answer did not come in time. */
  late: boolean;
  /** undefined: it rests. Ends the waiting, the queueing or the probe that is under way. */
  stop: (() => void) | undefined;
}

/** Quick probes of all that start together: so many a second, however many containers start at once. */
const QUICK_PER_SECOND = 1_000;

/**
 * Runs probes, each key at its own pace and never two of one key at once. Whoever is due first comes first. Those whose
 * last answer was late get at most half of the places, so that dead addresses never hold up the others.
 */
export class Probes {
  readonly #options: ProbesOptions;
  readonly #jobs = new Map<string, Job>();
  /** Due, in the order in which they became so: the prompt ones, and the late ones. */
  readonly #due = { prompt: new Set<Job>(), late: new Set<Job>() };
  readonly #running = { prompt: 0, late: 0 };
  #starting = 0;

  constructor(options: ProbesOptions) {
    this.#options = options;
  }

  /** What is known of a key. */
  state(key: string): ProbeState | undefined {
    return this.#jobs.get(key)?.state;
  }

  /** Probes a key from now on. A key that is known already keeps its state and its pace. */
  follow(key: string, plan: ProbePlan, first: ProbeState): void {
    const known = this.#jobs.get(key);
    if (known !== undefined) known.plan = plan;
    else {
      this.#jobs.set(key, { key, plan, state: first, late: false, stop: undefined });
      if (first.verdict === 'starting') this.#starting += 1;
    }
  }

  /** Begins to probe at once what rests. */
  wake(key: string): void {
    const job = this.#jobs.get(key);
    if (job === undefined || job.stop !== undefined) return;
    if (job.state.verdict === 'starting') job.state = firstProbeState(this.#options.clock.monotonic());
    this.#queue(job);
  }

  /** What was ready has to show it again, as at its start, before it counts: nobody could ask it meanwhile. */
  doubt(key: string): void {
    this.rest(key);
    const job = this.#jobs.get(key);
    if (job?.state.verdict !== 'up') return;
    job.state = firstProbeState(this.#options.clock.monotonic());
    this.#starting += 1;
  }

  /** Probes no more, but remembers what is known. */
  rest(key: string): void {
    const job = this.#jobs.get(key);
    job?.stop?.();
    if (job !== undefined) job.stop = undefined;
  }

  drop(key: string): void {
    this.rest(key);
    const job = this.#jobs.get(key);
    if (job?.state.verdict === 'starting') this.#starting -= 1;
    this.#jobs.delete(key);
  }

  /** Puts a state that was learnt elsewhere in the place of what is known. */
  learn(key: string, state: ProbeState): void {
    const job = this.#jobs.get(key);
    if (job !== undefined) this.#turn(job, state);
  }

  dispose(): void {
    for (const key of [...this.#jobs.keys()]) this.drop(key);
  }

  #queue(job: Job): void {
    const queue = this.#due[job.late ? 'late' : 'prompt'];
    queue.add(job);
    job.stop = () => {
      queue.delete(job);
    };
    this.#pump();
  }

  #pump(): void {
    const { parallel } = this.#options;
    const { prompt, late } = this.#due;
    while (this.#running.prompt + this.#running.late < parallel) {
      const lateOnes = this.#running.late < Math.max(1, Math.floor(parallel / 2)) ? late : [];
      const [job] = prompt.size > 0 ? prompt : lateOnes;
      if (job === undefined) return;
      this.#due[job.late ? 'late' : 'prompt'].delete(job);
      void this.#run(job);
    }
  }

  async #run(job: Job): Promise<void> {
    const { prober, clock } = this.#options;
    const abort = new AbortController();
    job.stop = () => {
      abort.abort();
    };
    const lane = job.late ? 'late' : 'prompt';
    const began = clock.monotonic();
    this.#running[lane] += 1;
    const result = await prober.probe(job.plan, abort.signal);
    this.#running[lane] -= 1;
    if (!abort.signal.aborted) this.#take(job, result, began);
    this.#pump();
  }

  #take(job: Job, result: ProbeResult, began: number): void {
    const { clock } = this.#options;
    const now = clock.monotonic();
    job.late = !result.ok && result.late;
    job.stop = clock.timer(Math.max(0, began + this.#pace(job, result, now) - now), () => {
      this.#queue(job);
    });
    this.#turn(job, afterProbe(job.state, result, now, job.plan.spec));
  }

  /** From one beginning to the next. Many that began together drift apart. */
  #pace(job: Job, result: ProbeResult, now: number): number {
    const { spec } = job.plan;
    const interval = probeInterval(afterProbe(job.state, result, now, spec), spec);
    const drift = 0.95 + 0.1 * this.#options.random();
    if (job.state.verdict !== 'starting') return interval * drift;
    return Math.max(interval, (this.#starting * 1_000) / QUICK_PER_SECOND);
  }

  #turn(job: Job, after: ProbeState): void {
    const before = job.state;
    job.state = after;
    if (before.verdict === after.verdict) return;
    if (before.verdict === 'starting') this.#starting -= 1;
    this.#options.onTurn(job.key, before, after);
  }
}
