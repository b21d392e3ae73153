import { readdirSync } from 'node:fs';
import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import type { Exposition } from './exposition.ts';
import { Histogram } from './histogram.ts';
import { METRICS } from './metric-list.ts';

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

/** What a process tells of itself. The lag of the event loop is not among it: to measure that, a timer would have to wake it. */
export class ProcessMetrics {
  readonly #collections = new Map<string, Histogram>(
    [...GC_KINDS.values()].map((kind) => [kind, new Histogram(METRICS.nodejs_gc_duration_seconds.buckets)]),
  );
  readonly #observer: PerformanceObserver;
  #utilization = performance.eventLoopUtilization();

  constructor() {
    this.#observer = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { detail } = entry as PerformanceEntry & { readonly detail: NodeGCPerformanceDetail };
        this.#collections.get(GC_KINDS.get(detail.kind) ?? '')?.observe(entry.duration / 1000);
      }
    });
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  close(): void {
    this.#observer.disconnect();
  }

  show(page: Exposition): void {
    const { user, system } = process.cpuUsage();
    const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
    page.add('process_start_time_seconds', {}, performance.timeOrigin / 1000);
    page.add('process_cpu_seconds_total', {}, (user + system) / 1e6);
    page.add('process_resident_memory_bytes', {}, rss);
    page.add('process_open_fds', {}, openFiles());
    page.add('nodejs_heap_size_used_bytes', {}, heapUsed);
    page.add('nodejs_heap_size_total_bytes', {}, heapTotal);
    page.add('nodejs_external_memory_bytes', {}, external);
    const now = performance.eventLoopUtilization();
    page.add(
      'nodejs_eventloop_utilization',
      {},
      performance.eventLoopUtilization(now, this.#utilization).utilization,
    );
    this.#utilization = now;
    for (const [kind, histogram] of this.#collections)
      page.histogram('nodejs_gc_duration_seconds', { kind }, histogram);
  }
}

/** undefined where the system does not tell. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
