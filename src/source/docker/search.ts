import { fail, type Result } from '../../core/failure.ts';
import type { Engine, EngineInfo, EngineVersion, EventQuery, EventSink } from './engine.ts';

/** Why a path is no socket that this process may open, such as `not there`; undefined: it is one. */
type SocketProbe = (path: string) => string | undefined;

interface SearchOptions {
  /** In the order of trying. */
  readonly paths: readonly string[];
  readonly probe: SocketProbe;
  readonly open: (path: string) => Engine;
}

/**
 * The engine behind the first socket that may be opened. It is looked for again at every new connection, so that an
 * agent may start before the engine does.
 */
export class SearchingEngine implements Engine {
  readonly #options: SearchOptions;
  #found: { readonly path: string; readonly engine: Engine } | undefined;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  async negotiate(signal: AbortSignal): Promise<Result<EngineVersion>> {
    return await this.#with(this.#search(), (engine) => engine.negotiate(signal));
  }

  async info(signal: AbortSignal): Promise<Result<EngineInfo>> {
    return await this.#with(this.#current(), (engine) => engine.info(signal));
  }

  async list(signal: AbortSignal): Promise<Result<readonly unknown[]>> {
    return await this.#with(this.#current(), (engine) => engine.list(signal));
  }

  async inspect(reference: string, signal: AbortSignal): Promise<Result<unknown>> {
    return await this.#with(this.#current(), (engine) => engine.inspect(reference, signal));
  }

  async networks(signal: AbortSignal): Promise<Result<readonly unknown[]>> {
    return await this.#with(this.#current(), (engine) => engine.networks(signal));
  }

  async events(query: EventQuery, sink: EventSink, signal: AbortSignal): Promise<Result<void>> {
    return await this.#with(this.#current(), (engine) => engine.events(query, sink, signal));
  }

  close(): void {
    this.#found?.engine.close();
  }

  #current(): Result<Engine> {
    return this.#found === undefined ? this.#search() : { ok: true, value: this.#found.engine };
  }

  #search(): Result<Engine> {
    const { paths, probe, open } = this.#options;
    const tried: string[] = [];
    for (const path of paths) {
      const why = probe(path);
      if (why === undefined) return { ok: true, value: this.#take(path, open) };
      tried.push(`${path} (${why})`);
    }
    return fail(
      'docker-unreachable',
      `no engine was named (--docker-host, DOCKER_HOST), and none of the usual sockets can be opened: ${tried.join(', ')}`,
    );
  }

  #take(path: string, open: SearchOptions['open']): Engine {
    if (this.#found?.path !== path) {
      this.#found?.engine.close();
      this.#found = { path, engine: open(path) };
    }
    return this.#found.engine;
  }

  async #with<T>(engine: Result<Engine>, ask: (engine: Engine) => Promise<Result<T>>): Promise<Result<T>> {
    return engine.ok ? await ask(engine.value) : engine;
  }
}
