import type { Server } from 'node:net';
import type { FakeEngine } from './engine-fake.ts';
import type { FakeContainer } from './fake-container.ts';
import {
  createLiteServer,
  type LiteAnswer,
  type LiteReply,
  type LiteRequest,
  type LiteStream,
} from './http-lite.ts';

/** Answers a request that is not of the engine's API; undefined: nobody knows it. */
export type Control = (request: LiteRequest) => unknown;

interface EventLine {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

interface Prepared {
  readonly state: string;
  row: Uint8Array | undefined;
  inspection: Uint8Array | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The HTTP face of the engine in memory, for agents that are processes of their own. Its answers are prepared bytes, so
 * that a benchmark measures the agent and not this.
 */
export class EngineSocket {
  readonly server: Server;
  /** How many inspections were asked for. */
  inspections = 0;
  lists = 0;
  readonly #engine: FakeEngine;
  readonly #control: Control;
  readonly #prepared = new Map<string, Prepared>();
  #list: Uint8Array | undefined;
  readonly #stop = new AbortController();

  constructor(engine: FakeEngine, control: Control = () => undefined) {
    this.#engine = engine;
    this.#control = control;
    this.server = createLiteServer((request) => this.#answer(request));
  }

  /** Prepares all answers and listens. What happened before is in no prepared answer's way. */
  async listen(path: string): Promise<void> {
    const sink = {
      chunk: (line: Uint8Array) => {
        this.#forget(eventOf(line));
      },
      ended: () => undefined,
    };
    await this.#engine.events({}, sink, this.#stop.signal);
    this.prepare();
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(path, resolve);
    });
  }

  prepare(): void {
    for (const container of this.#engine.containers.values()) this.#inspectionOf(container);
    this.#listing();
  }

  close(): void {
    this.#stop.abort();
    this.server.close();
  }

  async #answer(request: LiteRequest): Promise<LiteAnswer> {
    const path = request.path.replace(/^\/v\d+\.\d+\//, '/');
    const inspected = /^\/containers\/([^/]+)\/json$/.exec(path)?.[1];
    if (inspected !== undefined) return this.#inspect(inspected);
    switch (path) {
      case '/_ping':
        return { status: 200, body: encoder.encode('OK') };
      case '/version':
        return json({
          Version: this.#engine.version,
          ApiVersion: this.#engine.apiVersion,
          MinAPIVersion: '1.12',
        });
      case '/info':
        return json({ ID: 'FAKE', Name: 'fake', SystemTime: new Date().toISOString() });
      case '/containers/json':
        this.lists += 1;
        return { status: 200, body: this.#listing() };
      case '/networks':
        return json([...this.#engine.networksByName.values()]);
      case '/events':
        return (stream) => this.#events(request.query, stream);
      default:
        return await this.#controlled(request);
    }
  }

  async #controlled(request: LiteRequest): Promise<LiteAnswer> {
    try {
      const answer: unknown = await this.#control(request);
      return answer === undefined ? json({ message: 'page not found' }, 404) : json(answer);
    } catch (error) {
      return json({ message: String(error) }, 400);
    }
  }

  #inspect(reference: string): LiteReply {
    this.inspections += 1;
    const container = this.#engine.find(reference);
    if (container === undefined) return json({ message: `No such container: ${reference}` }, 404);
    return { status: 200, body: this.#inspectionOf(container) };
  }

  /** The stream ends when its client leaves, or with the past if an end was asked for. */
  async #events(query: URLSearchParams, stream: LiteStream): Promise<void> {
    const wanted = filterOf(query.get('filters'));
    const ended = new Promise<void>((resolve) => {
      stream.signal.addEventListener('abort', () => {
        resolve();
      });
      const sink = {
        chunk: (line: Uint8Array) => {
          if (wanted(eventOf(line))) stream.write(line);
        },
        ended: () => {
          stream.end();
          resolve();
        },
      };
      const times = { ...timeOf(query, 'since'), ...timeOf(query, 'until') };
      void this.#engine.events(times, sink, stream.signal);
    });
    await ended;
  }

  #preparedOf(container: FakeContainer): Prepared {
    const known = this.#prepared.get(container.id);
    if (known !== undefined) return known;
    const fresh = { state: container.state, row: undefined, inspection: undefined };
    this.#prepared.set(container.id, fresh);
    return fresh;
  }

  #inspectionOf(container: FakeContainer): Uint8Array {
    return (this.#preparedOf(container).inspection ??= encode(container.inspection()));
  }

  #listing(): Uint8Array {
    this.#list ??= Buffer.concat([
      encoder.encode('['),
      ...[...this.#engine.containers.values()].flatMap((container, index) => [
        ...(index === 0 ? [] : [COMMA]),
        (this.#preparedOf(container).row ??= encode(container.row())),
      ]),
      encoder.encode(']'),
    ]);
    return this.#list;
  }

  #forget({ Actor }: EventLine): void {
    this.#list = undefined;
    this.#prepared.delete(Actor.Attributes['container'] ?? Actor.ID);
  }
}

const COMMA = encoder.encode(',');

function encode(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function json(value: unknown, status = 200): LiteReply {
  return { status, body: encode(value) };
}

function eventOf(line: Uint8Array): EventLine {
  return JSON.parse(decoder.decode(line)) as EventLine;
}

/** Seconds in the query, with a fraction; the engine in memory counts in milliseconds. */
function timeOf(query: URLSearchParams, name: 'since' | 'until'): Partial<Record<typeof name, number>> {
  const text = query.get(name);
  return text === null ? {} : { [name]: Number(text) * 1000 };
}

/** An event of a container matches by `type` and by the beginning of `event`, as with the real engine. */
function filterOf(text: string | null): (event: EventLine) => boolean {
  const { type, event } = JSON.parse(text ?? '{}') as { type?: readonly string[]; event?: readonly string[] };
  return ({ Type, Action }) =>
    (type === undefined || type.includes(Type)) &&
    (event === undefined || event.some((name) => Action === name || Action.startsWith(`${name}:`)));
}
