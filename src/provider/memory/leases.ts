import type { Clock } from '../../core/ports.ts';
import type { LeaseTime } from '../kv/store.ts';

interface HeldLease {
  readonly ttlSeconds: number;
  readonly keys: Set<string>;
  expiresAt: number;
  cancel: () => void;
}

/** Leases that expire by the clock. `expired` is told the keys that go with a lease. */
export class Leases {
  readonly #clock: Clock;
  readonly #expired: (keys: readonly string[]) => void;
  readonly #leases = new Map<string, HeldLease>();
  #last = 1_000n;

  constructor(clock: Clock, expired: (keys: readonly string[]) => void) {
    this.#clock = clock;
    this.#expired = expired;
  }

  grant(ttlSeconds: number): string {
    this.#last += 1n;
    const id = this.#last.toString();
    this.#leases.set(id, { ttlSeconds, keys: new Set(), expiresAt: 0, cancel: () => undefined });
    this.renew(id);
    return id;
  }

  /** Seconds left; 0 for a lease that does not exist. */
  renew(id: string): number {
    const lease = this.#leases.get(id);
    if (lease === undefined) return 0;
    lease.cancel();
    lease.expiresAt = this.#clock.monotonic() + lease.ttlSeconds * 1_000;
    lease.cancel = this.#clock.timer(lease.ttlSeconds * 1_000, () => {
      this.revoke(id);
    });
    return lease.ttlSeconds;
  }

  time(id: string): LeaseTime {
    const lease = this.#leases.get(id);
    if (lease === undefined) return { remaining: 0, granted: 0 };
    const left = Math.floor((lease.expiresAt - this.#clock.monotonic()) / 1_000);
    return { remaining: Math.max(0, left), granted: lease.ttlSeconds };
  }

  has(id: string): boolean {
    return this.#leases.has(id);
  }

  revoke(id: string): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.cancel();
    this.#leases.delete(id);
    this.#expired([...lease.keys].sort());
  }

  move(key: string, from: string, to: string): void {
    this.#leases.get(from)?.keys.delete(key);
    this.#leases.get(to)?.keys.add(key);
  }

  close(): void {
    for (const lease of this.#leases.values()) lease.cancel();
    this.#leases.clear();
  }
}
