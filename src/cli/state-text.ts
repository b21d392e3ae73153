import type { DrainCause, LifecycleState } from '../core/endpoint.ts';

/** `draining (unhealthy)` */
export function stateOf({
  state,
  cause,
}: {
  readonly state: LifecycleState;
  readonly cause: DrainCause | undefined;
}): string {
  return cause === undefined ? state : `${state} (${cause})`;
}
