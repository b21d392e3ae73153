import type { Config } from '../config/config.ts';
import { StateFolder } from '../state/folder.ts';
import { isAlive } from '../web/listen.ts';
import { type Assembly, type AssemblyOptions, assemble } from './assembly.ts';
import type { AmongEngines } from './claims.ts';
import { predecessorJudge } from './identity.ts';
import { type AgentIo, StartError } from './io.ts';
import { live } from './life.ts';
import { keepMemories } from './memories.ts';
import { ONCE_LIMIT_MS } from './once.ts';
import type { Shared } from './shared.ts';
import { prepareFolder } from './state.ts';

export interface AnnounceOptions {
  /** As if there were no other engine; the control socket is that of the agent. */
  readonly config: Config;
  readonly io: AgentIo;
  readonly shared: Shared;
  readonly place?: AmongEngines | undefined;
  readonly open?: AssemblyOptions['open'];
}

/**
 * One engine, from the state folder to the last goodbye. `beside` starts what needs it put together, and gives what ends
 * that. Returns an exit code.
 */
export async function announce(
  { config, io, shared, place, open }: AnnounceOptions,
  beside: (assembly: Assembly) => Promise<() => Promise<void>>,
): Promise<number> {
  const folder = new StateFolder(config.stateDir);
  await prepareFolder(folder);
  const embedded = config.registries.some(({ kind }) => kind === 'memory');
  const drains = embedded ? await folder.drains() : [];
  const orders = await folder.orders();
  // The agent that serves the control socket knows that no other lives on this folder; --once only asks.
  const socketFree = async (): Promise<boolean> => !config.once || !(await isAlive(config.controlSocket));
  const assembly = await assembleWithin(config.once ? ONCE_LIMIT_MS : Number.POSITIVE_INFINITY, {
    ...{ config, io, folder, shared, drains, orders, place, open },
    predecessorDead: (instance) => predecessorJudge(folder, instance, socketFree),
  });
  if (assembly === undefined) return 0;
  const memories = { orders, drains: embedded ? drains : undefined };
  const memoriesKept = keepMemories(assembly, memories, folder, io.log);
  let end = (): Promise<void> => Promise.resolve();
  try {
    end = await beside(assembly);
    await folder.beginLife({ instance: assembly.instance.id, boot: assembly.instance.boot });
    return await live(assembly, io);
  } finally {
    await memoriesKept();
    await end();
    await assembly.close();
  }
}

/** Builds what follows the engine, which may take its answer; what is to end by itself does not wait for it for ever. */
export async function assembleWithin(
  limitMs: number,
  options: AssemblyOptions,
): Promise<Assembly | undefined> {
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

export function engineAway(): StartError {
  return new StartError(
    'the Docker engine does not answer, so nothing can be planned; is DOCKER_HOST right, and may this user open its socket?',
  );
}
