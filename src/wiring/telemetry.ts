import type { AnnounceLoop } from '../controller/announce.ts';
import type { ShownRoute } from '../controller/proxy-views.ts';
import { type Target, WORKERS } from '../controller/target.ts';
import { serviceCounts } from '../controller/views.ts';
import type { QueueLoad } from '../core/meter.ts';
import type { ProxyView } from '../core/proxy-view.ts';
import type { OfEngine, RecordState, StatusView, TargetView } from '../core/status.ts';
import { Exposition } from '../telemetry/exposition.ts';
import { Meters } from '../telemetry/meters.ts';
import { ProcessMetrics } from '../telemetry/process-metrics.ts';
import type { StatsdSink } from '../telemetry/statsd.ts';

/** What a scrape shows beside what the meters have counted. */
export interface Scraped {
  readonly status: StatusView;
  readonly loops: readonly (OfEngine & { readonly loop: Pick<AnnounceLoop, 'targets' | 'endpoints'> })[];
  readonly routes: readonly ShownRoute[];
}

/** What a process counts from its start on, and how that is read. */
export interface Telemetry {
  readonly meters: Meters;
  /** The text for Prometheus. */
  readonly scrape: (scraped: Scraped) => string;
  readonly close: () => void;
}

/** `statsd`: hears of runs and writes as well. */
export function openTelemetry(statsd?: StatsdSink): Telemetry {
  const meters = new Meters(statsd);
  const process = new ProcessMetrics();
  return {
    meters,
    scrape: (scraped) => {
      const page = new Exposition();
      meters.show(page);
      showAgent(page, scraped);
      process.show(page);
      return page.toString();
    },
    close: () => {
      process.close();
    },
  };
}

const RECORD_STATES = [
  'synced',
  'retrying',
  'held',
  'conflict',
  'failed',
  'blocked',
] as const satisfies readonly RecordState[];
const SERVICE_STATES = ['announced', 'registered', 'draining', 'dormant'] as const;
const SESSIONS = ['starting', 'held', 'standby', 'lost'] as const;
const PROXY_STATES = ['converged', 'lagging', 'waiting'] as const;

/** Everything that is read when it is asked for. */
export function showAgent(page: Exposition, { status, loops, routes }: Scraped): void {
  page.add('portolan_build_info', { version: status.version, node: process.version }, 1);
  page.add('portolan_ready', {}, status.ready);
  for (const source of status.sources) {
    const { name, connected, reconnects, differencesFound, lastListedAt } = source;
    const of = page.of(source.engine);
    of.add('portolan_source_up', { source: name }, connected);
    of.add('portolan_source_reconnects_total', { source: name }, reconnects);
    of.add('portolan_differences_found_total', { source: name }, differencesFound);
    const listed = lastListedAt === undefined ? undefined : lastListedAt / 1000;
    of.add('portolan_source_last_list_timestamp_seconds', { source: name }, listed);
  }
  for (const target of status.targets) showTarget(page.of(target.engine), target);
  showHosts(page, status.targets);
  for (const { engine, loop } of loops) showLoop(page.of(engine), loop);
  for (const proxy of status.proxies) showProxy(page, proxy, status.now);
  for (const route of routes) showRoute(page, route);
}

function showTarget(page: Exposition, view: TargetView): void {
  const { target, known, session, owned, conflicts, brakeEngaged, writes, differencesFound } = view;
  page.add('portolan_registry_up', { target }, known);
  for (const state of SESSIONS)
    page.add('portolan_registry_session', { target, state }, session.type === state);
  page.add('portolan_registry_writes_total', { target }, writes);
  page.add('portolan_differences_found_total', { source: target }, differencesFound);
  page.add('portolan_records_owned', { target }, owned);
  page.add('portolan_conflicts', { target }, conflicts);
  page.add('portolan_brake_held', { target }, brakeEngaged);
}

/** Every engine of several sees the hosts of all. */
function showHosts(page: Exposition, targets: readonly TargetView[]): void {
  const seen = new Set<string>();
  for (const { target, hosts } of targets) {
    if (hosts === undefined || seen.has(target)) continue;
    seen.add(target);
    for (const [state, count] of Object.entries(hosts)) page.add('portolan_hosts', { target, state }, count);
  }
}

function showLoop(page: Exposition, { targets, endpoints }: Scraped['loops'][number]['loop']): void {
  const services = serviceCounts(endpoints);
  for (const state of SERVICE_STATES) page.add('portolan_services', { state }, services[state]);
  page.add('portolan_containers', {}, endpoints.size);
  for (const target of targets) {
    const load = target.load();
    showLoad(page, target.name, { ...load, most: WORKERS });
    showRecords(page, target);
  }
}

function showRecords(page: Exposition, { name: target, converged, journal }: Target): void {
  page.add('portolan_registry_converged', { target }, converged);
  for (const state of RECORD_STATES) page.add('portolan_records', { target, state }, journal.count(state));
}

function showLoad(
  page: Exposition,
  name: string,
  { depth, unfinishedMs, longestMs, workers, most }: QueueLoad & { workers: number; most: number },
): void {
  const queue = { name, controller: name };
  page.add('workqueue_depth', queue, depth);
  page.add('workqueue_unfinished_work_seconds', queue, unfinishedMs / 1000);
  page.add('workqueue_longest_running_processor_seconds', queue, longestMs / 1000);
  page.add('controller_runtime_max_concurrent_reconciles', { controller: name }, most);
  page.add('controller_runtime_active_workers', { controller: name }, workers);
}

function showProxy(page: Exposition, view: ProxyView, now: number): void {
  const { name: proxy, state: its, since, services, reloads, commands } = view;
  for (const state of PROXY_STATES) page.add('portolan_proxy_state', { proxy, state }, its === state);
  page.add('portolan_proxy_state_seconds', { proxy }, Math.max(0, now - since) / 1000);
  page.add('portolan_proxy_services', { proxy }, services);
  page.add('portolan_proxy_reloads_total', { proxy }, reloads);
  page.add('portolan_proxy_commands_total', { proxy }, commands);
}

function showRoute(page: Exposition, { proxy: { name, running }, loop }: ShownRoute): void {
  page.add('portolan_proxy_up', { proxy: name }, running !== undefined);
  for (const [state, count] of Object.entries(loop.table.serverCounts()))
    page.add('portolan_proxy_servers', { proxy: name, state }, count);
  const load = loop.load();
  showLoad(page, name, { ...load, workers: load.active > 0 ? 1 : 0, most: 1 });
}
