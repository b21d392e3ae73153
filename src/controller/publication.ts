import type { Cause } from '../core/cause.ts';
import type { Endpoint, Phase } from '../core/endpoint.ts';
import type { KeyValue, Layout, OwnerFacts } from '../core/layout.ts';
import type { Clock } from '../core/ports.ts';
import { ClaimIndex } from './claims.ts';
import { drainRecord } from './drains.ts';
import { HostList } from './host-list.ts';
import type { Work } from './workqueue.ts';

/** An endpoint with the phase it is in and the records that follow from both. */
export interface LiveEndpoint {
  readonly endpoint: Endpoint;
  readonly phase: Phase;
  readonly records: readonly KeyValue[];
  /** What last changed it. */
  readonly cause: Cause;
}

export interface PublicationOptions {
  readonly layouts: readonly Layout[];
  readonly owner: OwnerFacts;
  /** Told when an endpoint claims a key that another one claims already; the older of them keeps it. */
  readonly onCollision?: ((key: string, newcomer: Endpoint) => void) | undefined;
  /** Told that the host's own record lists other keys now. */
  readonly onDirty: (work: readonly Work[]) => void;
  readonly clock: Pick<Clock, 'now'>;
}

/** The group of the host's own records, which belong to no endpoint. */
export const HOST = 'host';
/** The group of the records in which commands are kept; they belong to no endpoint either. */
export const COMMAND = 'command';

/** Which records endpoints and the host want, by the layouts, and who claims which key. */
export class Publication {
  readonly claims = new ClaimIndex();
  readonly #options: PublicationOptions;
  #owner: OwnerFacts;
  #hostKeys: readonly string[] = [];
  readonly #list: HostList | undefined;
  readonly #lister: Layout | undefined;
  /** Where the list stands. */
  #listKey: string | undefined;

  constructor(options: PublicationOptions) {
    this.#options = options;
    this.#owner = options.owner;
    this.#lister = options.layouts.find(({ lists }) => lists !== undefined);
    this.#list = this.#lister?.lists === undefined ? undefined : new HostList(this.#lister.lists);
  }

  recordsOf(endpoint: Endpoint, phase: Phase): readonly KeyValue[] {
    const records: KeyValue[] = [];
    // The note comes first, so that a mark without its note cannot be written even if a batch ends between them.
    if (phase.state === 'draining') records.push(drainRecord(this.#owner.owner, endpoint.id, phase));
    for (const layout of this.#options.layouts) {
      const record = layout.encode(endpoint, phase, this.#owner);
      if (record !== undefined) records.push(record);
    }
    // A copy has no room to grow: there are as many of these as endpoints.
    return records.slice();
  }

  /** The keys that stand in a registry only while an endpoint is, or was lately, in rotation. */
  keysInRotation(endpoint: Endpoint): readonly string[] {
    const phase = { cause: undefined, since: 0, until: undefined, startedAt: undefined };
    const announced = this.recordsOf(endpoint, { ...phase, state: 'announced', offered: false });
    const always = new Set(announced.map(({ key }) => key));
    return this.recordsOf(endpoint, { ...phase, state: 'registered', offered: true })
      .map(({ key }) => key)
      .filter((key) => !always.has(key));
  }

  /** Moves an endpoint's claims from its old records to its new ones; returns the keys whose claim differs. */
  move(before: LiveEndpoint | undefined, after: LiveEndpoint | undefined): readonly string[] {
    const group = (after ?? before)?.endpoint.id ?? '';
    const rescoped = before?.endpoint.scope !== after?.endpoint.scope;
    const old = new Map(before?.records.map(({ key, value }) => [key, value]));
    const changed = (after?.records ?? []).filter(({ key, value }) => rescoped || old.get(key) !== value);
    if (after !== undefined) for (const record of changed) this.#claim(record, after.endpoint);
    for (const { key } of after?.records ?? []) old.delete(key);
    for (const key of old.keys()) this.claims.remove(key, group);
    const dirty = [...changed.map(({ key }) => key), ...old.keys()];
    this.#relist(dirty);
    return dirty;
  }

  /** Claims the host's own records anew; returns the keys that may differ. */
  putHost(owner: OwnerFacts): readonly string[] {
    this.#owner = owner;
    this.#listKey = undefined;
    const before = this.#hostKeys;
    for (const key of before) this.claims.remove(key, HOST);
    this.#hostKeys = this.#options.layouts.flatMap((layout) => this.#claimHost(layout, owner));
    return [...new Set([...before, ...this.#hostKeys])];
  }

  #claimHost(layout: Layout, owner: OwnerFacts): readonly string[] {
    const record = layout.encodeHost(owner);
    if (record === undefined) return [];
    const { key } = record;
    const common = { ...record, group: HOST, leased: this.#leased(key), createdAt: 0, hostOnly: false };
    if (this.#list === undefined || layout !== this.#lister) this.claims.put(common);
    else {
      this.#listKey = key;
      this.claims.put({ ...common, whole: this.#list.record(layout, owner, common) });
    }
    return [key];
  }

  /** What readers elsewhere do not see is not listed. */
  #relist(keys: readonly string[]): void {
    const list = this.#list;
    if (list === undefined) return;
    const changed = keys.filter((key) => list.note(key, this.claims.desired(key, 'shared') !== undefined));
    const key = changed.length === 0 ? undefined : this.#listKey;
    if (key === undefined) return;
    const cause: Cause = { code: 'host-announced', at: this.#options.clock.now(), explained: true };
    this.#options.onDirty([{ key, cause }]);
  }

  /** Claims the record of a command (undefined: no longer); false when that changes nothing. */
  claimCommand(key: string, value: string | undefined): boolean {
    const before = this.claims.desired(key, 'local')?.value;
    if (before === value) return false;
    if (value === undefined) this.claims.remove(key, COMMAND);
    else this.claims.put({ key, value, group: COMMAND, leased: false, createdAt: 0, hostOnly: false });
    return true;
  }

  #claim({ key, value }: KeyValue, endpoint: Endpoint): void {
    const { id: group, createdAt, scope } = endpoint;
    const hostOnly = scope === 'host';
    const leased = this.#leased(key);
    const collides = this.claims.put({ key, value, group, leased, createdAt, hostOnly });
    if (collides) this.#options.onCollision?.(key, endpoint);
  }

  #leased(key: string): boolean {
    return this.#options.layouts.some((layout) => layout.leased && key.startsWith(layout.prefix));
  }
}
