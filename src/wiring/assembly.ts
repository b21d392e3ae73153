import type { Config } from '../config/config.ts';
import { AnnounceLoop, type Registry } from '../controller/announce.ts';
import type { Container } from '../core/container.ts';
import { type Description, describe } from '../core/desired.ts';
import type { OwnerFacts } from '../core/layout.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { HostEntry } from '../core/ports.ts';
import type { Engine } from '../source/docker/engine.ts';
import { createDockerSource } from '../source/docker/source.ts';
import { machineReaders } from '../source/host/readers.ts';
import type { StateFolder } from '../state/folder.ts';
import { openEngine, patientWitness } from './engine.ts';
import { type FollowedHost, followHost } from './host.ts';
import { findOwner, type Instance, newInstance } from './identity.ts';
import { type AgentIo, StartError } from './io.ts';
import { dialectsOf, layoutsOf } from './metadata.ts';
import { openRegistries } from './registries.ts';
import { AgentStatus } from './status.ts';

/** Everything of an agent, put together and not yet running. */
export interface Assembly {
  readonly loop: AnnounceLoop;
  readonly status: AgentStatus;
  readonly instance: Instance;
  readonly registries: readonly Registry[];
  readonly close: () => Promise<void>;
}

export interface AssemblyOptions {
  readonly config: Config;
  readonly io: AgentIo;
  readonly folder: StateFolder;
  /** undefined: a dry run; nothing that could write is built, and the state folder is left alone. */
  readonly predecessorDead: ((instance: Instance) => (entry: HostEntry) => Promise<boolean>) | undefined;
  readonly drains: readonly DrainNote[];
}

/** Who this agent is and where it stands. */
interface Whereabouts {
  readonly owner: string;
  readonly instance: Instance;
  readonly host: FollowedHost;
  readonly since: number;
}

/** Builds the agent; `undefined` when the signal aborts while it waits for the engine to learn who it is. */
export async function assemble(options: AssemblyOptions): Promise<Assembly | undefined> {
  const engine = openEngine(options.config);
  const here = await findWhereabouts(options, engine);
  if (here === undefined) return undefined;
  const registries = withReadableErrors(() => registriesOf(options, here));
  const assembly = connect(options, here, engine, registries);
  const close = async (): Promise<void> => {
    here.host.stop();
    await Promise.all(registries.map(({ reader }) => reader.close()));
    engine.close();
  };
  return { ...assembly, instance: here.instance, registries, close };
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
): readonly Registry[] {
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
    ...{ config, owner, clock, random, log },
    prefixes: layoutsOf(config).map(({ prefix }) => prefix),
    writing:
      predecessorDead === undefined ? undefined : { identity, predecessorDead: predecessorDead(instance) },
  });
}

function connect(
  { config, io, drains }: AssemblyOptions,
  { owner, instance, host, since }: Whereabouts,
  engine: Engine,
  registries: readonly Registry[],
): Pick<Assembly, 'loop' | 'status'> {
  const { clock, random, log, version } = io;
  const facts = (): OwnerFacts => ({ owner, hostName: host.name, addresses: host.current, version });
  const source = createDockerSource({ engine, clock, random, log, resyncMs: config.resync });
  const describeOne = describer(config, host);
  const loop = new AnnounceLoop({
    ...{ source, registries, describe: describeOne, layouts: layoutsOf(config), drains, clock, random, log },
    owner: facts(),
    drainMs: config.drainTime,
    resyncMs: config.resync,
    debounce: { quietMs: config.debounce.minMs, maxWaitMs: config.debounce.maxMs },
  });
  host.onChange(() => {
    loop.endpoints.hostChanged(facts());
  });
  const status = new AgentStatus({
    ...{ loop, source, clock },
    readers: new Map(registries.map(({ reader }) => [reader.target, reader])),
    policies: new Map(registries.map(({ reader, policy }) => [reader.target, policy])),
    describe: (container) => describeOne(container, (id) => loop.endpoints.find(id)),
    identity: { version, owner, instance: instance.id, startedAt: since },
  });
  return { loop, status };
}

/** The pure description with what this agent brings to it; the host's addresses are those of the moment. */
function describer(
  config: Config,
  host: FollowedHost,
): (container: Container, find: (id: string) => Container | undefined) => Description {
  const { enabled, disabled } = dialectsOf(config);
  const defaults = { address: config.address, network: config.network, family: config.family };
  return (container, find) =>
    describe(container, {
      host: host.current,
      defaults,
      oneOff: config.docker.oneOff,
      dialects: enabled,
      disabledDialects: disabled,
      find,
    });
}

function withReadableErrors<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
}
