import type { Cause } from '../core/cause.ts';
import type { DesiredRecord } from '../core/record.ts';
import type { ObservedCache } from './cache.ts';
import type { Audience } from './claims.ts';
import type { Endpoints } from './endpoints.ts';
import { COMMAND } from './publication.ts';
import type { Subject } from './workqueue.ts';

/** The desired side as one registry is meant to show it, beside what is known of that registry. */
export class Outlook {
  readonly #endpoints: Endpoints;
  readonly #audience: Audience;
  readonly #cache: ObservedCache;

  constructor(endpoints: Endpoints, audience: Audience, cache: ObservedCache) {
    this.#endpoints = endpoints;
    this.#audience = audience;
    this.#cache = cache;
  }

  desired(key: string): DesiredRecord | undefined {
    return this.#endpoints.claims.desired(key, this.#audience);
  }

  /** Every key that is wanted or held. */
  keys(): Set<string> {
    return new Set([...this.#endpoints.desiredKeys(this.#audience), ...this.#cache.keys()]);
  }

  /** Why a key differs: what last changed its endpoint, unless `cause` knows better than a list does. */
  causeOf(key: string, cause: Cause): Cause {
    const desired = this.desired(key);
    if (desired === undefined) return { ...cause, code: 'orphan' };
    if (cause.code !== 'relisted') return cause;
    const ownCode = desired.group === COMMAND ? 'drain-command' : 'host-announced';
    const known = this.#endpoints.live(desired.group)?.cause ?? { ...cause, code: ownCode };
    // A start creates records; what already stands there and differs was found by reading.
    const stands = this.#cache.get(key)?.record !== undefined;
    if (stands && known.code === 'started') return cause;
    // The event was news once, when it came.
    return known.eventAt === undefined ? known : { ...known, eventAt: undefined };
  }

  /** Whose record it is: of several that claim a key, the one that keeps it. */
  subjectOf(key: string): Subject | undefined {
    const endpoint = this.#endpoints.live(this.desired(key)?.group ?? '')?.endpoint;
    if (endpoint === undefined) return undefined;
    return { service: `/${endpoint.service.path.join('/')}`, container: endpoint.containerName };
  }
}
