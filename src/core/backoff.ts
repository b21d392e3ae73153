/** Exponential backoff with full jitter in its upper half. Immutable; randomness is passed in. */
export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

export const DEFAULT_BACKOFF: BackoffPolicy = { initialMs: 100, maxMs: 30_000, factor: 2 };

/** For whatever a registry is asked again: it may be back any moment, and has many who ask. */
export const REGISTRY_BACKOFF: BackoffPolicy = { initialMs: 100, maxMs: 2_000, factor: 2 };

/** Delay in milliseconds before try number `attempt` (0 = first retry); `random` in [0, 1). */
export function backoffDelay(
  attempt: number,
  random: number,
  policy: BackoffPolicy = DEFAULT_BACKOFF,
): number {
  const ceiling = Math.min(policy.maxMs, policy.initialMs * policy.factor ** Math.min(attempt, 30));
  return Math.round(ceiling / 2 + (ceiling / 2) * random);
}
