import { setMaxListeners } from 'node:events';
import type { Config } from './config/config.ts';
import { renderPlan } from './core/diff.ts';
import type { PlanView } from './core/status.ts';
import { StateFolder } from './state/folder.ts';
import { painter } from './telemetry/paint.ts';
import { isAlive } from './web/listen.ts';
import { type Assembly, type AssemblyOptions, assemble } from './wiring/assembly.ts';
import { predecessorJudge } from './wiring/identity.ts';
import { type AgentIo, StartError } from './wiring/io.ts';
import { live } from './wiring/life.ts';
import { listenAll } from './wiring/listeners.ts';
import { keepMemories } from './wiring/memories.ts';
import { ONCE_LIMIT_MS } from './wiring/once.ts';
import { route } from './wiring/proxies.ts';
import { prepareFolder } from './wiring/state.ts';
import { followPlan, plannable, when } from './wiring/waiting.ts';

export type { AgentIo } from './wiring/io.ts';
export { runListener } from './wiring/lone-listener.ts';

/** A plan gives up on what has not answered by then. */
const PLAN_LIMIT_MS = 10_000;
const DRY_RUN_QUIET_MS = 200;

/** The agent: runs until the signal aborts, or with `once` until it has converged. Returns the exit code. */
export async function runAgent(config: Config, io: AgentIo): Promise<number> {
  if (config.once && !config.dryRun && config.registries.some(({ kind }) => kind === 'memory'))
    throw new StartError(
      '--once needs a real registry: an embedded one is gone when the process ends. Name one with --registry etcd://host:2379',
    );
  return config.dryRun ? await dryRun(config, io) : await announce(config, io);
}

/** One pass over everything, without a writer. */
export async function planOnce(config: Config, io: AgentIo): Promise<PlanView> {
  return await withoutWriter(config, io, async ({ loop, status }) => {
    await when(loop, () => plannable(loop), PLAN_LIMIT_MS, io.clock, io.signal);
    if (loop.endpoints.listedAt === undefined) throw engineAway();
    return status.plan();
  });
}

function engineAway(): StartError {
  return new StartError(
    'the Docker engine does not answer, so nothing can be planned; is DOCKER_HOST right, and may this user open its socket?',
  );
}

/** Builds the agent, which may take the engine's answer; what is to end by itself does not wait for it for ever. */
async function assembleWithin(limitMs: number, options: AssemblyOptions): Promise<Assembly | undefined> {
  const { io } = options;
  const late = new AbortController();
  const cancel =
    limitMs === Number.POSITIVE_INFINITY
      ? () => undefined
      : io.clock.timer(limitMs, () => {
          late.abort();
        });
  try {
    const signal = AbortSignal.any([io.signal, late.signal]);
    const assembly = await assemble({ ...options, io: { ...io, signal } });
    if (!late.signal.aborted) return assembly;
    await assembly?.close();
    throw engineAway();
  } finally {
    cancel();
  }
}

async function dryRun(config: Config, io: AgentIo): Promise<number> {
  return await withoutWriter(config, io, async ({ loop, status }) => {
    const print = (view: PlanView): void => {
      io.stdout(`${renderPlan(view, painter(io.color))}\n`);
    };
    if (!config.once) {
      const stop = followPlan(loop, () => status.plan(), print, io.clock, DRY_RUN_QUIET_MS);
      await when(loop, () => false, Number.POSITIVE_INFINITY, io.clock, io.signal);
      stop();
      return 0;
    }
    const known = await when(loop, () => plannable(loop), PLAN_LIMIT_MS, io.clock, io.signal);
    const view = status.plan();
    print(view);
    return known && view.targets.every(({ failure }) => failure === undefined) ? 0 : 1;
  });
}

async function withoutWriter<T>(
  config: Config,
  io: AgentIo,
  use: (assembly: Assembly) => Promise<T>,
): Promise<T> {
  const limitMs = config.once ? PLAN_LIMIT_MS : Number.POSITIVE_INFINITY;
  const folder = new StateFolder(config.stateDir);
  const assembly = await assembleWithin(limitMs, {
    config,
    io,
    folder,
    predecessorDead: undefined,
    drains: [],
    orders: await folder.orders(),
  });
  if (assembly === undefined) throw new StartError('stopped before the engine told who this host is');
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const running = assembly.loop.run({ source: stop.signal, targets: stop.signal });
  try {
    return await use(assembly);
  } finally {
    stop.abort();
    await running;
    await assembly.close();
  }
}

async function announce(config: Config, io: AgentIo): Promise<number> {
  const folder = new StateFolder(config.stateDir);
  await prepareFolder(folder);
  const embedded = config.registries.some(({ kind }) => kind === 'memory');
  const drains = embedded ? await folder.drains() : [];
  const orders = await folder.orders();
  // The agent that serves the control socket knows that no other lives on this folder; --once only asks.
  const socketFree = async (): Promise<boolean> => !config.once || !(await isAlive(config.controlSocket));
  const limitMs = config.once ? ONCE_LIMIT_MS : Number.POSITIVE_INFINITY;
  const assembly = await assembleWithin(limitMs, {
    config,
    io,
    folder,
    drains,
    orders,
    predecessorDead: (instance) => predecessorJudge(folder, instance, socketFree),
  });
  if (assembly === undefined) return 0;
  const memoriesKept = keepMemories(
    assembly,
    { orders, drains: embedded ? drains : undefined },
    folder,
    io.log,
  );
  const listeners = config.once
    ? undefined
    : await listenAll(config, { source: assembly.status, orders: assembly.orders }, io);
  await folder.beginLife({ instance: assembly.instance.id, boot: assembly.instance.boot });
  const routing = config.once ? Promise.resolve() : route(assembly, io);
  try {
    return await live(assembly, io);
  } finally {
    await routing;
    await memoriesKept();
    await listeners?.close();
    await assembly.close();
  }
}
