import { afterAll, afterEach, beforeAll } from 'vitest';
import type { Cause } from '../../src/core/cause.ts';
import type { Change } from '../../src/core/plan.ts';
import type {
  ChangeResult,
  EstateWriter,
  Fleet,
  Log,
  Observation,
  RegistryReader,
  RegistryWriter,
  SessionState,
} from '../../src/core/ports.ts';
import { compareRevisions, type LedgerEntry, type RegistryRecord } from '../../src/core/record.ts';
import { Names } from '../../src/provider/kv/names.ts';
import { createKvProvider, type KvWriting } from '../../src/provider/kv/provider.ts';
import {
  type KeyValue,
  type KvStore,
  type KvWriter,
  nextRevision,
  type Operation,
} from '../../src/provider/kv/store.ts';
import { systemClock } from '../../src/telemetry/clock.ts';
import { eventually } from '../kit/eventually.ts';
import { unwrap } from './store.contract.ts';
import type { Fixture } from './store-fixtures.ts';

const never = new AbortController().signal;

export const CAUSE: Cause = { code: 'started', at: 0, explained: true };
const QUIET: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface Seen {
  readonly record?: RegistryRecord | null;
  readonly entry?: LedgerEntry | null;
  readonly recordAt?: string;
  readonly entryAt?: string;
}

export interface AgentOptions {
  readonly store: KvStore;
  readonly owner: string;
  readonly instance?: string;
  readonly prefixes: readonly string[];
  readonly wanted?: readonly string[];
  /** Which of them are watched one by one. */
  readonly alone?: (key: string) => boolean;
  readonly ttlSeconds?: number;
  readonly predecessorDead?: KvWriting['predecessorDead'];
  /** No writer is built. */
  readonly dryRun?: boolean;
}

