import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Row } from './lib/bench.ts';
import { type Cleanup, tidily } from './lib/cleanup.ts';
import { type PortolanLane, RouteBed, type RouteLane } from './lib/route-bed.ts';
import { type LoadOptions, type LoadResult, startLoad } from './lib/route-processes.ts';
import { drain, type Manner, RouteService, reloadsOf } from './lib/route-service.ts';

/** So that requests are open whenever a container ends. */
const ANSWER_MS = 20;
const REPLICAS = 4;

interface Outcome extends LoadResult {
  /** Requests that more than one container has executed, or one container twice. */
  readonly twice: number;
  readonly reloads: number;
}

/** What is lost while containers come and go behind an HAProxy on another host. */
export async function route(bench: Bench): Promise<readonly Row[]> {
  return await tidily(async (cleanup) => {
    const bed = await RouteBed.start(bench, cleanup, ANSWER_MS);
    const portolan = await bed.portolan();
    const others = [await bed.bare('follow')];
    if (!bench.short) others.push(await bed.bare('reload'));
    const course = new Course(bench, bed);
    return [
      ...(await rolling(course, portolan, others)),
      ...(await posts(course, portolan, others)),
      ...(await scaling(course, portolan)),
      ...(await agents(course, portolan)),
    ];
  });
}

/** Does something under load, and counts. */
class Course {
  readonly bench: Bench;
  readonly bed: RouteBed;

  constructor(bench: Bench, bed: RouteBed) {
    this.bench = bench;
    this.bed = bed;
  }

  /** A short run is for machines that have other work: what they cannot serve would count as lost. */
  rateOf(method: LoadOptions['method']): number {
    return this.bench.short ? 100 : method === 'GET' ? 1000 : 500;
  }

  /** `act` gets a service of four containers that is already under load. */
  async under(
    lane: RouteLane,
    method: LoadOptions['method'],
    act: (service: RouteService, cleanup: Cleanup) => Promise<void>,
  ): Promise<Outcome> {
    const { bench, bed } = this;
    return await tidily(async (cleanup) => {
      const service = new RouteService(lane, bed.applications, 'load.example');
      await service.scale(REPLICAS);
      await service.served();
      await bed.applications.report();
      const before = await reloadsOf(lane);
      const running = await startLoad(bench, cleanup, {
        method,
        perSecond: this.rateOf(method),
        port: lane.haproxy.port,
        host: service.host,
      });
      await act(service, cleanup);
      await sleep(200);
      const result = await running.stop();
      const { twice } = await bed.applications.report();
      const reloads = (await reloadsOf(lane)) - before;
      await service.scale(0);
      return { ...result, twice, reloads };
    });
  }
}

async function rolling(
  course: Course,
  portolan: PortolanLane,
  others: readonly RouteLane[],
): Promise<readonly Row[]> {
  const rounds = course.bench.short ? 2 : 50;
  const roll = (lane: RouteLane): Promise<Outcome> =>
    course.under(lane, 'GET', async (service) => {
      for (let round = 0; round < rounds; round += 1) await service.roll('exit');
    });
  course.bench.say(`${String(rounds)} rolling replaces under GETs`);
  const [own, ...beside] = [await roll(portolan), ...(await inTurn(others, roll))];
  const what = `${String(rounds)} rolling replaces of ${String(REPLICAS)}, ${String(course.rateOf('GET'))} GET/s, exit at once`;
  return [
    row(`${what}: failed`, own, beside, failed, 'none failed, no reload', noneLost(own)),
    row(`${what}: executed twice`, own, beside, ({ twice }) => String(twice)),
    row(
      `${what}: answered, p50 / p99`,
      own,
      beside,
      ({ p50, p99 }) => `${p50.toFixed(1)} / ${p99.toFixed(0)} ms`,
    ),
  ];
}

