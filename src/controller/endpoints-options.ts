import type { Hearsay } from '../core/announcement.ts';
import type { Container } from '../core/container.ts';
import type { Description } from '../core/desired.ts';
import type { Endpoint } from '../core/endpoint.ts';
import type { Layout, OwnerFacts } from '../core/layout.ts';
import type { Clock } from '../core/ports.ts';
import type { HealthTerms } from './health.ts';
import type { History } from './history.ts';
import type { Work } from './workqueue.ts';

/** What a container offers, by the facts about others and what has been heard of announcements. */
export type Describe = (
  container: Container,
  find: (id: string) => Container | undefined,
  hearsay: Hearsay,
) => Description;

export interface EndpointsOptions {
  readonly describe: Describe;
  readonly layouts: readonly Layout[];
  readonly owner: OwnerFacts;
  readonly drainMs: number;
  readonly clock: Clock;
  /** undefined: nothing is probed, and what goes up and down is not kept out. */
  readonly health?: HealthTerms | undefined;
  /** Since when (epoch ms) a command keeps this container out of rotation; undefined: none does. */
  readonly ordered?: (containerId: string) => number | undefined;
  /** Told which keys have to be looked at, in every registry. */
  readonly onDirty: (work: readonly Work[]) => void;
  /** Told how an endpoint changed, and which keys that concerns. */
  readonly onMoved?: History['moved'];
  /** Told when an endpoint claims a key that another one claims already; the older of them keeps it. */
  readonly onCollision?: (key: string, newcomer: Endpoint) => void;
  /** Told of an endpoint whose container was told to stop and still runs long after. */
  readonly onSurvived?: (endpoint: Endpoint) => void;
  /** Told that the health of something has changed, without a signal of the source. */
  readonly onHealth?: () => void;
}
