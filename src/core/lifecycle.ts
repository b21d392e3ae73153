import { setup, transition } from 'xstate';
import type { Cause } from './cause.ts';
import type { DrainCause, Phase } from './endpoint.ts';

/** A container that was told to stop and still runs this long after its stop timeout was not told to stop after all. */
export const STOP_GRACE_MS = 5 * 60_000;

/** Facts, each with its time (epoch ms). `drainMs`: how long an unhealthy endpoint drains. */
export type Fact =
  | {
      readonly type: 'observed';
      readonly ready: boolean;
      readonly unhealthy: boolean;
      readonly startedAt: string | undefined;
      readonly drainMs: number;
      readonly at: number;
    }
  | { readonly type: 'stop-signal'; readonly stopTimeoutMs: number; readonly at: number }
  | { readonly type: 'gone'; readonly at: number }
  | { readonly type: 'drain'; readonly at: number }
  | { readonly type: 'undrain'; readonly ready: boolean; readonly at: number }
  | { readonly type: 'time'; readonly ready: boolean; readonly at: number }
  | { readonly type: 'adopt'; readonly drain: DrainNote };

/** A drain as it is remembered outside the process, to be adopted by a restarted agent. */
export interface DrainNote {
  readonly endpoint: string;
  readonly cause: DrainCause;
  readonly since: number;
  readonly until: number | undefined;
  readonly startedAt: string | undefined;
  readonly offered: boolean;
}

type Context = Pick<Phase, 'cause' | 'since' | 'until' | 'startedAt'>;

const sameStart = (context: Context, startedAt: string | undefined): boolean =>
  context.startedAt === undefined || startedAt === undefined || context.startedAt === startedAt;

/**
 * The life of one endpoint. No timers, promises or I/O: facts in, state out, by xstate's pure `transition()`.
 * A drain is an edge, not a level: what the engine goes on reporting (`observed`) never ends it, except by a new start
 * or, for an unhealthy one, by health.
 */
const machine = setup({
  types: { context: {} as Context, events: {} as Fact, input: {} as Context },
  guards: {
    ready: ({ event }) =>
      (event.type === 'observed' || event.type === 'undrain' || event.type === 'time') && event.ready,
    unhealthy: ({ event }) => event.type === 'observed' && event.unhealthy,
    restarted: ({ context, event }) => event.type === 'observed' && !sameStart(context, event.startedAt),
    restartedReady: ({ context, event }) =>
      event.type === 'observed' && event.ready && !sameStart(context, event.startedAt),
    recovered: ({ context, event }) =>
      event.type === 'observed' && event.ready && context.cause === 'unhealthy',
    overReady: ({ context, event }) =>
      event.type === 'time' && event.ready && context.until !== undefined && event.at >= context.until,
    over: ({ context, event }) =>
      event.type === 'time' && context.until !== undefined && event.at >= context.until,
    commanded: ({ context }) => context.cause === 'command',
    commandedReady: ({ context, event }) =>
      context.cause === 'command' && event.type === 'undrain' && event.ready,
    adoptable: ({ context, event }) => event.type === 'adopt' && sameStart(context, event.drain.startedAt),
  },
}).createMachine({
  id: 'endpoint',
  context: ({ input }) => input,
  initial: 'announced',
  on: { gone: { target: '.expired' } },
  states: {
    announced: {
      on: {
        observed: { guard: 'ready', target: 'registered' },
        'stop-signal': { target: 'draining' },
        drain: { target: 'draining' },
        adopt: { guard: 'adoptable', target: 'draining' },
      },
    },
    registered: {
      on: {
        observed: [
          { guard: 'unhealthy', target: 'draining' },
          { guard: 'ready', target: 'registered' },
          { target: 'announced' },
        ],
        'stop-signal': { target: 'draining' },
        drain: { target: 'draining' },
        adopt: { guard: 'adoptable', target: 'draining' },
      },
    },
    draining: {
      on: {
        observed: [
          { guard: 'restartedReady', target: 'registered' },
          { guard: 'restarted', target: 'announced' },
          { guard: 'recovered', target: 'registered' },
        ],
        'stop-signal': { target: 'draining' },
        drain: { target: 'draining' },
        undrain: [
          { guard: 'commandedReady', target: 'registered' },
          { guard: 'commanded', target: 'announced' },
        ],
        time: [
          { guard: 'overReady', target: 'registered' },
          { guard: 'over', target: 'announced' },
        ],
      },
    },
    /** An on-demand container asleep; entered and left by the activation loop. */
    dormant: { on: { observed: { guard: 'ready', target: 'registered' } } },
    expired: { type: 'final' },
  },
});

