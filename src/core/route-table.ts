import { HostClaims } from './host-claims.ts';
import type { RouteRecord } from './route-record.ts';
import {
  type Draft,
  draftService,
  type Member,
  type RouteService,
  type ServerReason,
} from './route-service.ts';

/** What became of a record that is no longer in the registry: its owner took it away, or its owner's heartbeat is gone too. */
export type Departure = 'withdrawn' | 'lost';

export type RouteChange =
  | { readonly type: 'put'; readonly record: RouteRecord }
  | { readonly type: 'gone'; readonly key: string; readonly how: Departure };

/** A complete read of the registry. */
export interface RouteListing {
  readonly records: Iterable<RouteRecord>;
  /** Whether the owner's heartbeat stood in the registry at that moment; a record without an owner counts as alive. */
  readonly alive: (owner: string) => boolean;
}

/**
 * The services below the paths that a proxy listens to, made of the records of all owners. A change costs what the services
 * that it touches cost; the same records give the same services, at once or one by one. Times are monotonic milliseconds.
 */
export class RouteTable {
  readonly #graceMs: number;
  readonly #members = new Map<string, Map<string, Member>>();
  readonly #pathOf = new Map<string, string>();
  readonly #drafts = new Map<string, Draft>();
  readonly #claims = new HostClaims();
  readonly #dirty = new Set<string>();
  /** Paths that have lost members, which time alone may remove. */
  readonly #losing = new Set<string>();