async function posts(
  course: Course,
  portolan: PortolanLane,
  others: readonly RouteLane[],
): Promise<readonly Row[]> {
  const { short } = course.bench;
  const plain = (lane: RouteLane, manner: Manner): Promise<Outcome> =>
    course.under(lane, 'POST', async (service) => {
      for (let round = 0; round < (short ? 1 : 25); round += 1) await service.roll(manner);
    });
  course.bench.say('rolling replaces under POSTs');
  const drained = await course.under(portolan, 'POST', async (service) => {
    const before = (container: Parameters<typeof drain>[1]): Promise<void> => drain(portolan, container);
    for (let round = 0; round < (short ? 1 : 12); round += 1) await service.roll('exit', before);
  });
  const none = drained.failed === 0 && drained.twice === 0 && drained.reloads === 0;
  const rows = [
    row(
      'POST, drained first with drain --wait: failed',
      drained,
      [],
      failed,
      'none failed, none twice',
      none,
    ),
  ];
  for (const [manner, what] of [
    ['finish', 'containers finish what is open'],
    ['exit', 'containers exit at once'],
  ] as const) {
    const own = await plain(portolan, manner);
    const beside = await inTurn(others, (lane) => plain(lane, manner));
    rows.push(
      row(`POST, plain stop, ${what}: failed`, own, beside, failed),
      row(`POST, plain stop, ${what}: executed twice`, own, beside, twice, '0', own.twice === 0),
    );
  }
  return rows;
}

async function scaling(course: Course, portolan: PortolanLane): Promise<readonly Row[]> {
  const { bench, bed } = course;
  const [times, most, services] = bench.short ? [1, 8, 5] : [10, 20, 20];
  bench.say('scaling, and services that appear and disappear');
  const scaled = await course.under(portolan, 'GET', async (service) => {
    for (let n = 0; n < times; n += 1) {
      await service.scale(most);
      await service.scale(1);
    }
  });
  const appeared = await course.under(portolan, 'GET', async () => {
    const fresh = Array.from(
      { length: services },
      (_, n) => new RouteService(portolan, bed.applications, `fresh-${String(n)}.example`),
    );
    for (const service of fresh) {
      await service.scale(1);
      await service.served();
    }
    for (const service of fresh) await service.scale(0);
  });
  const none = 'none failed, no reload';
  return [
    row(
      `1 to ${String(most)} to 1 containers, ${String(times)} times: failed`,
      ...[scaled, [], failed, none, noneLost(scaled)],
    ),
    row(
      `${String(services)} new services appear and disappear: failed`,
      ...[appeared, [], failed, none, noneLost(appeared)],
    ),
  ];
}

/** Both agents, that of the containers and that of HAProxy, and a change afterwards. */
async function agents(course: Course, portolan: PortolanLane): Promise<readonly Row[]> {
  course.bench.say('agents killed and restarted under load');
  const rows: Row[] = [];
  for (const [signal, what] of [
    ['SIGKILL', 'killed and started again'],
    ['SIGTERM', 'upgraded (ended and started again)'],
  ] as const) {
    const outcome = await course.under(portolan, 'GET', async (service) => {
      await Promise.all(portolan.agents.map((agent) => agent.restart(signal)));
      await service.roll('exit');
    });
    rows.push(
      row(`both agents ${what}: failed`, outcome, [], failed, 'none failed, no reload', noneLost(outcome)),
    );
  }
  return rows;
}

async function inTurn<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await act(item));
  return results;
}

const twice = (outcome: Outcome): string => String(outcome.twice);

function failed(outcome: Outcome): string {
  const reloads = outcome.reloads === 0 ? '' : `, ${String(outcome.reloads)} reloads`;
  return `${String(outcome.failed)} of ${String(outcome.sent)}${reloads}`;
}

const noneLost = (outcome: Outcome): boolean => outcome.failed === 0 && outcome.reloads === 0;

function row(
  measure: string,
  own: Outcome,
  beside: readonly Outcome[],
  of: (outcome: Outcome) => string,
  limit = '-',
  kept?: boolean,
): Row {
  const [bare, reloads] = beside;
  const script = bare === undefined ? '-' : of(bare);
  const baseline = reloads === undefined ? script : `${script}; by reloads ${of(reloads)}`;
  return { measure, portolan: of(own), baseline, ratio: undefined, limit, kept, details: { own, beside } };
}
