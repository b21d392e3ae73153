/** Removals without an explanation are counted over this window, over all batches. */
const BRAKE_WINDOW_MS = 10_000;
/** The source is read again after this long to confirm what it does not show any more. */
export const BRAKE_CONFIRM_MS = 5_000;
/** The brake lets go by itself after this long, confirmed or not contradicted. */
export const BRAKE_RELEASE_MS = 15_000;
const AT_LEAST = 10;

export interface BrakeState {
  /** Planned removals that nothing explained: key to the time when it was first planned. All times are monotonic ms. */
  readonly planned: ReadonlyMap<string, number>;
  /** When it engaged; undefined while it is off. */
  readonly engagedAt: number | undefined;
  /** Removals planned up to this time have been confirmed and pass. */
  readonly releasedUpTo: number;
}

export const BRAKE_OFF: BrakeState = {
  planned: new Map(),
  engagedAt: undefined,
  releasedUpTo: Number.NEGATIVE_INFINITY,
};

export interface BrakeInput {
  /** Keys whose removal is planned now and which nothing explains. */
  readonly removals: readonly string[];
  /** Further keys of which the same is true, and whose turn comes in a later batch. */
  readonly foreseen?: ReadonlySet<string>;
  /** Own records in this registry now, removals included. */
  readonly owned: number;
  /** Monotonic ms: whoever sets the clock must neither release the brake nor keep it. */
  readonly now: number;
  /** Time of the last complete read of the source, by the same clock. */
  readonly listedAt: number | undefined;
}

export interface BrakeDecision {
  readonly state: BrakeState;
  /** The keys that have to wait. */
  readonly held: ReadonlySet<string>;
  /** True in the very pass in which it engages: say so and have the source read again. */
  readonly engages: boolean;
  readonly releases: boolean;
}

/**
 * Holds removals back when more than half of the owned records, and at least ten, would go within the window.
 * It releases once the source has been read again at least 5 s after engaging, or after 15 s in any case.
 */
export function brake(state: BrakeState, input: BrakeInput): BrakeDecision {
  const { now } = input;
  const planned = new Map<string, number>();
  for (const [key, at] of state.planned)
    if (now - at < BRAKE_WINDOW_MS || state.engagedAt !== undefined) planned.set(key, at);
  for (const key of [...input.removals, ...(input.foreseen ?? [])])
    if (!planned.has(key)) planned.set(key, now);

  if (state.engagedAt !== undefined) {
    const confirmed = input.listedAt !== undefined && input.listedAt >= state.engagedAt + BRAKE_CONFIRM_MS;
    if (confirmed || now - state.engagedAt >= BRAKE_RELEASE_MS) {
      return {
        state: { planned: new Map(), engagedAt: undefined, releasedUpTo: now },
        held: new Set(),
        engages: false,
        releases: true,
      };
    }
    return { state: { ...state, planned }, held: new Set(input.removals), engages: false, releases: false };
  }
  return engageIfMany(state, planned, input);
}

function engageIfMany(state: BrakeState, planned: Map<string, number>, input: BrakeInput): BrakeDecision {
  const { now, removals, owned, foreseen } = input;
  // Removals of the window that are already done are no longer among the owned records.
  const current = new Set(removals);
  const done = [...planned.keys()].filter((key) => !current.has(key) && foreseen?.has(key) !== true).length;
  const fresh = now - state.releasedUpTo >= BRAKE_WINDOW_MS;
  if (fresh && removals.length > 0 && planned.size >= AT_LEAST && planned.size * 2 > owned + done) {
    return { state: { ...state, planned, engagedAt: now }, held: current, engages: true, releases: false };
  }
  return { state: { ...state, planned }, held: new Set(), engages: false, releases: false };
}
