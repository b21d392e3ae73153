import type { Result } from './failure.ts';

/** What a process says of itself in a registry, while its port listens. */
export interface OwnAnnouncement {
  readonly key: string;
  readonly value: string;
  /** `/internal/app1/dev/web`. */
  readonly path: string;
  readonly port: number;
}

/** `written`: it was not so a moment ago. `foreign`: somebody else's record stands there, which is left alone. */
export type OwnStanding =
  | { readonly state: 'stands'; readonly written: boolean }
  | { readonly state: 'absent' }
  | { readonly state: 'foreign'; readonly why: string };

/** Where a process writes what it says of itself, under a lease of its own: nothing of it outlives that. */
export interface OwnDesk {
  /** False: the lease that everything was written under is not the one of now. */
  readonly firm: boolean;
  /** Brings each of the keys that the desk knows to this value, or to nothing; one answer for each key. */
  bring(
    wanted: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, Result<OwnStanding>>>;
  /** Takes everything away, with the lease. */
  leave(signal: AbortSignal): Promise<Result<void>>;
}

/** How a port listens in this process's network: `loopback`: only for those inside it. */
export type ListeningPorts = ReadonlyMap<number, 'loopback' | 'reachable'>;