/** The phase of an endpoint that has just been seen. */
export function firstPhase(at: number, startedAt: string | undefined): Phase {
  return { state: 'announced', cause: undefined, since: at, until: undefined, startedAt, offered: false };
}

/** The phase after a fact; the same object when the fact changes nothing. */
export function advance(phase: Phase, fact: Fact): Phase {
  const { state: value, ...context } = phase;
  const [{ value: state }] = transition(machine, machine.resolveState({ value, context }), fact);
  const startedAt = fact.type === 'observed' ? (fact.startedAt ?? phase.startedAt) : phase.startedAt;
  const next: Phase =
    state === 'draining'
      ? { state, ...drainOf(phase, fact), startedAt, offered: wasOffered(phase, fact) }
      : {
          state,
          cause: undefined,
          since: timeOf(fact),
          until: undefined,
          startedAt,
          offered: state === 'registered',
        };
  const goesOn = next.state === phase.state && next.cause === phase.cause;
  if (!goesOn) return next;
  const same =
    next.until === phase.until && next.startedAt === phase.startedAt && next.offered === phase.offered;
  return same ? phase : { ...next, since: phase.since };
}

/**
 * The phase after a fact, for an endpoint that a command keeps out of rotation since `ordered` (epoch ms; undefined: none
 * does). Whatever would bring it back only makes it drain by the command; a stop signal goes before.
 */
export function advanceUnder(ordered: number | undefined, phase: Phase, fact: Fact): Phase {
  const next = advance(phase, fact);
  if (ordered === undefined || next.state === 'expired' || next.state === 'dormant') return next;
  if (next.state === 'draining' && next.cause !== 'unhealthy') return next;
  const { offered } = phase;
  const held = advance({ ...next, offered }, { type: 'drain', at: ordered });
  return sameDrain(held, phase) ? phase : held;
}

function sameDrain(a: Phase, b: Phase): boolean {
  return a.state === b.state && a.cause === b.cause && a.since === b.since && a.startedAt === b.startedAt;
}

/** Of two accounts of one drain, one that saw the endpoint in rotation is right; a note of an earlier process knows best. */
function wasOffered(phase: Phase, fact: Fact): boolean {
  if (fact.type !== 'adopt') return phase.offered;
  return (phase.state === 'draining' && phase.offered) || fact.drain.offered;
}

/** Cause, beginning and end of the drain that holds after the fact. A stop signal outranks a command, a command ill health. */
function drainOf(phase: Phase, fact: Fact): Pick<DrainNote, 'cause' | 'since' | 'until'> {
  const current = { cause: phase.cause ?? 'command', since: phase.since, until: phase.until } as const;
  switch (fact.type) {
    case 'stop-signal':
      return { cause: 'stop-signal', since: fact.at, until: fact.at + fact.stopTimeoutMs + STOP_GRACE_MS };
    case 'drain':
      return phase.state === 'draining' && phase.cause === 'stop-signal'
        ? current
        : { cause: 'command', since: fact.at, until: undefined };
    case 'adopt':
      return phase.state === 'draining' && !outranks(fact.drain, phase) ? current : fact.drain;
    case 'observed':
      return phase.state === 'draining'
        ? current
        : { cause: 'unhealthy', since: fact.at, until: fact.at + fact.drainMs };
    case 'gone':
    case 'undrain':
    case 'time':
      return current;
  }
}

/** A stop signal that an earlier process saw counts for more than a command that was known before it. */
function outranks(note: DrainNote, { cause }: Phase): boolean {
  return note.cause === 'stop-signal' && cause === 'command';
}

function timeOf(fact: Fact): number {
  return fact.type === 'adopt' ? fact.drain.since : fact.at;
}

/** Why the phase changed, in the words of causes. `eventAt`: of the engine's event that changed it. */
export function causeOfPhase(before: Phase | undefined, after: Phase, at: number, eventAt?: number): Cause {
  const explained = after.state === 'draining' || before?.state === 'draining' || after.state === 'announced';
  if (after.state === 'draining')
    return {
      code: after.cause === 'command' ? 'drain-command' : (after.cause ?? 'drain-command'),
      at,
      explained,
      eventAt,
    };
  if (before?.state === 'draining') return { code: 'drain-ended', at, explained, eventAt };
  if (before === undefined) return { code: 'started', at, explained, eventAt };
  return { code: after.state === 'registered' ? 'ready' : 'not-ready', at, explained, eventAt };
}
