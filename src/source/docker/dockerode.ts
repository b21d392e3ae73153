import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIPv6 } from 'node:net';
import { inspect } from 'node:util';
import Docker from 'dockerode';
import { z } from 'zod';
import { type Failure, fail, failure, ok, type Result } from '../../core/failure.ts';
import type { EngineConnection, EngineTls } from './connection.ts';
import {
  chooseApiVersion,
  type Engine,
  type EngineInfo,
  type EngineVersion,
  EVENT_FILTERS,
  type EventQuery,
  type EventSink,
} from './engine.ts';

const versionSchema = z.object({
  Version: z.string().catch('unknown'),
  ApiVersion: z.string().regex(/^\d+\.\d+$/),
  MinAPIVersion: z
    .string()
    .regex(/^\d+\.\d+$/)
    .optional()
    .catch(undefined),
});

const infoSchema = z.object({
  ID: z.string().min(1).optional().catch(undefined),
  Name: z.string().min(1).optional().catch(undefined),
  DockerRootDir: z.string().optional().catch(undefined),
  SystemTime: z.string().optional().catch(undefined),
});

/** A name or id; anything else cannot exist, and must not become a part of a URL. */
const REFERENCE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;

/** Files for TLS that may be renewed while the engine is in use. */
export interface RenewedTls {
  /** The same object as long as nothing has changed. */
  readonly current: EngineTls;
  stop(): void;
}

/** `tls`: instead of what the connection has. */
export function createDockerodeEngine(connection: EngineConnection, tls?: RenewedTls): Engine {
  return new DockerodeEngine(connection, tls);
}

class DockerodeEngine implements Engine {
  readonly #connection: EngineConnection;
  /** For questions: connections are kept, which saves a handshake for each inspection. */
  #agent: HttpAgent | HttpsAgent;
  /** For events: a connection of its own each time, so that a replay does not depend on one that may be dead. */
  readonly #streamAgent: HttpAgent | HttpsAgent;
  readonly #tls: RenewedTls | undefined;
  #shown: EngineTls | undefined;
  #apiVersion: string | undefined;
  #docker: Docker;
  #streams: Docker;

  constructor(connection: EngineConnection, tls: RenewedTls | undefined) {
    this.#connection = connection;
    this.#tls = tls;
    this.#shown = tls?.current;
    this.#agent = this.#newAgent(true);
    this.#streamAgent = this.#newAgent(false);
    this.#docker = this.#client(this.#agent, undefined);
    this.#streams = this.#client(this.#streamAgent, undefined);
  }

