import type { Bequest } from '../core/estate.ts';
import type { EstateClaim } from '../core/ports.ts';

/** What this agent knows of one host without a heartbeat. */
export interface Absence {
  readonly owner: string;
  /** Of the card: another one is another absence. */
  readonly card: string;
  /** Monotonic ms since when it has been seen to be away, without a break. */
  readonly since: number;
  /** The same on the wall, for people: epoch ms. */
  readonly sinceWall: number;
  /** Why nothing has been removed yet. */
  why: string;
  /** When it is looked at again (monotonic ms); undefined: not before something changes. */
  nextAt: number | undefined;
  cancel: () => void;
  /** Nobody needs to be told of it any more. */
  untell: () => void;
  /** It is being looked at. */
  busy: boolean;
  /** The host is back, or sight of it was lost: whatever is under way ends. */
  readonly over: AbortController;
  claim: EstateClaim | undefined;
  /** It answered when it was last asked. */
  answers: boolean;
  /** What has been found to be removable, where nothing may be written. */
  found: readonly Bequest[];
}
