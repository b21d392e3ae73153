import { fail, ok, type Result } from '../../src/core/failure.ts';
import { type Clock, sleep } from '../../src/core/ports.ts';
import {
  type Engine,
  type EngineInfo,
  type EngineVersion,
  EVENT_FILTERS,
  type EventQuery,
  type EventSink,
} from '../../src/source/docker/engine.ts';
import { FakeContainer, type FakeSpec, fakeId } from './fake-container.ts';

interface Live {
  readonly sink: EventSink;
  deaf: boolean;
}

interface Recorded {
  readonly at: number;
  readonly line: Uint8Array;
}

const encoder = new TextEncoder();

/**
 * A container engine in memory, as engine 20.10 behaves: events in its order, a ring of 256 of them, inspections and
 * lists in its JSON. It fails on demand.
 */
export class FakeEngine implements Engine {
  readonly containers = new Map<string, FakeContainer>();
  readonly networksByName = new Map<
    string,
    { readonly Id: string; readonly Name: string; readonly Driver: string }
  >();
  /** Every call in order, such as `list` or `inspect 0001…`. */
  readonly calls: string[] = [];
  /** The most inspections that were in flight at one time. */
  mostInspections = 0;
  /** Its clock minus ours. */
  clockOffsetMs = 0;
  /** Says for each event and stream whether it is skipped, as an engine skips a slow listener. */
  skips: () => boolean = () => false;
  /** How long each answer takes, milliseconds. */
  delayMs: (call: string) => number = () => 0;
  /** Lists are empty though containers run, as of an engine that has not loaded them yet. */
  lying = false;
  /** The engine's own id. */
  id = 'FAKE';
  /** Where it keeps everything. */
  root = '/var/lib/docker';
  version = '20.10.24';
  apiVersion = '1.41';
  readonly #clock: Clock;
  readonly #ring: Recorded[] = [];
  readonly #live = new Set<Live>();
  readonly #faults = new Map<string, number>();
  readonly #holds: { readonly prefix: string; readonly until: Promise<void> }[] = [];
  #state: 'up' | 'away' | 'hanging' = 'up';
  #inspections = 0;
  #created = 0;
  #nextPort = 32_768;
  #nanos = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    for (const [name, driver] of [
      ['bridge', 'bridge'],
      ['host', 'host'],
      ['none', 'null'],
    ] as const)
      this.addNetwork(name, driver);
  }

  // -------------------------------------------------------------------------------------------------- the port

  async negotiate(signal: AbortSignal): Promise<Result<EngineVersion>> {
    return await this.#call('version', signal, () =>
      ok({ version: this.version, apiVersion: this.apiVersion }),
    );
  }

  async info(signal: AbortSignal): Promise<Result<EngineInfo>> {
    return await this.#call('info', signal, () =>
      ok({ id: this.id, name: 'fake', root: this.root, systemTime: this.#now() }),
    );
  }

  async list(signal: AbortSignal): Promise<Result<readonly unknown[]>> {
    return await this.#call('list', signal, () =>
      ok(this.lying ? [] : [...this.containers.values()].map((container) => container.row())),
    );
  }

  async inspect(reference: string, signal: AbortSignal): Promise<Result<unknown>> {
    this.#inspections += 1;
    this.mostInspections = Math.max(this.mostInspections, this.#inspections);
    const answer = await this.#call<unknown>(`inspect ${reference}`, signal, () =>
      ok(this.find(reference)?.inspection()),
    );
    this.#inspections -= 1;
    return answer;
  }

  async networks(signal: AbortSignal): Promise<Result<readonly unknown[]>> {
    return await this.#call('networks', signal, () => ok([...this.networksByName.values()]));
  }

  async events(query: EventQuery, sink: EventSink, signal: AbortSignal): Promise<Result<void>> {
    const opened = await this.#call(query.until === undefined ? 'events' : 'replay', signal, () =>
      ok(undefined),
    );
    if (!opened.ok) return opened;
    const { since = Number.POSITIVE_INFINITY, until = Number.POSITIVE_INFINITY } = query;
    for (const { at, line } of this.#ring) if (at >= since && at <= until) sink.chunk(line);
    if (query.until !== undefined) {
      sink.ended('the past is over');
      return ok(undefined);
    }
    const live: Live = { sink, deaf: false };
    this.#live.add(live);
    signal.addEventListener('abort', () => {
      this.#end(live, 'given up');
    });
    return ok(undefined);
  }

  /** Sends something that is no event. */
  mumble(text: string): void {
    for (const live of this.#live) live.sink.chunk(encoder.encode(text));
  }

  close(): void {
    this.cut();
  }

  // ------------------------------------------------------------------------------------------------- what is done

  /** Containers are named by id, id prefix or name. */
  find(reference: string): FakeContainer | undefined {
    const exact = this.containers.get(reference);
    if (exact !== undefined) return exact;
    for (const container of this.containers.values()) {
      if (container.id.startsWith(reference) || container.name === reference) return container;
    }
    return undefined;
  }

  create(spec: FakeSpec = {}): string {
    this.#created += 1;
    const id = spec.id ?? fakeId(this.#created);
    const container = new FakeContainer(id, this.#created, this.#now(), spec);
    this.containers.set(id, container);
    this.#emit(container, 'create');
    return id;
  }

  start(id: string): void {
    const container = this.#get(id);
    for (const network of container.networkNames) this.#emitNetwork('connect', network, id);
    container.start(this.#timestamp(), () => this.#nextPort++);
    this.#emit(container, 'start');
  }

  run(spec: FakeSpec = {}): string {
    const id = this.create(spec);
    this.start(id);
    return id;
  }

  kill(id: string, signal: number): void {
    const container = this.#get(id);
    this.#emit(container, 'kill', { signal: String(signal) });
    if (signal === 9 || (signal === 15 && !container.spec.stubborn)) this.die(id);
  }

  die(id: string): void {
    const container = this.#get(id);
    container.stop();
    this.#emit(container, 'die', { exitCode: '0' });
    for (const network of container.networkNames) this.#emitNetwork('disconnect', network, id);
  }

  stop(id: string): void {
    const container = this.#get(id);
    this.#emit(container, 'kill', { signal: container.spec.stopSignal ?? '15' });
    this.die(id);
    this.#emit(container, 'stop');
  }

  remove(id: string): void {
    const container = this.#get(id);
    if (container.isAlive) this.kill(id, 9);
    this.containers.delete(id);
    this.#emit(container, 'destroy');
  }

  pause(id: string): void {
    this.#get(id).state = 'paused';
    this.#emit(this.#get(id), 'pause');
  }

  unpause(id: string): void {
    this.#get(id).state = 'running';
    this.#emit(this.#get(id), 'unpause');
  }

  rename(id: string, name: string): void {
    this.#get(id).name = name;
    this.#emit(this.#get(id), 'rename');
  }

  setHealth(id: string, health: 'healthy' | 'unhealthy'): void {
    this.#get(id).health = health;
    this.#emit(this.#get(id), `health_status: ${health}`);
  }

  addNetwork(name: string, driver = 'bridge'): void {
    const Id = fakeId(1_000_000 + this.networksByName.size);
    this.networksByName.set(name, { Id, Name: name, Driver: driver });
  }

  connect(id: string, network: string): void {
    this.#get(id).connect(network);
    this.#emitNetwork('connect', network, id);
  }

  disconnect(id: string, network: string): void {
    this.#get(id).disconnect(network);
    this.#emitNetwork('disconnect', network, id);
  }

  // ------------------------------------------------------------------------------------------------------- faults

  /** Every open stream ends. */
  cut(): void {
    for (const live of [...this.#live]) this.#end(live, 'cut');
  }

  /** The open streams stay open and never say a word again. */
  deafen(): void {
    for (const live of this.#live) live.deaf = true;
  }

  /** Some stream is open that never says a word. */
  get isDeafened(): boolean {
    return [...this.#live].some(({ deaf }) => deaf);
  }

  /** Connections are refused; open ones end. */
  goAway(): void {
    this.#state = 'away';
    this.cut();
  }

  /** Questions are accepted and never answered; open streams stay. */
  hang(): void {
    this.#state = 'hanging';
  }

  comeBack(): void {
    this.#state = 'up';
  }

  /** The next `times` calls that begin with `prefix` fail. */
  failNext(prefix: string, times = 1): void {
    this.#faults.set(prefix, times);
  }

  /** Answers to calls that begin with `prefix` are computed at once and delivered after `release`. */
  hold(prefix: string): () => void {
    let release = (): void => undefined;
    const hold = {
      prefix,
      until: new Promise<void>((resolve) => {
        release = resolve;
      }),
    };
    this.#holds.push(hold);
    return () => {
      this.#holds.splice(this.#holds.indexOf(hold), 1);
      release();
    };
  }

  /** Only the event, whatever became of the container. */
  announce(id: string, action: string): void {
    this.#emit(this.#get(id), action);
  }

  /** Whatever happens in `act` happens without an event, as if the ring had overflowed. */
  quietly(act: () => void): void {
    this.#quiet = true;
    act();
    this.#quiet = false;
  }

  #quiet = false;

  get isQuiet(): boolean {
    return this.#quiet;
  }

  async #call<T>(what: string, signal: AbortSignal, answer: () => Result<T>): Promise<Result<T>> {
    this.calls.push(what);
    if (this.#state === 'hanging') await aborted(signal);
    if (this.#state === 'away') return fail('docker-unreachable', 'connect ECONNREFUSED');
    for (const [prefix, left] of this.#faults) {
      if (!what.startsWith(prefix) || left === 0) continue;
      this.#faults.set(prefix, left - 1);
      return fail('docker-unreachable', 'server error');
    }
    const result = answer();
    const hold = this.#holds.find(({ prefix }) => what.startsWith(prefix));
    const delayMs = this.delayMs(what);
    if (delayMs > 0) await sleep(this.#clock, delayMs, signal);
    else if (hold === undefined) await Promise.resolve();
    else await Promise.race([hold.until, aborted(signal)]);
    return result;
  }

  #get(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new Error(`no such container: ${id}`);
    return container;
  }

  #now(): number {
    return this.#clock.now() + this.clockOffsetMs;
  }

  #timestamp(): string {
    this.#nanos += 1;
    return new Date(this.#now()).toISOString().replace('Z', `${String(this.#nanos).padStart(6, '0')}Z`);
  }

  #emit(container: FakeContainer, action: string, attributes: Record<string, string> = {}): void {
    this.#record('container', action, container.id, { ...container.attributes(), ...attributes });
  }

  #emitNetwork(action: string, name: string, container: string): void {
    const network = this.networksByName.get(name);
    if (network === undefined) throw new Error(`no such network: ${name}`);
    this.#record('network', action, network.Id, { container, name, type: network.Driver });
  }

  #record(
    type: 'container' | 'network',
    action: string,
    id: string,
    attributes: Record<string, string>,
  ): void {
    if (this.#quiet || !EVENT_FILTERS.event.some((name) => action.startsWith(name))) return;
    this.#nanos += 1;
    const at = this.#now();
    const event = {
      Type: type,
      Action: action,
      Actor: { ID: id, Attributes: attributes },
      scope: 'local',
      time: Math.floor(at / 1000),
      // Steps of a microsecond keep events of one millisecond apart; a clock with fractions needs none.
      timeNano: at * 1e6 + (Number.isInteger(at) ? (this.#nanos % 1000) * 1000 : 0),
    };
    const line = encoder.encode(`${JSON.stringify(event)}\n`);
    this.#ring.push({ at, line });
    if (this.#ring.length > 256) this.#ring.shift();
    for (const live of this.#live) if (!live.deaf && !this.skips()) live.sink.chunk(line);
  }

  #end(live: Live, why: string): void {
    if (this.#live.delete(live)) live.sink.ended(why);
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });
}
