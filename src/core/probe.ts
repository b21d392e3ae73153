/** Answers of an HTTP probe that count as success, both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** How a container port is found out to be ready, as labels say it. Durations are milliseconds. */
export interface ProbeSpec {
  readonly kind: 'tcp' | 'http';
  /** What an HTTP probe asks for; begins with a slash. */
  readonly path: string;
  /** The Host header; undefined: the address. */
  readonly host: string | undefined;
  readonly status: readonly StatusRange[];
  /** Another port of the same container; undefined: that of the service. */
  readonly port: number | undefined;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** How long it may take until the first success, tried quickly. */
  readonly startPeriodMs: number;
  /** Successes in a row that bring back what had failed. */
  readonly rise: number;
  /** Failures in a row that take out what was ready. */
  readonly fall: number;
}

/** Where one endpoint's probe goes: the container's own addresses, in the order in which they are tried. */
export interface ProbePlan {
  readonly spec: ProbeSpec;
  /** Empty: there is nowhere to go, and `hint` says why. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** What makes failures likely. */
  readonly hint: string | undefined;
}

/** `late`: there was no answer within the timeout. `why`: a few printable words. */
export type ProbeResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly why: string; readonly late: boolean };

/**
 * What the results so far say. `starting`: never ready yet, tried quickly; `failed`: the start period passed without a
 * success; `up`, `down`: as the last `rise` or `fall` results said.
 */
export interface ProbeState {
  readonly verdict: 'starting' | 'failed' | 'up' | 'down';
  /** When this began: milliseconds of a clock that nobody sets. */
  readonly since: number;
  /** Results in a row that speak against the verdict. */
  readonly against: number;
  /** What the last failure was; undefined after a success and before the first result. */
  readonly why: string | undefined;
}

/** During the start period. */
const QUICK_MS = 100;

/** Nothing is known yet. */
export function firstProbeState(at: number): ProbeState {
  return { verdict: 'starting', since: at, against: 0, why: undefined };
}

/** As an earlier process of the agent left it: it counts until results of our own speak against it. */
export function inheritedProbeState(verdict: 'up' | 'down', at: number): ProbeState {
  const why = verdict === 'up' ? undefined : 'unhealthy before the agent was started again';
  return { verdict, since: at, against: 0, why };
}

/** The state after a result. `at`: when it came, by the clock of `since`. */
export function afterProbe(state: ProbeState, result: ProbeResult, at: number, spec: ProbeSpec): ProbeState {
  const why = result.ok ? undefined : result.why;
  const turnsTo = (verdict: ProbeState['verdict']): ProbeState => ({ verdict, since: at, against: 0, why });
  switch (state.verdict) {
    case 'starting':
      if (result.ok) return turnsTo('up');
      return at - state.since >= spec.startPeriodMs ? turnsTo('failed') : { ...state, why };
    case 'failed':
      return result.ok ? turnsTo('up') : { ...state, why };
    case 'up':
    case 'down': {
      const agrees = result.ok === (state.verdict === 'up');
      const against = agrees ? 0 : state.against + 1;
      const enough = state.verdict === 'up' ? spec.fall : spec.rise;
      return against >= enough
        ? turnsTo(result.ok ? 'up' : 'down')
        : // Of what is down, what was wrong with it stays worth telling.
          { ...state, against, why: why ?? (state.verdict === 'down' ? state.why : undefined) };
    }
  }
}

/** How long (ms) from the beginning of one probe to that of the next. */
export function probeInterval({ verdict }: ProbeState, { intervalMs }: ProbeSpec): number {
  return verdict === 'starting' ? Math.min(QUICK_MS, intervalMs) : intervalMs;
}
