import {
  type AppliedBatch,
  PROPAGATION_KINDS,
  type PropagationKind,
  type QueueMeter,
  RECONCILE_RESULTS,
  type ReconcileResult,
  type TargetMeter,
} from '../core/meter.ts';
import type { Exposition } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { METRICS } from './metric-list.ts';
import type { StatsdSink } from './statsd.ts';

const SECOND_MS = 1000;

/** What one loop has done since the process started. Everything is there from the start, so that no series is ever missing. */
class LoopMeter implements TargetMeter {
  readonly #name: string;
  readonly #adds = { total: 0, retries: 0 };
  readonly #waited = new Histogram(METRICS.workqueue_queue_duration_seconds.buckets);
  readonly #worked = new Histogram(METRICS.workqueue_work_duration_seconds.buckets);
  readonly #reconciled = new Histogram(METRICS.controller_runtime_reconcile_time_seconds.buckets);
  readonly #results = counts(RECONCILE_RESULTS);
  /** Only of a registry: nothing is known of the events behind what a proxy follows. */
  readonly #propagation: ReadonlyMap<PropagationKind, Histogram>;

  readonly #statsd: StatsdSink | undefined;

  constructor(name: string, kinds: readonly PropagationKind[], statsd: StatsdSink | undefined) {
    this.#name = name;
    this.#statsd = statsd;
    const { buckets } = METRICS.portolan_propagation_seconds;
    this.#propagation = new Map(kinds.map((kind) => [kind, new Histogram(buckets)]));
  }

  added(): void {
    this.#adds.total += 1;
  }

  retried(): void {
    this.#adds.retries += 1;
  }

  taken(waitedMs: number): void {
    this.#waited.observe(waitedMs / SECOND_MS);
  }

  done(result: ReconcileResult, workedMs: number): void {
    this.#results[result] += 1;
    this.#worked.observe(workedMs / SECOND_MS);
    this.#reconciled.observe(workedMs / SECOND_MS);
  }

  propagated(kind: PropagationKind, ms: number): void {
    this.#propagation.get(kind)?.observe(ms / SECOND_MS);
  }

  /** Under the names that service-registrar used; what took one batch counts for each of its documents. */
  applied({ ms, passMs, written, hosts, removed, failed }: AppliedBatch): void {
    const statsd = this.#statsd;
    if (statsd === undefined) return;
    statsd.timing('processing.ms', passMs);
    statsd.timing('backend.ms', ms);
    if (written > 0) statsd.timing('services.set.ms', ms, written);
    if (hosts > 0) statsd.timing('hosts.set.ms', ms, hosts);
    if (removed > 0) statsd.timing('services.pruning.ms', ms);
    if (failed) statsd.count('backend.failures');
  }

  show(page: Exposition): void {
    const queue = { name: this.#name, controller: this.#name };
    const controller = { controller: this.#name };
    page.add('workqueue_adds_total', queue, this.#adds.total);
    page.add('workqueue_retries_total', queue, this.#adds.retries);
    page.histogram('workqueue_queue_duration_seconds', queue, this.#waited);
    page.histogram('workqueue_work_duration_seconds', queue, this.#worked);
    page.histogram('controller_runtime_reconcile_time_seconds', controller, this.#reconciled);
    page.add('controller_runtime_reconcile_errors_total', controller, this.#results.error);
    for (const result of RECONCILE_RESULTS)
      page.add('controller_runtime_reconcile_total', { ...controller, result }, this.#results[result]);
    for (const [kind, histogram] of this.#propagation)
      page.histogram('portolan_propagation_seconds', { target: this.#name, kind }, histogram);
  }
}

/** The meters of every loop of a process. */
export class Meters {
  readonly #statsd: StatsdSink | undefined;
  readonly #loops: { readonly engine: string | undefined; readonly meter: LoopMeter }[] = [];

  /** `statsd`: hears of the same. */
  constructor(statsd?: StatsdSink) {
    this.#statsd = statsd;
  }

  /** For the loop of one registry. `engine`: which one of several. */
  target(name: string, engine?: string): TargetMeter {
    return this.#open(name, PROPAGATION_KINDS, engine);
  }

  /** For the loop of one proxy. */
  proxy(name: string): QueueMeter {
    return this.#open(name, [], undefined);
  }

  show(page: Exposition): void {
    for (const { engine, meter } of this.#loops) meter.show(page.of(engine));
  }

  #open(name: string, kinds: readonly PropagationKind[], engine: string | undefined): LoopMeter {
    const meter = new LoopMeter(name, kinds, this.#statsd);
    this.#loops.push({ engine, meter });
    return meter;
  }
}

function counts<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
