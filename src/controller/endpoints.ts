import type { Hearsay } from '../core/announcement.ts';
import type { Cause } from '../core/cause.ts';
import type { Container } from '../core/container.ts';
import type { Endpoint, Phase } from '../core/endpoint.ts';
import type { OwnerFacts } from '../core/layout.ts';
import {
  advance,
  advanceUnder,
  causeOfPhase,
  type DrainNote,
  type Fact,
  firstPhase,
  STOP_GRACE_MS,
} from '../core/lifecycle.ts';
import type { SourceSignal } from '../core/ports.ts';
import { Announcements } from './announcements.ts';
import type { Audience, ClaimIndex } from './claims.ts';
import { DrainBook, type OverdueDrain } from './drain-book.ts';
import { containerOf, noteOf, noteOfRotation } from './drains.ts';
import type { EndpointsOptions } from './endpoints-options.ts';
import { Health, type HealthView } from './health.ts';
import { Inheritance } from './inheritance.ts';
import { type Entry, type KnownContainer, KnownContainers } from './known-containers.ts';
import { type LiveEndpoint, Publication } from './publication.ts';
import { whyNot } from './why.ts';
import type { Subject } from './workqueue.ts';

/**
 * The desired side: this host's containers, what they offer, and where each endpoint stands in its life. Fed by the
 * source's signals; tells which record keys became dirty and why. While the source is unknown everything stays as last
 * reported.
 */
export class Endpoints {
  readonly announcements: Announcements;
  readonly #options: EndpointsOptions;
  readonly #known = new KnownContainers();
  readonly #publication: Publication;
  readonly #drains: DrainBook;
  readonly #health: Health;
  readonly #inheritance = new Inheritance();
  /** Time (monotonic ms) of the last complete list; undefined: what should exist is not known yet. */
  listedAt: number | undefined;
  /** Containers that run but could not be read yet: what they offer is unknown, not nothing. */
  #unread = new Set<string>();

