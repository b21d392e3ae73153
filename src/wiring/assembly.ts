import type { Config } from '../config/config.ts';
import type { AnnounceLoop } from '../controller/announce.ts';
import type { DrainOrder } from '../core/drain-order.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { OwnCard } from '../core/listener.ts';
import type { HostEntry } from '../core/ports.ts';
import { createProber } from '../probe/prober.ts';
import type { Engine } from '../source/docker/engine.ts';
import { tcpProbe } from '../source/host/answers.ts';
import { machineReaders } from '../source/host/readers.ts';
import type { StateFolder } from '../state/folder.ts';
import { compose, type Whereabouts } from './compose.ts';
import { followCredentials, type RegistryCredentials } from './credentials.ts';
import { openEngine, patientWitness } from './engine.ts';
import { followHost } from './host.ts';
import { findOwner, type Instance, newInstance } from './identity.ts';
import type { AgentIo } from './io.ts';
import { liveConfig } from './live-config.ts';
import { layoutsOf } from './metadata.ts';
import type { AgentOrders } from './orders.ts';
import { type OpenRegistry, openRegistries } from './registries.ts';
import { followReloads } from './reload.ts';
import type { AgentStatus } from './status.ts';

/** Everything of an agent, put together and not yet running. */
export interface Assembly {
  /** As it is at the moment: it may be read again while the agent runs. */
  readonly config: Config;
  readonly loop: AnnounceLoop;
  readonly status: AgentStatus;
  readonly orders: AgentOrders;
  readonly instance: Instance;
  readonly card: OwnCard;
  readonly registries: readonly OpenRegistry[];
  readonly close: () => Promise<void>;
}

export interface AssemblyOptions {
  readonly config: Config;
  readonly io: AgentIo;
  readonly folder: StateFolder;
  /** undefined: a dry run; nothing that could write is built, and the state folder is left alone. */
  readonly predecessorDead: ((instance: Instance) => (entry: HostEntry) => Promise<boolean>) | undefined;
  readonly drains: readonly DrainNote[];
  /** Drains by command that an earlier process left in the state folder. */
  readonly orders: readonly DrainOrder[];
}

/** Builds the agent; `undefined` when the signal aborts while it waits for the engine to learn who it is. */
export async function assemble(given: AssemblyOptions): Promise<Assembly | undefined> {
  const live = liveConfig(given.config);
  const options = { ...given, config: live.config };
  const engine = await openEngine(options.config, options.io);
  const here = await findWhereabouts(options, engine);
  if (here === undefined) return undefined;
  const credentials = await followCredentials(options.config.registries, options.io);
  const registries = registriesOf(options, here, credentials);
  const { loop, status, orders, settingsChanged } = compose({
    ...options,
    here,
    engine,
    registries,
    prober: createProber(options.io.clock),
    hostProbe: tcpProbe,
  });
  const { host, instance } = here;
  const stopReloads = followReloads({ live, io: options.io, credentials, host, settingsChanged });
  const close = async (): Promise<void> => {
    stopReloads();
    host.stop();
    for (const files of credentials.values()) files.stop();
    await Promise.all(registries.map(({ reader }) => reader.close()));
    engine.close();
  };
  const card = { instance: instance.id, host: host.name, version: options.io.version, since: here.since };
  return { config: live.config, loop, status, orders, instance, card, registries, close };
}

async function findWhereabouts(options: AssemblyOptions, engine: Engine): Promise<Whereabouts | undefined> {
  const { config, io, folder, predecessorDead } = options;
  const { clock, random, log, signal } = io;
  const witness = patientWitness(engine, clock);
  const remember = predecessorDead !== undefined;
  const search = {
    configured: config.ownerId,
    folder,
    askEngine: (until: AbortSignal) => witness.info(until),
    remember,
    clock,
    random,
    log,
  };
  const owner = await findOwner(search, signal);
  if (owner === undefined) return undefined;
  const host = await followHost({
    config,
    engine: witness,
    clock,
    random,
    log,
    signal,
    readers: machineReaders,
  });
  return { owner, host, instance: newInstance(), since: clock.now() };
}

function registriesOf(
  { config, io, predecessorDead }: AssemblyOptions,
  here: Whereabouts,
  credentials: RegistryCredentials,
): readonly OpenRegistry[] {
  const { clock, random, log, version } = io;
  const { owner, instance, host, since } = here;
  const identity = {
    instance: instance.id,
    name: host.name,
    get addresses() {
      return host.list();
    },
    version,
    since,
  };
  return openRegistries({
    ...{ config, owner, credentials, clock, random, log },
    prefixes: layoutsOf(config).map(({ prefix }) => prefix),
    writing:
      predecessorDead === undefined ? undefined : { identity, predecessorDead: predecessorDead(instance) },
  });
}
