import { setMaxListeners } from 'node:events';
import type { Config } from './config/config.ts';
import type { PlanView } from './core/status.ts';
import { StateFolder } from './state/folder.ts';
import { announce, assembleWithin, engineAway } from './wiring/announcing.ts';
import type { Assembly } from './wiring/assembly.ts';
import { followDry } from './wiring/dry-routes.ts';
import { type AgentIo, StartError } from './wiring/io.ts';
import { listenAll } from './wiring/listeners.ts';
import { followedOf, route } from './wiring/proxies.ts';
import { announceSeveral } from './wiring/several.ts';
import { dryRunOfSeveral, planOfSeveral } from './wiring/several-plans.ts';
import { openShared } from './wiring/shared.ts';
import { showPlans } from './wiring/show-plans.ts';
import { PLAN_LIMIT_MS, plannable, when } from './wiring/waiting.ts';

export { diagnose } from './wiring/doctor/diagnose.ts';
export type { AgentIo } from './wiring/io.ts';
export { runAnnouncer } from './wiring/lone-announcer.ts';
export { runListener } from './wiring/lone-listener.ts';

/** The agent: runs until the signal aborts, or with `once` until it has converged. Returns the exit code. */
export async function runAgent(config: Config, io: AgentIo): Promise<number> {
  if (config.once && !config.dryRun && config.registries.some(({ kind }) => kind === 'memory'))
    throw new StartError(
      '--once needs a real registry: an embedded one is gone when the process ends. Name one with --registry etcd://host:2379',
    );
  const several = config.engines.length > 0;
  if (config.dryRun) return several ? await dryRunOfSeveral(config, io) : await dryRun(config, io);
  return several ? await announceSeveral(config, io) : await announceOne(config, io);
}

/** One pass over everything, without a writer. */
export async function planOnce(config: Config, io: AgentIo): Promise<PlanView> {
  if (config.engines.length > 0) return await planOfSeveral(config, io);
  return await withoutWriter(config, io, async ({ loop, status }) => {
    await when(status, () => allKnown({ loop, status }), PLAN_LIMIT_MS, io.clock, io.signal);
    if (loop.endpoints.listedAt === undefined) throw engineAway();
    return await status.plan(io.signal);
  });
}

async function dryRun(config: Config, io: AgentIo): Promise<number> {
  return await withoutWriter(config, io, async ({ loop, status }) => {
    const known = (): boolean => allKnown({ loop, status });
    return await showPlans({ status, some: known, all: known }, config, io);
  });
}

function allKnown({ loop, status }: Pick<Assembly, 'loop' | 'status'>): boolean {
  return plannable(loop) && status.proxyStatus.heard;
}

async function withoutWriter<T>(
  given: Config,
  io: AgentIo,
  use: (assembly: Assembly) => Promise<T>,
): Promise<T> {
  const limitMs = given.once ? PLAN_LIMIT_MS : Number.POSITIVE_INFINITY;
  const shared = await openShared(given, io);
  const { config } = shared;
  const folder = new StateFolder(config.stateDir);
  const orders = await folder.orders();
  const options = { config, io, folder, shared, predecessorDead: undefined, drains: [], orders };
  const assembly = await assembleWithin(limitMs, options);
  if (assembly === undefined) throw new StartError('stopped before the engine told who this host is');
  const stopReloads = shared.follow(() => [assembly]);
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const registries = followedOf(assembly.registries);
  const running = Promise.all([
    assembly.loop.run({ source: stop.signal, targets: stop.signal }),
    followDry({ config, registries, io }, assembly.status.proxyStatus, stop.signal),
  ]);
  try {
    return await use(assembly);
  } finally {
    stop.abort();
    stopReloads();
    await running;
    await assembly.close();
    await shared.close();
  }
}

async function announceOne(given: Config, io: AgentIo): Promise<number> {
  const shared = await openShared(given, io);
  const { config } = shared;
  try {
    return await announce({ config, io, shared }, async (assembly) => {
      const stopReloads = shared.follow(() => [assembly]);
      const { loop, status: source, orders } = assembly;
      const { telemetry } = shared;
      const metrics = (): string =>
        telemetry.scrape({ status: source.status(), loops: [{ loop }], routes: source.proxyStatus.shown });
      const listeners = config.once ? undefined : await listenAll(config, { source, metrics, orders }, io);
      shared.beat(() => source.status());
      const { meters } = telemetry;
      const routing = config.once ? Promise.resolve() : route({ ...assembly, meters }, io);
      return async () => {
        await routing;
        await listeners?.close();
        stopReloads();
      };
    });
  } finally {
    await shared.close();
  }
}