  constructor(options: EndpointsOptions) {
    this.#options = options;
    const { layouts, owner, onCollision, onDirty, clock, health } = options;
    this.announcements = new Announcements({
      clock,
      onHeard: (ids) => {
        this.#heard(ids);
      },
    });
    this.#drains = new DrainBook(clock, (drain) => {
      this.#drainOver(drain);
    });
    this.#health = new Health({
      terms: health,
      clock,
      onTurn: (id) => {
        this.#healthTurned(id);
      },
    });
    this.#publication = new Publication({ layouts, owner, onCollision, onDirty, clock });
    this.#putHost(owner);
  }

  /** What some running container offers is not known: a record that nobody seems to want may be its. */
  get partial(): boolean {
    return this.#unread.size > 0 || this.announcements.undecided;
  }

  get size(): number {
    return this.#known.size;
  }

  containers(): Iterable<KnownContainer> {
    return this.#known.all();
  }

  get(containerId: string): KnownContainer | undefined {
    return this.#known.get(containerId);
  }

  find(id: string): Container | undefined {
    return this.#known.get(id)?.container;
  }

  /** What is known of announcements that containers make themselves. */
  get hearsay(): Hearsay {
    return {
      word: (key) => this.announcements.word(key),
      isShared: (name, containerId) => this.#known.isShared(name, containerId),
    };
  }

  /** The endpoint with this id (`<container id>/...`). */
  live(id: string): LiveEndpoint | undefined {
    return this.#known.live(id);
  }

  /** How the endpoint is, and how that is found out. */
  health({ endpoint: { containerId, id } }: LiveEndpoint): HealthView | undefined {
    const container = this.find(containerId);
    return container && this.#health.view(container, id);
  }

  get claims(): Pick<ClaimIndex, 'desired' | 'keys' | 'lostTo'> {
    return this.#publication.claims;
  }

  /** Where the endpoint stands only while it is in rotation. */
  rotationKeys({ endpoint }: LiveEndpoint): readonly string[] {
    return this.#publication.keysInRotation(endpoint);
  }

  desiredKeys(audience: Audience): readonly string[] {
    return this.#publication.claims.keys(audience);
  }

  /** The drains that hold now, to be remembered outside the process. */
  drainNotes(): readonly DrainNote[] {
    return this.#drains.notes();
  }

  take(signal: SourceSignal): void {
    switch (signal.type) {
      case 'seen':
        this.#seen(signal.container, signal.at, signal.told === true ? signal.at : undefined);
        break;
      case 'stopping':
        this.#stopping(signal.id, signal.at);
        break;
      case 'ended':
        this.#ended(signal.id, {
          code: signal.explained ? signal.how : 'vanished',
          at: signal.at,
          explained: signal.explained,
          eventAt: signal.explained ? signal.at : undefined,
        });
        break;
      case 'listed':
        this.listedAt = this.#options.clock.monotonic();
        this.#unread = new Set(signal.unread);
        if (!this.partial) this.#inheritance.allSeen();
        break;
      case 'unknown':
        break;
    }
    this.#drains.arm();
  }

  /** A drain that an earlier process began; it counts while the container has not been started anew. */
  adopt(notes: Iterable<DrainNote>): void {
    for (const note of notes) {
      // A command is kept as an order; what is left of one that is over means nothing.
      if (note.cause === 'command' && this.#ordered(containerOf(note.endpoint)) === undefined) continue;
      if (!this.#drains.remember(note)) continue;
      const live = this.live(note.endpoint);
      const entry = live === undefined ? undefined : this.#known.get(live.endpoint.containerId);
      if (entry !== undefined && live !== undefined) this.#adoptNote(entry, live, note);
    }
    this.#drains.arm();
  }

  /** A record of ours stands in a registry: what it tells about the health of its endpoint holds until we know better. */
  published(key: string): void {
    const id = this.#inheritance.published(key);
    const live = id === undefined ? undefined : this.live(id);
    if (live === undefined) return;
    const { containerId } = live.endpoint;
    this.#wasInRotation(this.#known.get(containerId), live);
    if (this.#health.inherit(containerId, live.endpoint.id, 'up')) this.#healthTurned(containerId);
  }

  /** Commands were given or ended: every endpoint drains, or no longer drains, as they say. */
  obey(): void {
    const at = this.#options.clock.now();
    for (const entry of this.#known.all()) {
      const ordered = this.#ordered(entry.container.id);
      for (const live of [...entry.live.values()]) {
        if ((ordered !== undefined) === (live.phase.cause === 'command')) continue;
        const { ready } = this.#health.vitals(entry.container, live.endpoint.id);
        const drain = { type: 'drain', at: ordered ?? at } as const;
        const fact = ordered === undefined ? ({ type: 'undrain', ready, at } as const) : drain;
        this.#advance(entry, live, fact, Number.POSITIVE_INFINITY);
      }
    }
    this.#drains.arm();
  }

  /** The record of a command is wanted with this value, or no longer (undefined). */
  claimCommand(key: string, value: string | undefined): void {
    if (!this.#publication.claimCommand(key, value)) return;
    const at = this.#options.clock.now();
    this.#options.onDirty([{ key, cause: { code: 'drain-command', at, explained: true } }]);
  }

  /** The host's addresses changed, or the settings: every choice is made again. */
  hostChanged(owner: OwnerFacts, code: 'host-changed' | 'settings-changed' = 'host-changed'): void {
    this.#putHost(owner);
    const cause: Cause = { code, at: this.#options.clock.now(), explained: true };
    for (const entry of this.#known.all()) this.#describeAgain(entry, cause);
  }

  dispose(): void {
    this.#drains.dispose();
    this.#health.dispose();
  }

  #seen(container: Container, at: number, eventAt: number | undefined): void {
    const unread = this.#unread.delete(container.id);
    const known = this.find(container.id);
    // What was known before the start is only completed by it: the host port that the engine chose, an address.
    const starts = known === undefined || (known.provisional && !container.provisional);
    const entry = this.#known.put(container, unread || this.listedAt === undefined);
    const cause = { at, explained: true, eventAt };
    this.#describeAgain(entry, { ...cause, code: starts ? 'started' : 'facts-changed' });
    this.#describeOthers(container, { ...cause, code: 'facts-changed' });
  }

  #stopping(id: string, at: number): void {
    const entry = this.#known.get(id);
    if (entry === undefined) return;
    const { stopTimeoutMs } = entry.container;
    for (const live of [...entry.live.values()])
      this.#advance(entry, live, { type: 'stop-signal', stopTimeoutMs, at }, stopTimeoutMs + STOP_GRACE_MS);
  }

  #ended(id: string, cause: Cause): void {
    this.#unread.delete(id);
    const entry = this.#known.get(id);
    if (entry === undefined) return;
    this.#known.remove(entry);
    this.announcements.forget(id);
    if (cause.explained) this.#health.forget(id);
    else this.#health.miss(id);
    for (const live of entry.live.values()) {
      // A list may have been wrong: if it comes back with the same start, it was told to stop all the same.
      const forgotten = !cause.explained && live.phase.state === 'draining';
      const givenUp = forgotten ? this.#drains.keep(live.endpoint.id, live.phase) : undefined;
      this.#replace(entry, live, undefined, cause);
      givenUp?.();
    }
    this.#describeOthers(entry.container, { ...cause, code: 'facts-changed' });
  }

  /** What the container offers by its present facts; endpoints that stay keep their phase. */
  #describeAgain(entry: Entry, cause: Cause): void {
    const { container } = entry;
    const description = this.#options.describe(container, (id) => this.find(id), this.hearsay);
    this.announcements.heed(container.id, description, entry.inherits);
    entry.why = description.endpoints.length === 0 ? whyNot(description) : undefined;
    this.#health.follow(container, description.endpoints, entry.inherits);
    const stays = new Set<string>();
    const ordered = this.#ordered(container.id) !== undefined;
    for (const { endpoint, probe, gate } of description.endpoints) {
      stays.add(endpoint.id);
      const isNew = !entry.live.has(endpoint.id);
      const asks = ordered || probe !== undefined || gate?.state === 'unread';
      const stood = isNew && asks && entry.inherits && this.#inherit(endpoint);
      const after = this.#putAgain(entry, endpoint, cause);
      const note = this.#drains.remembered(endpoint.id);
      if (note !== undefined) this.#adoptNote(entry, after, note);
      if (stood) this.#wasInRotation(entry, entry.live.get(endpoint.id));
    }
    for (const live of entry.live.values())
      if (!stays.has(live.endpoint.id)) this.#replace(entry, live, undefined, cause);
  }

  #putAgain(entry: Entry, endpoint: Endpoint, cause: Cause): LiveEndpoint {
    const { container } = entry;
    const before = entry.live.get(endpoint.id);
    const first = before?.phase ?? firstPhase(cause.at, container.startedAt);
    const observed = this.#observed(container, endpoint.id, cause.at);
    let phase = advanceUnder(this.#ordered(container.id), first, observed);
    // Signal and command were meant for the container: what it offers under a new name or address stops as well.
    const inherits = before === undefined ? this.#drains.stopping(container.id) : undefined;
    if (inherits !== undefined)
      phase = advance(phase, { type: 'adopt', drain: noteOf(endpoint.id, inherits.phase) });
    const moved = before !== undefined && before.phase !== phase;
    const why = moved ? causeOfPhase(before.phase, phase, cause.at, cause.eventAt) : cause;
    return this.#put(entry, before, endpoint, phase, why, inherits?.leftMs ?? this.#options.drainMs);
  }

  #observed(container: Container, endpointId: string, at: number): Fact & { readonly at: number } {
    const { ready, sick: unhealthy } = this.#health.vitals(container, endpointId);
    const { drainMs } = this.#options;
    return { type: 'observed', ready, unhealthy, startedAt: container.startedAt, drainMs, at };
  }

  #healthTurned(containerId: string): void {
    const entry = this.#known.get(containerId);
    if (entry === undefined) return;
    const { clock, drainMs, onHealth } = this.#options;
    for (const live of [...entry.live.values()])
      this.#advance(entry, live, this.#observed(entry.container, live.endpoint.id, clock.now()), drainMs);
    this.#drains.arm();
    onHealth?.();
  }

  /** Whether a record of it stands in rotation. */
  #inherit(endpoint: Endpoint): boolean {
    const stood = this.#inheritance.meet(endpoint.id, this.#publication.keysInRotation(endpoint));
    if (stood) this.#health.inherit(endpoint.containerId, endpoint.id, 'up');
    return stood;
  }

  /** The record is an earlier process's: whatever the order that is known since, it was in rotation before. */
  #wasInRotation(entry: Entry | undefined, live: LiveEndpoint | undefined): void {
    const note = live && noteOfRotation(live.endpoint.id, live.phase);
    if (entry !== undefined && live !== undefined && note !== undefined) this.#adoptNote(entry, live, note);
  }

  #ordered(containerId: string): number | undefined {
    return this.#options.ordered?.(containerId);
  }

  #adoptNote(entry: Entry, live: LiveEndpoint, note: DrainNote): void {
    const { startedAt } = entry.container;
    if (startedAt === undefined) return;
    this.#drains.forget(note.endpoint);
    if (startedAt !== note.startedAt) return;
    if (note.cause === 'unhealthy') this.#health.inherit(entry.container.id, note.endpoint, 'down');
    const phase = advance(live.phase, { type: 'adopt', drain: note });
    const cause = causeOfPhase(live.phase, phase, this.#options.clock.now());
    this.#put(entry, live, live.endpoint, phase, cause, this.#drains.leftOf(note));
  }

  /** `lasts`: how long (ms) a drain that this begins or renews may take. */
  #advance(entry: Entry, live: LiveEndpoint, fact: Fact & { readonly at: number }, lasts: number): void {
    const phase = advanceUnder(this.#ordered(entry.container.id), live.phase, fact);
    if (phase === live.phase) return;
    const eventAt = fact.type === 'stop-signal' ? fact.at : undefined;
    this.#put(entry, live, live.endpoint, phase, causeOfPhase(live.phase, phase, fact.at, eventAt), lasts);
    if (fact.type === 'time' && live.phase.cause === 'stop-signal') this.#options.onSurvived?.(live.endpoint);
  }

  #put(
    entry: Entry,
    before: LiveEndpoint | undefined,
    endpoint: Endpoint,
    phase: Phase,
    cause: Cause,
    lasts: number,
  ): LiveEndpoint {
    const records = this.#publication.recordsOf(endpoint, phase);
    const after: LiveEndpoint = { endpoint, phase, records, cause };
    this.#replace(entry, before, after, cause, lasts);
    return after;
  }

  /** Moves claims from the old records to the new ones and reports every key whose record differs. */
  #replace(
    entry: Entry,
    before: LiveEndpoint | undefined,
    after: LiveEndpoint | undefined,
    cause: Cause,
    lasts = Number.POSITIVE_INFINITY,
  ): void {
    const either = after ?? before;
    if (either === undefined) return;
    const { id, service } = either.endpoint;
    const dirty = this.#publication.move(before, after);
    if (after === undefined) entry.live.delete(id);
    else entry.live.set(id, after);
    this.#drains.note(entry.container.id, id, after?.phase, lasts);
    if (after?.phase.cause === 'stop-signal') this.#health.rest(entry.container.id);
    else if (before?.phase.cause === 'stop-signal') this.#health.wake(entry.container.id);
    this.#options.onMoved?.(before, after, cause, dirty);
    if (dirty.length === 0) return;
    const subject: Subject = { service: `/${service.path.join('/')}`, container: entry.container.name };
    this.#options.onDirty(dirty.map((key) => ({ key, cause, subject, group: id })));
  }

  /** What comes or goes concerns those in its network, and whoever has its host name. */
  #describeOthers(container: Container, cause: Cause): void {
    for (const entry of this.#known.affectedBy(container)) this.#describeAgain(entry, cause);
  }

  #heard(containerIds: Iterable<string>): void {
    const cause: Cause = { code: 'announcement', at: this.#options.clock.now(), explained: true };
    for (const entry of this.#known.some(containerIds)) this.#describeAgain(entry, cause);
    this.#drains.arm();
  }

  #putHost(owner: OwnerFacts): void {
    const cause: Cause = { code: 'host-changed', at: this.#options.clock.now(), explained: true };
    this.#options.onDirty(this.#publication.putHost(owner).map((key) => ({ key, cause })));
  }

  #drainOver({ containerId, endpointId, at }: OverdueDrain): void {
    const entry = this.#known.get(containerId);
    const live = entry?.live.get(endpointId);
    if (entry === undefined || live === undefined) return;
    const { ready } = this.#health.vitals(entry.container, endpointId);
    this.#advance(entry, live, { type: 'time', ready, at }, 0);
  }
}
