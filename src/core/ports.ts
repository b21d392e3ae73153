import type { Container } from './container.ts';
import type { Bequest, Estate } from './estate.ts';
import type { Failure, Outcome, Result } from './failure.ts';
import type { Change } from './plan.ts';
import type { ProbePlan, ProbeResult } from './probe.ts';
import type { LedgerEntry, ObservedRecord, RegistryRecord, Revision } from './record.ts';

/** Time as the agent sees it. Nothing below `agent.ts` reads the machine's clock by itself. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds that never go back; only differences mean anything. */
  monotonic(): number;
  /** Calls `run` once after `delayMs`; the returned function cancels it. */
  timer(delayMs: number, run: () => void): () => void;
}

/** Resolves after `ms`, or at once when the signal aborts (it never rejects: the caller looks at the signal). */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.timer(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** A number in [0, 1). */
export type Random = () => number;

/** Anything that can be listened to; an rxjs Observable is one. A stream of the agent never errors. */
export interface Stream<T> {
  subscribe(next: (value: T) => void): { unsubscribe(): void };
}

/** Structured log: fields first, constant message. Stable keys: service container target action reason revision duration_ms. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

// ---------------------------------------------------------------------------------------------------------- source

/**
 * What a source says. Between two `listed` everything known is changed only by `seen`, `ended` and `stopping`.
 * The consumer keeps the last known content when `unknown` arrives: unknown is never empty.
 */
export type SourceSignal =
  /**
   * A container is there and looks like this (also said again whenever a fact of it changed). `at`: epoch ms of the event
   * that led to it; of the list, where it was none (`told` is not true).
   */
  | {
      readonly type: 'seen';
      readonly container: Container;
      readonly at: number;
      readonly told?: boolean | undefined;
    }
  /** The engine sent the container a signal that ends it; it still runs. `at`: epoch ms of the event. */
  | { readonly type: 'stopping'; readonly id: string; readonly signal: string; readonly at: number }
  /** It runs no more (`died`) or exists no more (`removed`). `explained`: an event said so; false: a list missed it. */
  | {
      readonly type: 'ended';
      readonly id: string;
      readonly how: 'died' | 'removed';
      readonly explained: boolean;
      readonly at: number;
    }
  /**
   * A complete list has been read and all its `seen` and `ended` have been said. `differences`: facts no event had told.
   * `unread`: ids of running containers whose facts could not be read and were never said: unknown, not gone.
   */
  | {
      readonly type: 'listed';
      readonly differences: number;
      readonly at: number;
      readonly unread?: readonly string[];
    }
  | { readonly type: 'unknown'; readonly failure: Failure };

/** A source of containers: one engine. `signals` is hot and is fed from `run`, which returns when the signal aborts. */
export interface Source {
  readonly name: string;
  readonly signals: Stream<SourceSignal>;
  run(signal: AbortSignal): Promise<void>;
  /** Reads everything again soon, by list; used to confirm removals that nothing explained. */
  relist(): void;
  /** Facts of one container by id, id prefix or name, also of one that is not running. `undefined`: the engine has no such container. */
  lookup(reference: string, signal: AbortSignal): Promise<Result<Container | undefined>>;
  status(): SourceStatus;
}

export interface SourceStatus {
  readonly name: string;
  readonly connected: boolean;
  readonly engineVersion: string | undefined;
  readonly apiVersion: string | undefined;
  readonly lastListedAt: number | undefined;
  readonly reconnects: number;
  readonly differencesFound: number;
  readonly failure: Failure | undefined;
}

/** Addresses of this host that consumers elsewhere can reach. */
export interface HostAddresses {
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  /** How they were found, for `explain`: `literal`, `interface eth0`, `cidr 10.0.0.0/8`, `default route eth0`. */
  readonly origin: string;
}

// ----------------------------------------------------------------------------------------------------------- probe

/** Asks a container whether it is ready. Never throws; gives up at the timeout of the plan, or when the signal aborts. */
export interface Prober {
  probe(plan: ProbePlan, signal: AbortSignal): Promise<ProbeResult>;
}

// -------------------------------------------------------------------------------------------------------- registry

/**
 * A part of what a registry holds at one key. `record` or `entry` is absent from the object when this observation says
 * nothing about it, and `null` when it does not exist. `revision`: when it was so.
 */
export interface PartialObservation {
  readonly key: string;
  readonly revision: Revision;
  readonly record?: RegistryRecord | null;
  readonly entry?: LedgerEntry | null;
}

export type SessionState =
  | { readonly type: 'starting' }
  /** The heartbeat is ours: writes are allowed. */
  | { readonly type: 'held'; readonly lease: string; readonly takenUp: boolean }
  /** Another living instance has this owner id. */
  | { readonly type: 'standby'; readonly holder: string; readonly why: string }
  /** The heartbeat or its lease is gone or out of reach; it is being taken again. */
  | { readonly type: 'lost'; readonly failure: Failure };

export type Observation =
  | { readonly type: 'unknown'; readonly failure: Failure }
  /** A complete read: every own record (by the ledger) and every wanted key. `replaced`: the registry is another one or went back. */
  | {
      readonly type: 'listed';
      readonly revision: Revision;
      readonly records: ReadonlyMap<string, ObservedRecord>;
      readonly replaced: boolean;
    }
  | { readonly type: 'changed'; readonly changes: readonly PartialObservation[] }
  | { readonly type: 'session'; readonly session: SessionState };

/** What became of one change. `seen`: what the answer told about the key, to be merged into the cache. */
export interface ChangeResult {
  readonly change: Change;
  readonly outcome: Outcome;
  readonly seen: readonly PartialObservation[];
}

/** Reads and watches; has no way to write. */
export interface RegistryReader {
  readonly target: string;
  /** Hot; fed from `run`. Starts with nothing: what has not been listed is unknown. */
  readonly observations: Stream<Observation>;
  /**
   * Lists, watches, relists after any gap; returns when the signal aborts. `wanted`: the keys that matter, read at each
   * list. `alone`: those that are watched one by one however many they are, since what lies beside them is the fleet's.
   */
  run(wanted: () => Iterable<string>, signal: AbortSignal, alone?: (key: string) => boolean): Promise<void>;
  /** Lists again soon. */
  relist(): void;
  /** Reads keys that became wanted after the last list and watches them; they arrive as `changed`. */
  track(keys: readonly string[]): void;
  /** Some tracked keys have not been read yet. */
  readonly tracking: boolean;
  /** Every owner's heartbeat. */
  hosts(signal: AbortSignal): Promise<Result<readonly HostEntry[]>>;
  /** Every record below the layouts' prefixes, of all owners. */
  records(
    signal: AbortSignal,
  ): Promise<Result<readonly { readonly key: string; readonly record: RegistryRecord }[]>>;
  close(): Promise<void>;
}

/** Writes under this owner's session. Built only when writing is allowed: a dry run has none. */
export interface RegistryWriter {
  /** Takes and keeps lease and heartbeat, stands by for another living instance; returns when the signal aborts. */
  keepSession(signal: AbortSignal): Promise<void>;
  /** Applies in few transactions, adds before deletes, one result for each change in the same order. Never throws. */
  apply(changes: readonly Change[], signal: AbortSignal): Promise<readonly ChangeResult[]>;
  /** Moves the heartbeat to a lease of `handoverMs`; afterwards nothing is written. */
  handover(handoverMs: number, signal: AbortSignal): Promise<Result<void>>;
  /**
   * Removes the heartbeat and its lease: the last write of `--deregister-on-exit`. `complete`: no record is left behind,
   * so nothing has to tell others of this host any more.
   */
  retire(complete: boolean, signal: AbortSignal): Promise<Result<void>>;
}

/** An owner's heartbeat below `/portolan/hosts/`. */
export interface HostEntry {
  readonly owner: string;
  readonly instance: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly version: string;
  /** Epoch milliseconds of the agent's start. */
  readonly since: number;
  readonly lease: string;
  readonly handover: boolean;
  /** Epoch milliseconds since when its whole host is drained by a command; told by `hosts` only. */
  readonly drainedSince?: number | undefined;
}

// ----------------------------------------------------------------------------------------------------------- fleet

/** What a host told about itself when it last wrote its heartbeat; it outlives that. */
export interface HostCard {
  readonly owner: string;
  readonly instance: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly version: string;
  /** Epoch milliseconds of the agent's start. */
  readonly since: number;
  /** Moves with every heartbeat that is written: the same revision is the same absence. */
  readonly revision: Revision;
}

/** Which agent looks after a lost host, and what it has found. */
export interface JanitorClaim {
  readonly owner: string;
  readonly finding: 'looking' | 'unattended';
}

/** One owner as a registry shows it: by its heartbeat, by its card, or by both. */
export interface FleetHost {
  readonly owner: string;
  /** A heartbeat stands there, readable or not. */
  readonly attended: boolean;
  readonly heartbeat: HostEntry | undefined;
  readonly card: HostCard | undefined;
  readonly janitor: JanitorClaim | undefined;
}

export type FleetChange =
  /** Out of sight: whatever was seen may have changed meanwhile, also if it looks the same afterwards. */
  | { readonly type: 'unknown'; readonly failure: Failure }
  | { readonly type: 'listed' }
  | { readonly type: 'changed'; readonly owner: string };

/** All owners of a registry, followed by watch; it reads heartbeats and cards, never records. */
export interface Fleet {
  /** False: `hosts` is what was seen last. */
  readonly known: boolean;
  readonly hosts: ReadonlyMap<string, FleetHost>;
  /** Hot; fed from `run`. */
  readonly changes: Stream<FleetChange>;
  /** Lists and watches, again after every break; returns when the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** Everything that an owner left, by its ledger. */
  estate(owner: string, signal: AbortSignal): Promise<Result<Estate>>;
}

/** The right to clear one lost host, as long as it stays away and nobody else has it. */
export interface EstateClaim {
  readonly owner: string;
  readonly card: Revision;
}

/**
 * Clears what lost hosts left. Every transaction compares that the host's heartbeat is still absent, its card still the
 * one that was seen, and the claim still ours. Built only when writing is allowed.
 */
export interface EstateWriter {
  /**
   * One agent at a time; undefined when another one has it, or when the host or its card is no longer as it was seen.
   * `evenFrom`: a claim with this finding is taken from the agent that has it.
   */
  claim(
    owner: string,
    card: Revision,
    signal: AbortSignal,
    evenFrom?: JanitorClaim['finding'],
  ): Promise<Result<EstateClaim | undefined>>;
  /** Tells the others what was found. */
  tell(claim: EstateClaim, finding: JanitorClaim['finding'], signal: AbortSignal): Promise<Result<void>>;
  /** One result for each part, in the same order. */
  clear(
    claim: EstateClaim,
    bequests: readonly Bequest[],
    signal: AbortSignal,
  ): Promise<readonly ChangeResult[]>;
  /** Removes the card and the claim, after everything else: nothing of the host is left. */
  finish(claim: EstateClaim, signal: AbortSignal): Promise<Result<void>>;
  /** Leaves the owner to whoever comes next, if the claim on it is this agent's. */
  release(owner: string, signal: AbortSignal): Promise<Result<void>>;
  /** Ends a handover that nobody is going to take over. Fails as `host-returned` when a living agent has the heartbeat. */
  endHandover(owner: string, signal: AbortSignal): Promise<Result<void>>;
}

/**
 * Whether anything of a host answers a TCP connect, accepting or refusing. `unknown`: this agent has no way to find out,
 * such as no route or no free port.
 */
export type HostProbe = (
  addresses: readonly string[],
  ports: readonly number[],
  signal: AbortSignal,
) => Promise<'answers' | 'silent' | 'unknown'>;
