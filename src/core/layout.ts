import type { Endpoint, Phase } from './endpoint.ts';
import type { HostAddresses } from './ports.ts';
import type { Reason } from './reason.ts';

/**
 * What becomes of records whose agent is gone. `prune`: they stay until some agent removes them; `ttl`: they hang on the
 * host's lease and go with it.
 */
export const EXPIRIES = ['prune', 'ttl'] as const;

/**
 * How the `services` layout shows what drains. `mark`: by its field `state`; `delete`: not at all, for readers that know of
 * none.
 */
export const DRAIN_MARKS = ['mark', 'delete'] as const;

export type DrainMark = (typeof DRAIN_MARKS)[number];

type LayoutName = 'services' | 'announce' | 'registrar' | 'hosts';

/** Identity of this agent as layouts may show it. */
export interface OwnerFacts {
  readonly owner: string;
  readonly hostName: string;
  readonly addresses: HostAddresses;
  readonly version: string;
}

export interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/**
 * How an endpoint becomes a key and a value. Pure and byte-stable. `prefix` ends with a slash, so that `/services/` never
 * catches `/services2`.
 */
export interface Layout {
  readonly name: LayoutName;
  readonly prefix: string;
  /** Records live under the host's lease (`ttl`) instead of until they are removed (`prune`). */
  readonly leased: boolean;
  /** undefined: an endpoint in this phase does not show up in this layout. */
  encode(endpoint: Endpoint, phase: Phase, owner: OwnerFacts): KeyValue | undefined;
  /** Why this endpoint can never show up in this layout, for layouts where that can be. */
  objection?(endpoint: Endpoint, owner: OwnerFacts): Reason | undefined;
  /** Its host record lists the keys below this prefix that the host wants. */
  readonly lists?: string | undefined;
  /** The record of the host itself, for layouts that have one; `listed` is sorted, and does not change the key. */
  encodeHost(owner: OwnerFacts, listed?: readonly string[]): KeyValue | undefined;
}
