import { Subject } from 'rxjs';
import { failure, ok, type Result } from '../../core/failure.ts';
import type { ListenerDesk, Listeners } from '../../core/listener.ts';
import type { Change } from '../../core/plan.ts';
import type {
  ChangeResult,
  Clock,
  EstateWriter,
  Fleet,
  HostEntry,
  Log,
  Observation,
  Random,
  RegistryReader,
  RegistryWriter,
} from '../../core/ports.ts';
import { Applier } from './apply.ts';
import { type Footing, KvDesk } from './desk.ts';
import { Estates } from './estates.ts';
import { KvFleet } from './fleet.ts';
import type { Identity } from './heartbeat.ts';
import { KvListeners } from './listeners.ts';
import { Names } from './names.ts';
import { KvRegistryReader } from './reader.ts';
import { rehang } from './rehang.ts';
import { Session } from './session.ts';
import type { KvReader, KvWriter } from './store.ts';

const DEFAULT_TTL_SECONDS = 15;

/** What only a provider that writes needs. */
export interface KvWriting {
  readonly writer: KvWriter;
  readonly identity: Identity;
  /** Life of the host's lease. */
  readonly ttlSeconds?: number | undefined;
  /** Tells that the process behind an earlier heartbeat of this owner is gone for certain (its control socket refuses). */
  readonly predecessorDead?: ((entry: HostEntry) => Promise<boolean>) | undefined;
}

export interface KvProviderOptions {
  /** Name of the target, as logs and status show it. */
  readonly target: string;
  readonly store: KvReader;
  readonly owner: string;
  /** The layouts' prefixes, each with a slash at its end. */
  readonly prefixes: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Absent in a dry run: then nothing exists that could write. */
  readonly writing?: KvWriting | undefined;
}

export interface KvProvider {
  readonly reader: RegistryReader;
  readonly writer: RegistryWriter | undefined;
  readonly fleet: Fleet;
  /** Absent in a dry run. */
  readonly estates: EstateWriter | undefined;
  readonly listeners: Listeners;
  /** Where this owner's proxies say what they serve. Absent in a dry run. */
  readonly desk: ListenerDesk | undefined;
}

/** A registry kept in a revisioned key-value store: the embedded one, or etcd. */
export function createKvProvider(options: KvProviderOptions): KvProvider {
  const { target, store, prefixes, clock, random, log, writing } = options;
  const names = new Names(options.owner);
  const subject = new Subject<Observation>();
  const opened = writing === undefined ? undefined : openSession(options, writing, names, subject);
  const replaced = (): void => opened?.session.recheck();
  const reader = new KvRegistryReader({
    ...{ target, store, names, prefixes, clock, random, log, subject, replaced },
  });
  const fleet = new KvFleet({ store, clock, random });
  const listeners = new KvListeners({ store, clock, random });
  subject.subscribe((observation) => {
    if (observation.type !== 'unknown' && !(observation.type === 'listed' && observation.replaced)) return;
    const cause = observation.type === 'unknown' ? observation.failure : failure('registry-replaced');
    for (const view of [fleet, listeners]) view.doubt(cause);
  });
  if (writing === undefined || opened === undefined)
    return { reader, fleet, listeners, writer: undefined, estates: undefined, desk: undefined };
  const { session, applier } = opened;
  const writer: RegistryWriter = {
    keepSession: (signal) => session.run(signal),
    apply: async (changes, signal) => {
      const keys = changes.map(({ key }) => key);
      reader.expect(keys);
      const results = await applier.apply(changes, signal);
      reader.written(
        keys,
        results.flatMap(({ seen }) => seen),
      );
      return results;
    },
    handover: (handoverMs, signal) => session.handover(handoverMs, signal),
    retire: (complete, signal) => session.retire(complete, signal),
  };
  const { owner } = options;
  const estates = new Estates({ reader: store, writer: writing.writer, session, names, owner });
  const footing = (): Result<Footing> => {
    const { held } = session;
    if (held === undefined) return { ok: false, failure: session.refusal };
    const compares = [{ key: names.heartbeat, target: 'mod', revision: held.revision }] as const;
    return ok({ lease: held.lease, compares });
  };
  const desk = new KvDesk({ reader: store, writer: writing.writer, id: owner, footing });
  return { reader, writer, fleet, estates, listeners, desk };
}

/** What writes: the right to do so, and what uses it. The session needs the other to move records from lease to lease. */
function openSession(
  { target, store, clock, random, log }: KvProviderOptions,
  { writer, identity, ttlSeconds, predecessorDead }: KvWriting,
  names: Names,
  subject: Subject<Observation>,
): { readonly session: Session; readonly applier: Applier } {
  const session = new Session({
    reader: store,
    writer,
    key: names.heartbeat,
    card: names.card,
    identity,
    ttlSeconds: ttlSeconds ?? DEFAULT_TTL_SECONDS,
    predecessorDead: predecessorDead ?? (() => Promise.resolve(false)),
    ...{ clock, random, log },
    changed: (state) => {
      subject.next({ type: 'session', session: state });
    },
    rehang: async (lease, signal) => {
      const apply = async (changes: readonly Change[], under: string): Promise<readonly ChangeResult[]> => {
        const results = await applier.apply(changes, signal, under);
        subject.next({ type: 'changed', changes: results.flatMap(({ seen }) => seen) });
        return results;
      };
      const moved = await rehang(lease, { reader: store, names, apply }, signal);
      if (!moved.ok) return moved;
      if (moved.value > 0)
        log.info({ target, records: moved.value, lease }, 'records moved to another lease');
      return ok(undefined);
    },
  });
  const applier = new Applier({ writer, session, names });
  return { session, applier };
}