/** A provider with someone who listens to it, as the controller does. */
export class TestAgent {
  readonly reader: RegistryReader;
  readonly observations: Observation[] = [];
  readonly sessions: SessionState[] = [];
  readonly seen = new Map<string, Seen>();
  readonly wanted: Set<string>;
  readonly fleet: Fleet;
  readonly #alone: ((key: string) => boolean) | undefined;
  readonly #writer: RegistryWriter | undefined;
  readonly #estates: EstateWriter | undefined;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  constructor(options: AgentOptions) {
    const { store, owner, instance = 'one', prefixes, wanted = [], ttlSeconds, predecessorDead } = options;
    const identity = { instance, name: 'host', addresses: ['192.0.2.1'], version: '1', since: 1 };
    const { reader, writer, fleet, estates } = createKvProvider({
      ...{ target: 'test', store: store.reader, owner, prefixes, log: QUIET },
      ...{ clock: systemClock, random: () => 0.5 },
      writing:
        options.dryRun === true
          ? undefined
          : { writer: store.writer(), identity, ttlSeconds, predecessorDead },
    });
    this.reader = reader;
    this.#writer = writer;
    this.fleet = fleet;
    this.#estates = estates;
    this.wanted = new Set(wanted);
    this.#alone = options.alone;
    reader.observations.subscribe((observation) => {
      this.#observe(observation);
    });
  }

  get writer(): RegistryWriter {
    if (this.#writer === undefined) throw new Error('a dry run has no writer');
    return this.#writer;
  }

  get estates(): EstateWriter {
    if (this.#estates === undefined) throw new Error('a dry run has no writer');
    return this.#estates;
  }

  get hasWriter(): boolean {
    return this.#writer !== undefined;
  }

  get session(): SessionState {
    return this.sessions.at(-1) ?? { type: 'starting' };
  }

  get lease(): string {
    if (this.session.type !== 'held') throw new Error(`the session is ${this.session.type}`);
    return this.session.lease;
  }

  get lists(): readonly (Observation & { type: 'listed' })[] {
    return this.observations.filter((observation) => observation.type === 'listed');
  }

  /** Runs it until it has listed, and holds its session if it writes. */
  async start(): Promise<this> {
    this.begin();
    await eventually(() => this.lists.length > 0, { what: 'a list' });
    if (this.hasWriter) await this.until('held');
    return this;
  }

  begin(): void {
    const { signal } = this.#stop;
    this.#running.push(
      this.reader.run(() => this.wanted, signal, this.#alone),
      this.fleet.run(signal),
    );
    if (this.#writer !== undefined) this.#running.push(this.#writer.keepSession(signal));
  }

  async until(type: SessionState['type'], deadlineMs = 15_000): Promise<void> {
    await eventually(() => this.session.type === type, { what: `the session ${type}`, deadlineMs });
  }

  async apply(changes: readonly Change[]): Promise<readonly ChangeResult[]> {
    return await this.writer.apply(changes, this.#stop.signal);
  }

  /** Ends it like a kill -9: nothing is said to the registry. */
  async kill(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  #observe(observation: Observation): void {
    this.observations.push(observation);
    if (observation.type === 'session') this.sessions.push(observation.session);
    if (observation.type === 'listed') {
      const at = observation.revision;
      this.seen.clear();
      for (const [key, { record = null, entry = null }] of observation.records)
        this.seen.set(key, { record, entry, recordAt: at, entryAt: at });
    }
    if (observation.type !== 'changed') return;
    for (const part of observation.changes) {
      const { recordAt = '0', entryAt = '0' } = this.seen.get(part.key) ?? {};
      const { record, entry, revision } = part;
      const newer = (at: string) => compareRevisions(revision, at) >= 0;
      this.seen.set(part.key, {
        ...this.seen.get(part.key),
        ...(record !== undefined && newer(recordAt) ? { record, recordAt: revision } : {}),
        ...(entry !== undefined && newer(entryAt) ? { entry, entryAt: revision } : {}),
      });
    }
  }
}

export function create(key: string, value = 'v', group = key): Change {
  return { action: 'create', key, value, group, leased: false, entryRevision: undefined, cause: CAUSE };
}

const PRUNED = { leased: false, unhung: false };

export function update(key: string, expected: string, value: string): Change {
  return { action: 'update', key, value, before: '', group: key, ...PRUNED, expected, cause: CAUSE };
}

/** The same change for a record in `ttl` mode. */
export function lease(change: Change): Change {
  return { ...change, leased: true } as Change;
}

export function drop(key: string, expected: string, entryRevision: string | undefined): Change {
  return { action: 'delete', key, before: '', group: key, expected, entryRevision, cause: CAUSE };
}

export function codes(results: readonly ChangeResult[]): readonly string[] {
  return results.map(({ outcome }) => (outcome.type === 'retry' ? outcome.failure.code : outcome.type));
}

export function revisionOf(result: ChangeResult | undefined): string {
  if (result?.outcome.type !== 'settled' || result.outcome.revision === undefined)
    throw new Error(`not settled: ${JSON.stringify(result?.outcome)}`);
  return result.outcome.revision;
}

/** A store, and for each test a new owner and a prefix of its own. Call it inside a `describe`. */
export class Lab {
  fixture!: Fixture;
  store!: KvStore;
  writer!: KvWriter;
  owner = '';
  names = new Names('none');
  prefix = '';
  #count = 0;
  readonly #cancels: (() => void)[] = [];
  readonly #agents: TestAgent[] = [];

  constructor(start: () => Promise<Fixture>) {
    beforeAll(async () => {
      this.fixture = await start();
      this.store = this.fixture.open();
      this.writer = this.store.writer();
    });
    afterAll(async () => {
      await this.fixture.remove();
    });
    afterEach(async () => {
      for (const cancel of this.#cancels.splice(0)) cancel();
      await Promise.all(this.#agents.splice(0).map((agent) => agent.kill()));
    });
  }

  fresh(): void {
    this.#count += 1;
    this.owner = `owner-${this.#count}`;
    this.prefix = `/services-${this.#count}/`;
    this.names = new Names(this.owner);
  }

  agent(options: Partial<AgentOptions> = {}): TestAgent {
    const { owner, prefix } = this;
    const agent = new TestAgent({ store: this.fixture.open(), owner, prefixes: [prefix], ...options });
    this.#agents.push(agent);
    return agent;
  }

  async put(key: string, value: string, lease = '0'): Promise<string> {
    return await this.#write({ type: 'put', key, value, lease });
  }

  async remove(key: string): Promise<string> {
    return await this.#write({ type: 'delete', key });
  }

  async read(key: string): Promise<KeyValue | undefined> {
    return unwrap(await this.store.reader.get([key], never)).entries.get(key);
  }

  /** How many entries of this test's owner and prefix hang on each lease. */
  async leases(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const prefix of [this.prefix, this.names.ledger, this.names.heartbeat])
      for (const { lease: id } of unwrap(await this.store.reader.list(prefix, never)).entries)
        counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }

  /** Tells which records below this test's prefix have been deleted from now on. */
  async watchDeletes(): Promise<() => readonly string[]> {
    const deleted: string[] = [];
    const from = nextRevision(await this.revision());
    const cancel = this.store.reader.watch({ prefix: this.prefix }, from, {
      events: (batch) => {
        for (const { type, key } of batch) if (type === 'delete') deleted.push(key);
      },
      lost: (_, { message }) => {
        deleted.push(`the watch was lost: ${message}`);
      },
    });
    this.#cancels.push(cancel);
    return () => deleted;
  }

  async revision(): Promise<string> {
    return unwrap(await this.store.reader.get([this.prefix], never)).revision;
  }

  async #write(operation: Operation): Promise<string> {
    return unwrap(await this.writer.txn({ compares: [], then: [operation], otherwise: [] }, never)).revision;
  }
}
