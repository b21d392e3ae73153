import { fail, type Result } from '../core/failure.ts';
import type { Engine, EngineInfo } from '../source/docker/engine.ts';
import { StartError } from './io.ts';

/** One engine's place among several of one agent. */
export interface AmongEngines {
  readonly name: string;
  /** On another machine. */
  readonly remote: boolean;
  /** The engine, as long as no other entry leads to the same one. */
  readonly claim: (engine: Engine) => Engine;
  /** Throws when another engine has this owner id. */
  readonly claimOwner: (owner: string) => void;
}

/** Which entry each engine and each owner id belongs to: two that follow one engine would announce everything twice. */
export class Claims {
  readonly #owners = new Map<string, string>();
  readonly #engines = new Map<string, string>();
  readonly #refused = new Map<string, string>();

  /** Ids from the settings or a state folder are spoken for, also by an engine that does not answer yet. */
  reserve(owner: string, name: string): void {
    if (!this.#owners.has(owner)) this.#owners.set(owner, name);
  }

  /** Why the engine of this name is not followed now; undefined: nothing stands against it. */
  refusalOf(name: string): string | undefined {
    return this.#refused.get(name);
  }

  placeOf({ name, remote }: Pick<AmongEngines, 'name' | 'remote'>): AmongEngines {
    return {
      name,
      remote,
      claim: (engine) => new ClaimedEngine(engine, (info) => this.#claim(info, name)),
      claimOwner: (owner) => {
        this.reserve(owner, name);
        const holder = this.#owners.get(owner) ?? name;
        if (holder !== name)
          throw new StartError(
            `the owner id ${owner} is that of the engine ${holder}: give ${name} an ownerId of its own, or remove one of the two from engines`,
          );
      },
    };
  }

  #claim(info: EngineInfo, name: string): string | undefined {
    const which = fingerprint(info);
    const holder = this.#engines.get(which) ?? name;
    if (holder !== name) {
      const why = `this is the engine ${holder} (id ${info.id ?? ''}), reached in another way: remove one of the two from engines`;
      this.#refused.set(name, why);
      return why;
    }
    // Behind its address there may be another engine now.
    for (const [other, its] of this.#engines) if (its === name) this.#engines.delete(other);
    this.#engines.set(which, name);
    this.#refused.delete(name);
    return undefined;
  }
}

/** An id alone says too little: cloned machines share it, and so do engines with one key in /etc/docker. */
function fingerprint({ id, name, root }: EngineInfo): string {
  return JSON.stringify([id, name, root]);
}

/** Asks at every new connection whose engine it is. */
class ClaimedEngine implements Engine {
  readonly #engine: Engine;
  readonly #claim: (info: EngineInfo) => string | undefined;
  readonly list: Engine['list'];
  readonly inspect: Engine['inspect'];
  readonly networks: Engine['networks'];
  readonly events: Engine['events'];

  constructor(engine: Engine, claim: (info: EngineInfo) => string | undefined) {
    this.#engine = engine;
    this.#claim = claim;
    this.list = (...asked) => engine.list(...asked);
    this.inspect = (...asked) => engine.inspect(...asked);
    this.networks = (...asked) => engine.networks(...asked);
    this.events = (...asked) => engine.events(...asked);
  }

  async negotiate(signal: AbortSignal): ReturnType<Engine['negotiate']> {
    const version = await this.#engine.negotiate(signal);
    if (!version.ok) return version;
    const info = await this.info(signal);
    // An engine that does not tell who it is (a proxy in front of it) can still be used; one that is taken cannot.
    return !info.ok && info.failure.code === 'engine-taken' ? info : version;
  }

  async info(signal: AbortSignal): Promise<Result<EngineInfo>> {
    const info = await this.#engine.info(signal);
    if (!info.ok || info.value.id === undefined) return info;
    const why = this.#claim(info.value);
    return why === undefined ? info : fail('engine-taken', why);
  }

  close(): void {
    this.#engine.close();
  }
}