  async negotiate(signal: AbortSignal): Promise<Result<EngineVersion>> {
    // Kept connections belong to the past: to an engine that is gone, or to a path that is dead without a word.
    this.#renew();
    this.#agent.destroy();
    this.#agent = this.#newAgent(true);
    const plain = abortable(this.#client(this.#agent, undefined));
    const answer = await this.#ask(() => plain.version({ abortSignal: signal }));
    if (!answer.ok) return answer;
    const parsed = versionSchema.safeParse(answer.value);
    if (!parsed.success) return fail('docker-rejected', 'what answers is not a Docker engine');
    const apiVersion = chooseApiVersion(parsed.data.ApiVersion, parsed.data.MinAPIVersion);
    this.#apiVersion = apiVersion;
    this.#docker = this.#client(this.#agent, apiVersion);
    this.#streams = this.#client(this.#streamAgent, apiVersion);
    return ok({ version: parsed.data.Version, apiVersion });
  }

  async info(signal: AbortSignal): Promise<Result<EngineInfo>> {
    const answer = await this.#ask(() => abortable(this.#docker).info({ abortSignal: signal }));
    if (!answer.ok) return answer;
    const { ID: id, Name: name, DockerRootDir: root, SystemTime } = infoSchema.catch({}).parse(answer.value);
    const systemTime = Date.parse(SystemTime ?? '');
    return ok({ id, name, root, systemTime: Number.isNaN(systemTime) ? undefined : systemTime });
  }

  async list(signal: AbortSignal): Promise<Result<readonly unknown[]>> {
    return listOf(await this.#ask(() => this.#docker.listContainers({ all: true, abortSignal: signal })));
  }

  async inspect(reference: string, signal: AbortSignal): Promise<Result<unknown>> {
    if (!REFERENCE.test(reference)) return ok(undefined);
    this.#renew();
    const container = this.#docker.getContainer(reference);
    return await this.#ask(() =>
      container.inspect({ abortSignal: signal }).catch((error: unknown) => {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }),
    );
  }

  async networks(signal: AbortSignal): Promise<Result<readonly unknown[]>> {
    return listOf(await this.#ask(() => this.#docker.listNetworks({ abortSignal: signal })));
  }

  async events(query: EventQuery, sink: EventSink, signal: AbortSignal): Promise<Result<void>> {
    const options = {
      filters: JSON.stringify(EVENT_FILTERS),
      ...(query.since === undefined ? {} : { since: query.since / 1000 }),
      ...(query.until === undefined ? {} : { until: query.until / 1000 }),
    };
    const answer = await this.#ask(() => this.#streams.getEvents({ ...options, abortSignal: signal }));
    if (!answer.ok) return answer;
    const stream = answer.value;
    let why = 'the engine ended the event stream';
    stream.on('data', (bytes: Buffer) => {
      sink.chunk(bytes);
    });
    stream.on('error', (error: Error) => {
      why = error.message;
    });
    stream.on('close', () => {
      sink.ended(why);
    });
    return ok(undefined);
  }

  close(): void {
    this.#agent.destroy();
    this.#streamAgent.destroy();
    this.#tls?.stop();
  }

  /** Renewed files are shown from the next connection on; what is under way ends on the old ones. */
  #renew(): void {
    const tls = this.#tls?.current;
    if (tls === this.#shown) return;
    this.#shown = tls;
    const old = this.#agent;
    old.maxFreeSockets = 0;
    for (const sockets of Object.values(old.freeSockets))
      for (const socket of sockets ?? []) socket.destroy();
    this.#agent = this.#newAgent(true);
    this.#docker = this.#client(this.#agent, this.#apiVersion);
    this.#streams = this.#client(this.#streamAgent, this.#apiVersion);
  }

  #newAgent(keepAlive: boolean): HttpAgent | HttpsAgent {
    const connection = this.#connection;
    const secure = 'host' in connection && connection.protocol === 'https';
    const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive, maxFreeSockets: 8 });
    // The library renders its options for a debug line that nobody reads, at every request, down to each socket's buffers.
    return Object.assign(agent, { [inspect.custom]: () => 'agent' });
  }

  /** Every option is named, also where it is undefined: the library would fill gaps from `DOCKER_*` variables. */
  #client(agent: HttpAgent | HttpsAgent, apiVersion: string | undefined): Docker {
    const connection = this.#connection;
    const shared = {
      version: apiVersion === undefined ? undefined : `v${apiVersion}`,
      timeout: undefined,
      pathPrefix: '/',
      agent,
    };
    if ('socketPath' in connection) {
      return new Docker({ ...shared, socketPath: connection.socketPath, host: undefined, protocol: 'http' });
    }
    const { host, port, protocol } = connection;
    const { ca, cert, key } = this.#shown ?? connection;
    // With its scheme: the library's URL parser takes the first group of a bare IPv6 address for one.
    const url = `${protocol}://${isIPv6(host) ? `[${host}]` : host}`;
    return new Docker({ ...shared, host: url, port, protocol, ca, cert, key });
  }

  async #ask<T>(call: () => Promise<T>): Promise<Result<T>> {
    this.#renew();
    try {
      return ok(await call().catch(again(call)));
    } catch (error) {
      return { ok: false, failure: classify(error) };
    }
  }
}

/** A kept connection may have died unnoticed, which says nothing about the engine: one more try, on a new one. */
function again<T>(call: () => Promise<T>): (error: unknown) => Promise<T> {
  return (error) => {
    const code = codeOf(error);
    if (code === 'ECONNRESET' || code === 'EPIPE') return call();
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  };
}

/** The library takes a signal for these calls as well; its types do not say so. */
interface Abortable {
  version(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  info(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}

function abortable(docker: Docker): Abortable {
  return docker;
}

function listOf(answer: Result<unknown>): Result<readonly unknown[]> {
  if (!answer.ok) return answer;
  return Array.isArray(answer.value) ? ok(answer.value) : fail('docker-rejected', 'a list was expected');
}

function statusOf(error: unknown): number | undefined {
  const status =
    typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' ? status : undefined;
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

function classify(error: unknown): Failure {
  const message = error instanceof Error ? error.message.trim() : String(error);
  const status = statusOf(error);
  if (status !== undefined && status >= 400 && status < 500) return failure('docker-rejected', message);
  const denied = ['EACCES', 'EPERM'].includes(codeOf(error) ?? '');
  return failure(denied ? 'docker-rejected' : 'docker-unreachable', message);
}
