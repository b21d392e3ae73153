import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { messageOf } from '../core/failure.ts';
import { AgentAway, CliError, EXIT } from './exit.ts';

/** An agent as the other commands reach it. */
export interface AgentAddress {
  /** Sockets to try, the best first. */
  readonly sockets: readonly string[];
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const TIMEOUT_MS = 15_000;
const MAX_BODY = 256 * 1024 * 1024;
/** A socket that is not there, or behind which nobody listens, leads on to the next one. */
const NOBODY = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR', 'ENOTSOCK']);

/** Asks the running agent once. */
export async function ask(agent: AgentAddress, path: string, signal: AbortSignal): Promise<Reply> {
  const response = await open(agent, path, signal);
  return { status: response.statusCode ?? 0, body: await bodyOf(response) };
}

/** Gives the running agent an order. */
export async function tell(
  agent: AgentAddress,
  path: string,
  order: object,
  signal: AbortSignal,
): Promise<Reply> {
  const response = await open(agent, path, signal, JSON.stringify(order));
  return { status: response.statusCode ?? 0, body: await bodyOf(response) };
}

/** Asks for a list and for every later state of it; returns when the agent closes or the signal aborts. */
export async function follow(
  agent: AgentAddress,
  path: string,
  next: (body: unknown) => void,
  signal: AbortSignal,
): Promise<void> {
  const response = await open(agent, `${path}?watch=1`, signal);
  if (response.statusCode !== 200)
    throw errorOf({ status: response.statusCode ?? 0, body: await bodyOf(response) });
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Infinity })) next(parse(line));
  } catch (error) {
    // A connection that breaks is an agent that ended; what is wrong with an answer is told as it is.
    if (!signal.aborted && error instanceof CliError) throw error;
  }
  if (!signal.aborted) throw new AgentAway('The agent closed the connection; it was stopped, or restarted.');
}

/** Why an order was not carried out; what it names may be what is wrong. */
export function refusalOf(reply: Reply): CliError {
  const error = errorOf(reply);
  const { code } = (reply.body as { readonly error?: { readonly code?: unknown } }).error ?? {};
  return code === 'not-found' || code === 'ambiguous' ? new CliError(error.message, EXIT.unknown) : error;
}

/** The error that a reply carries, for people. */
export function errorOf(reply: Reply): CliError {
  const body: { error?: { message?: unknown } } =
    typeof reply.body === 'object' && reply.body !== null ? reply.body : {};
  const message = body.error?.message;
  const text = typeof message === 'string' ? message : `The agent answered with status ${reply.status}.`;
  return new CliError(text);
}

/** `order`: sent as the body of a POST; undefined for a question. */
async function open(
  { sockets }: AgentAddress,
  path: string,
  signal: AbortSignal,
  order?: string,
): Promise<IncomingMessage> {
  for (const socketPath of sockets) {
    try {
      return await connect(socketPath, path, signal, order);
    } catch (error) {
      if (signal.aborted) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      if (!NOBODY.has(code)) throw describe(code, socketPath, error);
    }
  }
  throw new AgentAway(
    `No agent answers at ${sockets.join(' or ')}. Start one with "portolan run", or name the socket of the one that runs with --control-socket.`,
  );
}

function connect(
  socketPath: string,
  path: string,
  signal: AbortSignal,
  order: string | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'localhost', ...(order !== undefined && { 'content-type': 'application/json' }) };
    const method = order === undefined ? 'GET' : 'POST';
    const asked: ClientRequest = request({ socketPath, path, method, signal, headers });
    asked.setTimeout(TIMEOUT_MS, () => {
      asked.destroy(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }));
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      // A watch may be silent for hours.
      asked.setTimeout(0);
      resolve(response);
    });
    asked.end(order);
  });
}

function describe(code: string, socketPath: string, error: unknown): CliError {
  if (code === 'EACCES' || code === 'EPERM')
    return new CliError(
      `This user may not open ${socketPath}. Use sudo, or join the group that the agent runs under.`,
    );
  if (code === 'ETIMEDOUT') return new AgentAway(`The agent at ${socketPath} did not answer in time.`);
  const message = messageOf(error);
  return new CliError(`The agent at ${socketPath} could not be asked: ${message}`);
}

async function bodyOf(response: IncomingMessage): Promise<unknown> {
  response.setEncoding('utf8');
  let text = '';
  for await (const part of response) {
    text += String(part);
    if (text.length > MAX_BODY) throw new CliError('The agent answered more than this command can hold.');
  }
  return parse(text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CliError('What answers on the control socket is not this version of Portolan.');
  }
}
