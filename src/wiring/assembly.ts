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
import type { AmongEngines } from './claims.ts';
import { compose, type Whereabouts } from './compose.ts';
import { openEngine, patientWitness } from './engine.ts';
import { type FollowedHost, followHost } from './host.ts';
import { findOwner, type Instance, newInstance } from './identity.ts';
import type { AgentIo } from './io.ts';
import { layoutsOf } from './metadata.ts';
import type { AgentOrders } from './orders.ts';
import { type OpenRegistry, openRegistries } from './registries.ts';
import type { Shared } from './shared.ts';
import type { AgentStatus } from './status.ts';

/** Everything that follows one engine, put together and not yet running. */
export interface Assembly {
  /** As it is at the moment: it may be read again while the agent runs. */
  readonly config: Config;
  readonly loop: AnnounceLoop;
  readonly status: AgentStatus;
  readonly orders: AgentOrders;
  readonly instance: Instance;
  readonly card: OwnCard;
  readonly registries: readonly OpenRegistry[];
  readonly host: Pick<FollowedHost, 'settingsChanged'>;
  readonly settingsChanged: () => void;
  readonly close: () => Promise<void>;
}

export interface AssemblyOptions {
  readonly config: Config;
  readonly io: AgentIo;
  readonly folder: StateFolder;
  readonly shared: Pick<Shared, 'stores' | 'telemetry'>;
  /** undefined: a dry run; nothing that could write is built, and the state folder is left alone. */
  readonly predecessorDead: ((instance: Instance) => (entry: HostEntry) => Promise<boolean>) | undefined;
  readonly drains: readonly DrainNote[];
  /** Drains by command that an earlier process left in the state folder. */
  readonly orders: readonly DrainOrder[];
  /** undefined: the one that the configuration names. */
  readonly open?: typeof openEngine | undefined;
  /** undefined: there are no others. */
  readonly place?: AmongEngines | undefined;
}

/** Builds all for one engine; `undefined` when the signal aborts while it waits for it to learn who it is. */
export async function assemble(options: AssemblyOptions): Promise<Assembly | undefined> {
  const { config, io, place, open = openEngine } = options;
  const opened = await open(config, io);
  const engine = place === undefined ? opened : place.claim(opened);
  const here = await findWhereabouts(options, engine);
  if (here === undefined) return undefined;
  const registries = registriesOf(options, here);
  const { loop, status, orders, settingsChanged } = compose({
    ...options,
    here,
    engine,
    registries,
    meterOf: (target) => options.shared.telemetry.meters.target(target, place?.name),
    prober: createProber(io.clock),
    hostProbe: tcpProbe,
  });
  const { host, instance } = here;
  const close = async (): Promise<void> => {
    host.stop();
    await Promise.all(registries.map(({ reader }) => reader.close()));
    engine.close();
  };
  const card = { instance: instance.id, host: host.name, version: io.version, since: here.since };
  return { config, loop, status, orders, instance, card, registries, host, settingsChanged, close };
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
    claim: (id: string) => options.place?.claimOwner(id),
    clock,
    random,
    log,
  };
  const owner = await findOwner(search, signal);
  if (owner === undefined) return undefined;
  const elsewhere = options.place?.remote === true ? options.place.name : undefined;
  const host = await followHost({
    config,
    name: elsewhere ?? config.hostName,
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
  { config, io, predecessorDead, shared }: AssemblyOptions,
  here: Whereabouts,
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
  const writing =
    predecessorDead === undefined ? undefined : { identity, predecessorDead: predecessorDead(instance) };
  const prefixes = layoutsOf(config).map(({ prefix }) => prefix);
  return openRegistries({ config, owner, prefixes, writing, clock, random, log }, shared.stores);
}
