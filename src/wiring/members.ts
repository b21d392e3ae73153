import type { Config } from '../config/config.ts';
import { configOf } from '../config/engine-configs.ts';
import type { EngineConfig } from '../config/engines.ts';
import type { Log } from '../core/ports.ts';
import { StateFolder } from '../state/folder.ts';
import type { Assembly } from './assembly.ts';
import { type AmongEngines, Claims } from './claims.ts';
import type { AgentIo } from './io.ts';

/** What the views of several engines need of each. */
export type MemberAssembly = Pick<Assembly, 'loop' | 'status' | 'orders'>;

/** One engine of several, from the start on: also while nobody knows who it is. */
export class Member<A extends MemberAssembly = MemberAssembly> {
  readonly name: string;
  /** undefined: it is not put together yet. */
  assembly: A | undefined;
  /** Why it is not followed; it needs a person and a restart. */
  failure: string | undefined;
  /** Why it is not put together yet, if more is known than that it does not answer. */
  readonly #obstacle: () => string | undefined;

  constructor(name: string, obstacle: () => string | undefined = () => undefined) {
    this.name = name;
    this.#obstacle = obstacle;
  }

  /** What it lacks; empty when it is ready. */
  get waitingFor(): readonly string[] {
    if (this.failure !== undefined) return [this.failure];
    const obstacle = this.#obstacle();
    if (obstacle !== undefined) return [obstacle];
    return this.assembly?.status.status().waitingFor ?? ['the engine has not answered yet'];
  }
}

/** All engines of an agent, in the order of the settings, and who wants to hear of their changes. */
export class Members<A extends MemberAssembly = MemberAssembly> {
  readonly all: readonly Member<A>[];
  readonly #listeners = new Set<() => void>();

  constructor(all: readonly Member<A>[]) {
    this.all = all;
  }

  get assemblies(): readonly A[] {
    return this.all.flatMap(({ assembly }) => assembly ?? []);
  }

  joined(member: Member<A>, assembly: A): void {
    member.assembly = assembly;
    assembly.loop.onChange(this.#changed);
    this.#changed();
  }

  failed(member: Member<A>, reason: string): void {
    member.failure = reason;
    this.#changed();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  readonly #changed = (): void => {
    for (const listener of this.#listeners) listener();
  };
}

/** A member with all that is needed to put it together. */
export interface Configured {
  readonly member: Member<Assembly>;
  /** As if it were the only one. */
  readonly config: Config;
  readonly io: AgentIo;
  readonly place: AmongEngines;
}

/** Every engine of the settings; owner ids that are known already are spoken for. */
export async function configuredMembers(config: Config, io: AgentIo): Promise<readonly Configured[]> {
  const claims = new Claims();
  const members = config.engines.map((engine) => configured(engine, claims, config, io));
  for (const { config: its, member } of members) {
    // A folder that cannot be read is told when this engine's turn comes.
    const remembered = await new StateFolder(its.stateDir).ownerId().catch(() => undefined);
    const owner = its.ownerId ?? remembered;
    if (owner !== undefined) claims.reserve(owner, member.name);
  }
  return members;
}

function configured(engine: EngineConfig, claims: Claims, config: Config, io: AgentIo): Configured {
  const { name } = engine;
  return {
    member: new Member<Assembly>(name, () => claims.refusalOf(name)),
    config: configOf(config, engine),
    io: { ...io, log: tagged(io.log, name) },
    place: claims.placeOf(engine),
  };
}

function tagged(log: Log, engine: string): Log {
  return {
    debug: (fields, message) => {
      log.debug({ engine, ...fields }, message);
    },
    info: (fields, message) => {
      log.info({ engine, ...fields }, message);
    },
    warn: (fields, message) => {
      log.warn({ engine, ...fields }, message);
    },
    error: (fields, message) => {
      log.error({ engine, ...fields }, message);
    },
  };
}
