import { type Finding, finding } from '../../core/doctor.ts';
import type { Result } from '../../core/failure.ts';
import type { Clock } from '../../core/ports.ts';
import { withDeadline } from '../../source/docker/deadline.ts';
import type { Engine } from '../../source/docker/engine.ts';

/** What is known of the socket before anything is asked of it. */
export interface SocketFacts {
  readonly path: string;
  /** Why it cannot be opened, such as `not there`; undefined: it can. */
  readonly why: string | undefined;
  /** Name or number of its group. */
  readonly group: string | undefined;
}

export interface EnginePatient {
  /** `engine`, or `engine east`. */
  readonly subject: string;
  readonly engine: Engine;
  /** Empty over the network. */
  readonly sockets: readonly SocketFacts[];
  readonly insideContainer: boolean;
  readonly clock: Clock;
}

const STEP_MS = 4000;
/** Nobody notices less. */
const SKEW_MS = 2000;
/** No container has it: asked in vain it costs the engine nothing. */
const NOBODY = '0'.repeat(64);

/** Socket, version, clock, and each of the questions that the agent asks. */
export async function examineEngine(
  patient: EnginePatient,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { subject, engine, sockets } = patient;
  const closed = sockets.length > 0 && sockets.every(({ why }) => why !== undefined);
  if (closed) return [socketFinding(subject, sockets)];
  const startedAt = patient.clock.monotonic();
  const version = await step(patient, 'GET /version', signal, (within) => engine.negotiate(within));
  if (!version.ok) return [unreachable(patient, version)];
  const ms = Math.round(patient.clock.monotonic() - startedAt);
  const { version: its, apiVersion } = version.value;
  const answers = `version ${its}, API ${apiVersion}, answers in ${String(ms)}ms`;
  return [
    finding('engine-answers', subject, answers),
    ...(await clockFindings(patient, signal)),
    ...(await refusedQuestions(patient, signal)),
  ];
}

function socketFinding(subject: string, sockets: readonly SocketFacts[]): Finding {
  const denied = sockets.find(({ why }) => why === 'not allowed for this user');
  if (denied !== undefined) {
    const group = denied.group === undefined ? '' : `; it belongs to the group ${denied.group}`;
    return finding('engine-socket-denied', subject, `this user may not open ${denied.path}${group}`);
  }
  const tried = sockets.map(({ path, why }) => `${path} (${why ?? ''})`).join(', ');
  return finding('engine-missing', subject, `no socket can be opened: ${tried}`);
}

function unreachable({ subject, sockets, insideContainer }: EnginePatient, { failure }: Failed): Finding {
  const { message, code } = failure;
  const path = sockets.find(({ why }) => why === undefined)?.path;
  // The file is there and its listener is not: what a bind mount shows after the engine made a new one.
  if (path !== undefined && message.includes('ECONNREFUSED')) {
    const where = insideContainer ? ', as a file that was mounted before the engine was restarted' : '';
    return finding('engine-stale', subject, `${path} is there, but nobody listens behind it${where}`);
  }
  return finding(code === 'docker-rejected' ? 'engine-denied' : 'engine-unreachable', subject, message);
}

type Failed = Extract<Result<unknown>, { readonly ok: false }>;

function step<T>(
  { clock }: EnginePatient,
  what: string,
  signal: AbortSignal,
  ask: (signal: AbortSignal) => Promise<Result<T>>,
): Promise<Result<T>> {
  return withDeadline({ clock, ms: STEP_MS }, signal, what, ask);
}

async function clockFindings(patient: EnginePatient, signal: AbortSignal): Promise<readonly Finding[]> {
  const { subject, engine, clock } = patient;
  const before = clock.now();
  const info = await step(patient, 'GET /info', signal, (within) => engine.info(within));
  if (!info.ok) return refusal(patient, 'GET /info', 'INFO', info);
  const { systemTime } = info.value;
  if (systemTime === undefined) return [];
  const skew = systemTime - (before + clock.now()) / 2;
  return Math.abs(skew) < SKEW_MS
    ? []
    : [finding('engine-clock', subject, `its clock is ${skewText(skew)} of this one's`)];
}

function skewText(ms: number): string {
  return `${String(Math.round(Math.abs(ms) / 100) / 10)}s ${ms < 0 ? 'behind' : 'ahead'}`;
}

/** Each with the rule of the usual socket proxy that allows it. */
async function refusedQuestions(patient: EnginePatient, signal: AbortSignal): Promise<readonly Finding[]> {
  const { engine, clock } = patient;
  const now = clock.now();
  const sink = { chunk: () => undefined, ended: () => undefined };
  const questions: readonly (readonly [string, string, (within: AbortSignal) => Promise<Result<unknown>>])[] =
    [
      ['GET /containers/json', 'CONTAINERS', (within) => engine.list(within)],
      ['GET /containers/{id}/json', 'CONTAINERS', (within) => engine.inspect(NOBODY, within)],
      ['GET /networks', 'NETWORKS', (within) => engine.networks(within)],
      ['GET /events', 'EVENTS', (within) => engine.events({ since: now - 1000, until: now }, sink, within)],
    ];
  const found = questions.map(async ([what, rule, ask]) =>
    refusal(patient, what, rule, await step(patient, what, signal, ask)),
  );
  return (await Promise.all(found)).flat();
}

function refusal(
  { subject }: EnginePatient,
  what: string,
  rule: string,
  answer: Result<unknown>,
): readonly Finding[] {
  if (answer.ok) return [];
  const { code, message } = answer.failure;
  if (code !== 'docker-rejected') return [finding('engine-unreachable', subject, `${what}: ${message}`)];
  return [
    finding('engine-denied', subject, `${what} is refused (docker-socket-proxy: ${rule}=1): ${message}`),
  ];
}