  /** `graceMs`: how long the servers of a lost host stay. */
  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  /** The same services in a table of its own. */
  copy(now: number): RouteTable {
    const copy = new RouteTable(this.#graceMs);
    for (const [path, members] of this.#members) copy.#members.set(path, new Map(members));
    for (const [key, path] of this.#pathOf) copy.#pathOf.set(key, path);
    for (const path of this.#members.keys()) copy.#refresh(path, now);
    return copy;
  }

  paths(): IterableIterator<string> {
    return this.#drafts.keys();
  }

  get size(): number {
    return this.#drafts.size;
  }

  /** Of all services together. */
  get servers(): number {
    let count = 0;
    for (const { servers } of this.#drafts.values()) count += servers.length;
    return count;
  }

  /** Of all services together, by why they are there. */
  serverCounts(): Readonly<Record<ServerReason, number>> {
    const counts = { registered: 0, draining: 0, lost: 0, held: 0 };
    for (const { servers } of this.#drafts.values()) for (const { why } of servers) counts[why] += 1;
    return counts;
  }

  /** Every record that is known, also those of lost hosts. */
  *records(): Generator<RouteRecord> {
    for (const members of this.#members.values()) for (const { record } of members.values()) yield record;
  }

  /** The records of one path, also those of lost hosts; none where nothing is served. */
  members(path: string): readonly RouteRecord[] {
    if (!this.#drafts.has(path)) return [];
    return [...(this.#members.get(path)?.values() ?? [])].map(({ record }) => record);
  }

  service(path: string): RouteService | undefined {
    const draft = this.#drafts.get(path);
    if (draft === undefined) return undefined;
    const { wanted, servers, settings, notes } = draft;
    const hosts: string[] = [];
    const lost: string[] = [];
    for (const host of wanted) {
      const winner = this.#claims.winner(host);
      if (winner === path) hosts.push(host);
      else lost.push(`${host} belongs to ${winner ?? 'nobody'}, which claimed it earlier`);
    }
    return { path, hosts, servers, settings, notes: [...notes, ...lost] };
  }

  /** Paths whose service may have changed since the last call. */
  takeDirty(): readonly string[] {
    const dirty = [...this.#dirty];
    this.#dirty.clear();
    return dirty;
  }

  list({ records, alive }: RouteListing, now: number): void {
    const present = new Map<string, RouteRecord>();
    for (const record of records) present.set(record.key, record);
    const gone: RouteChange[] = [];
    for (const { key, owner } of this.records())
      if (!present.has(key))
        gone.push({ type: 'gone', key, how: owner === undefined || alive(owner) ? 'withdrawn' : 'lost' });
    this.change(gone, now);
    this.change(
      [...present.values()].map((record) => ({ type: 'put', record })),
      now,
    );
  }

  change(changes: Iterable<RouteChange>, now: number): void {
    const touched = new Set<string>();
    for (const change of changes) {
      const path = change.type === 'put' ? this.#put(change.record) : this.#gone(change.key, change.how, now);
      if (path !== undefined) touched.add(path);
    }
    for (const path of touched) this.#refresh(path, now);
  }

  /** The owner is there again and has told what it offers: what it did not bring back is withdrawn. */
  returned(owner: string, now: number): void {
    const over: RouteChange[] = [];
    for (const path of this.#losing)
      for (const { record, lostAt } of this.#members.get(path)?.values() ?? [])
        if (lostAt !== undefined && record.owner === owner)
          over.push({ type: 'gone', key: record.key, how: 'withdrawn' });
    this.change(over, now);
  }

  /** Lets go what only time decides; answers when to come again. */
  tick(now: number): number | undefined {
    let next: number | undefined;
    for (const path of [...this.#losing]) {
      this.#refresh(path, now);
      for (const { lostAt } of this.#members.get(path)?.values() ?? []) {
        if (lostAt === undefined || lostAt + this.#graceMs <= now) continue;
        // Without an end to the grace nothing is left to time.
        if (this.#graceMs !== Number.POSITIVE_INFINITY)
          next = Math.min(next ?? Number.POSITIVE_INFINITY, lostAt + this.#graceMs);
      }
    }
    return next;
  }

  #put(record: RouteRecord): string | undefined {
    const { key, path } = record;
    const members = this.#members.get(path) ?? new Map<string, Member>();
    const before = members.get(key);
    if (before?.lostAt === undefined && before !== undefined && same(before.record, record)) return undefined;
    members.set(key, { record, lostAt: undefined });
    this.#members.set(path, members);
    this.#pathOf.set(key, path);
    return path;
  }

  #gone(key: string, how: Departure, now: number): string | undefined {
    const path = this.#pathOf.get(key);
    const members = path === undefined ? undefined : this.#members.get(path);
    const member = members?.get(key);
    if (path === undefined || members === undefined || member === undefined) return undefined;
    if (how === 'lost') {
      members.set(key, { record: member.record, lostAt: member.lostAt ?? now });
      this.#losing.add(path);
      return path;
    }
    members.delete(key);
    this.#pathOf.delete(key);
    if (members.size === 0) this.#members.delete(path);
    return path;
  }

  #refresh(path: string, now: number): void {
    const members = [...(this.#members.get(path)?.values() ?? [])];
    const graceOver = (lostAt: number): boolean => lostAt + this.#graceMs <= now;
    const before = this.#drafts.get(path);
    const draft = draftService(path, members, graceOver);
    this.#forget(path, draft, graceOver);
    if (draft === undefined) this.#drafts.delete(path);
    else this.#drafts.set(path, draft);
    const moved = this.#claims.replace(path, before?.wanted ?? [], draft?.wanted ?? [], draft?.since ?? '0');
    for (const other of moved) this.#dirty.add(other);
    if (moved.size > 0 || JSON.stringify(before) !== JSON.stringify(draft)) this.#dirty.add(path);
  }

  /** Members that were left out for good: their host is lost, the grace is over and others serve. */
  #forget(path: string, draft: Draft | undefined, graceOver: (lostAt: number) => boolean): void {
    const members = this.#members.get(path);
    const kept = new Set(draft?.servers.map(({ key }) => key));
    let losing = false;
    for (const [key, { lostAt }] of members ?? []) {
      if (lostAt === undefined) continue;
      if (kept.has(key) || !graceOver(lostAt)) losing = true;
      else {
        members?.delete(key);
        this.#pathOf.delete(key);
      }
    }
    if (members?.size === 0) this.#members.delete(path);
    if (!losing) this.#losing.delete(path);
  }
}

function same(a: RouteRecord, b: RouteRecord): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
