/** A metric as `/metrics`, the reference and the tests know it. `buckets`: upper bounds, of a histogram. */
export interface Metric {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  /** It says whose it is, where an agent follows several engines. */
  readonly perEngine?: boolean;
}

/** As client-go has them: ten nanoseconds to a thousand seconds. */
const WORKQUEUE_BUCKETS = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];
/** As controller-runtime has them. */
const RECONCILE_BUCKETS = [
  ...[0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1],
  ...[1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60],
];
const PROPAGATION_BUCKETS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5],
  ...[1, 2, 5, 10, 30, 60, 120, 300],
];
const GC_BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];

const QUEUE = ['name', 'controller'] as const;
const CONTROLLER = ['controller'] as const;
const TARGET = ['target'] as const;
const PROXY = ['proxy'] as const;

/** Every metric there is. Labels are names of what is configured and words of fixed lists: never containers or services. */
export const METRICS = {
  // -------------------------------------------------------------------------------- the names of the field: client-go
  workqueue_depth: {
    type: 'gauge',
    help: 'Keys that wait to be worked on now.',
    labels: QUEUE,
    perEngine: true,
  },
  workqueue_adds_total: {
    type: 'counter',
    help: 'Keys that were put into the queue.',
    labels: QUEUE,
    perEngine: true,
  },
  workqueue_queue_duration_seconds: {
    type: 'histogram',
    help: 'How long a key stays in the queue before it is worked on.',
    labels: QUEUE,
    buckets: WORKQUEUE_BUCKETS,
    perEngine: true,
  },
  workqueue_work_duration_seconds: {
    type: 'histogram',
    help: 'How long the work on a key takes.',
    labels: QUEUE,
    buckets: WORKQUEUE_BUCKETS,
    perEngine: true,
  },
  workqueue_unfinished_work_seconds: {
    type: 'gauge',
    help: 'How long all keys that are worked on have been so, together; large while something hangs.',
    labels: QUEUE,
    perEngine: true,
  },
  workqueue_longest_running_processor_seconds: {
    type: 'gauge',
    help: 'How long the key has been worked on that has been the longest.',
    labels: QUEUE,
    perEngine: true,
  },
  workqueue_retries_total: {
    type: 'counter',
    help: 'Keys that were put off, to be worked on again.',
    labels: QUEUE,
    perEngine: true,
  },
  // ---------------------------------------------------------------------------------------------- controller-runtime
  controller_runtime_reconcile_total: {
    type: 'counter',
    help: 'Keys that were reconciled. result: success, error, requeue (planned again at once), requeue_after.',
    labels: ['controller', 'result'],
    perEngine: true,
  },
  controller_runtime_reconcile_errors_total: {
    type: 'counter',
    help: 'Keys that could not be reconciled.',
    labels: CONTROLLER,
    perEngine: true,
  },
  controller_runtime_reconcile_time_seconds: {
    type: 'histogram',
    help: 'How long the reconciliation of a key takes.',
    labels: CONTROLLER,
    buckets: RECONCILE_BUCKETS,
    perEngine: true,
  },
  controller_runtime_max_concurrent_reconciles: {
    type: 'gauge',
    help: 'Batches of keys that may be worked on at once.',
    labels: CONTROLLER,
    perEngine: true,
  },
  controller_runtime_active_workers: {
    type: 'gauge',
    help: 'Batches of keys that are worked on.',
    labels: CONTROLLER,
    perEngine: true,
  },
  // -------------------------------------------------------------------------------------------------------- Portolan
  portolan_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    labels: ['version', 'node'],
  },
  portolan_ready: { type: 'gauge', help: '1 when /readyz says so.', labels: [] },
  portolan_propagation_seconds: {
    type: 'histogram',
    help: 'From an event of the engine until a registry confirmed a record that follows from it. kind: register, drain, withdraw, update. The clock of an engine elsewhere is believed within a second.',
    labels: ['target', 'kind'],
    buckets: PROPAGATION_BUCKETS,
    perEngine: true,
  },
  portolan_containers: { type: 'gauge', help: 'Containers that run.', labels: [], perEngine: true },
  portolan_services: {
    type: 'gauge',
    help: 'Endpoints that the containers offer. state: announced, registered, draining, dormant.',
    labels: ['state'],
    perEngine: true,
  },
  portolan_source_up: {
    type: 'gauge',
    help: '1 while the engine answers and its events come in.',
    labels: ['source'],
    perEngine: true,
  },
  portolan_source_reconnects_total: {
    type: 'counter',
    help: 'How often the engine was connected to again.',
    labels: ['source'],
    perEngine: true,
  },
  portolan_source_last_list_timestamp_seconds: {
    type: 'gauge',
    help: 'When the engine was last listed completely; Unix time.',
    labels: ['source'],
    perEngine: true,
  },
  portolan_differences_found_total: {
    type: 'counter',
    help: 'What a list found that no event had told. source: the name of the engine or of the registry.',
    labels: ['source'],
    perEngine: true,
  },
  portolan_registry_up: {
    type: 'gauge',
    help: '1 while the registry is in sight: a complete read is at hand and is followed.',
    labels: TARGET,
    perEngine: true,
  },
  portolan_registry_session: {
    type: 'gauge',
    help: '1 for the state of the lease of this host: starting, held, standby (another agent has this owner), lost.',
    labels: ['target', 'state'],
    perEngine: true,
  },
  portolan_registry_converged: {
    type: 'gauge',
    help: '1 while the registry is what the containers offer, but for what only a person can mend.',
    labels: TARGET,
    perEngine: true,
  },
  portolan_registry_writes_total: {
    type: 'counter',
    help: 'Changes that the registry confirmed.',
    labels: TARGET,
    perEngine: true,
  },
  portolan_records_owned: {
    type: 'gauge',
    help: 'Records of this owner in the registry.',
    labels: TARGET,
    perEngine: true,
  },
  portolan_records: {
    type: 'gauge',
    help: 'Keys of this host by their state: synced, retrying, held (by the brake), conflict, failed, blocked (by the policy).',
    labels: ['target', 'state'],
    perEngine: true,
  },
  portolan_conflicts: {
    type: 'gauge',
    help: 'Keys of this host at which somebody else has a record.',
    labels: TARGET,
    perEngine: true,
  },
  portolan_brake_held: {
    type: 'gauge',
    help: '1 while the brake holds removals that no event explains.',
    labels: TARGET,
    perEngine: true,
  },
  portolan_hosts: {
    type: 'gauge',
    help: 'Hosts that the registry knows. state: alive, handover, lost, unattended.',
    labels: ['target', 'state'],
  },
  portolan_proxy_up: { type: 'gauge', help: '1 while the proxy answers.', labels: PROXY },
  portolan_proxy_state: {
    type: 'gauge',
    help: '1 for the state of the proxy: converged, lagging (it is not what the records say), waiting.',
    labels: ['proxy', 'state'],
  },
  portolan_proxy_state_seconds: { type: 'gauge', help: 'How long it has been in that state.', labels: PROXY },
  portolan_proxy_services: { type: 'gauge', help: 'Services that the proxy is to serve.', labels: PROXY },
  portolan_proxy_servers: {
    type: 'gauge',
    help: 'Servers that the proxy is to have, by why: registered, draining, lost, held (the last of its service).',
    labels: ['proxy', 'state'],
  },
  portolan_proxy_reloads_total: {
    type: 'counter',
    help: 'Reloads that this process asked for.',
    labels: PROXY,
  },
  portolan_proxy_commands_total: {
    type: 'counter',
    help: 'Run-time commands that this process sent.',
    labels: PROXY,
  },
  // --------------------------------------------------------------------------------------------- the process and Node
  process_start_time_seconds: { type: 'gauge', help: 'When the process was started; Unix time.', labels: [] },
  process_cpu_seconds_total: { type: 'counter', help: 'CPU time of user and system.', labels: [] },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory that is resident.', labels: [] },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors.', labels: [] },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: 'Heap in use.', labels: [] },
  nodejs_heap_size_total_bytes: { type: 'gauge', help: 'Heap that V8 holds.', labels: [] },
  nodejs_external_memory_bytes: { type: 'gauge', help: 'Memory outside the heap.', labels: [] },
  nodejs_eventloop_utilization: {
    type: 'gauge',
    help: 'Part of the time since the last scrape in which the event loop was busy.',
    labels: [],
  },
  nodejs_gc_duration_seconds: {
    type: 'histogram',
    help: 'How long garbage collections take. kind: minor, major, incremental, weakcb.',
    labels: ['kind'],
    buckets: GC_BUCKETS,
  },
} as const satisfies Readonly<Record<string, Metric>>;

export type MetricName = keyof typeof METRICS;
export type LabelsOf<N extends MetricName> = (typeof METRICS)[N]['labels'][number];
