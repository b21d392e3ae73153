import type { DrainOrder } from '../core/drain-order.ts';
import { messageOf } from '../core/failure.ts';
import type { Layout, OwnerFacts } from '../core/layout.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { Listeners } from '../core/listener.ts';
import type { TargetMeter } from '../core/meter.ts';
import type { Policy } from '../core/policy.ts';
import type {
  Clock,
  EstateWriter,
  Fleet,
  HostProbe,
  Log,
  Random,
  RegistryReader,
  RegistryWriter,
  Source,
  SourceSignal,
} from '../core/ports.ts';
import type { Audience } from './claims.ts';
import { readDrain, readOrder } from './drains.ts';
import { Endpoints } from './endpoints.ts';
import type { Describe } from './endpoints-options.ts';
import type { HealthTerms } from './health.ts';
import { History } from './history.ts';
import { Janitor } from './janitor.ts';
import { OrderBook } from './order-book.ts';
import { Commands } from './orders.ts';
import { runWhile } from './run-while.ts';
import { Target } from './target.ts';
import type { Debounce } from './workqueue.ts';

/** One registry of the loop. Without a writer nothing can be written to it. */
export interface Registry {
  readonly reader: RegistryReader;
  readonly writer: RegistryWriter | undefined;
  readonly audience: Audience;
  readonly policy: Policy;
  readonly fleet: Fleet;
  /** Absent in a dry run. */
  readonly estates: EstateWriter | undefined;
  readonly listeners: Listeners;
}

/** Times, window and policies are read when they are needed: another value counts from then on. */
export interface AnnounceOptions {
  readonly source: Source;
  readonly registries: readonly Registry[];
  readonly describe: Describe;
  readonly layouts: readonly Layout[];
  readonly owner: OwnerFacts;
  /** How long an unhealthy endpoint drains, milliseconds. */
  readonly drainMs: number;
  /** How often every registry is read again, milliseconds; the source has an interval of its own. */
  readonly resyncMs: number;
  readonly debounce: Debounce;
  /** Keys of one batch of a registry; see `Target` for the default. */
  readonly batchKeys?: number | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Hears what the loop of each registry does. */
  readonly meterOf?: ((target: string) => TargetMeter) | undefined;
  /** undefined: nothing is probed, and what goes up and down is not kept out. */
  readonly health?: HealthTerms | undefined;
  /** Drains that an earlier process left outside the registries. */
  readonly drains: readonly DrainNote[];
  readonly lostHosts: {
    /** 0: never. */
    readonly graceMs: number;
    readonly probe: HostProbe;
  };
  /** Orders that an earlier process left there. */
  readonly orders: readonly DrainOrder[];
}

/**
 * The announce loop: the source's signals move the endpoints, and whatever becomes dirty goes to every target's queue.
 * Composed alike by the agent and by a simulator; everything outside comes in through the options.
 */
export class AnnounceLoop {
  readonly endpoints: Endpoints;
  readonly targets: readonly Target[];
  /** One for each registry, in the same order. */
  readonly janitors: readonly Janitor[];
  readonly commands: Commands;
  readonly history: History;
  readonly #options: AnnounceOptions;
  readonly #listeners = new Set<() => void>();

  constructor(options: AnnounceOptions) {
    this.#options = options;
    const { describe, layouts, owner, clock, log } = options;
    this.history = new History(clock);
    const targets: Target[] = [];
    this.targets = targets;
    const book = new OrderBook();
    this.endpoints = new Endpoints({
      describe,
      layouts,
      owner,
      get drainMs() {
        return options.drainMs;
      },
      clock,
      health: options.health,
      onHealth: () => {
        this.#changed();
      },
      ordered: (containerId) => book.over(containerId)[0]?.at,
      onDirty: (work) => {
        for (const target of targets) target.dirty(work);
      },
      onMoved: (...moved) => {
        this.history.moved(...moved);
      },
      onCollision: (key, { service, containerName: container }) => {
        const reason = 'another container of this host claims the same key; the older one keeps it';
        log.warn({ key, service: `/${service.path.join('/')}`, container, reason }, 'key claimed twice');
      },
      onSurvived: ({ service, containerName: container }) => {
        const fields = { service: `/${service.path.join('/')}`, container };
        log.warn(fields, 'told to stop, but still runs: the drain is over');
      },
    });
    this.commands = new Commands(book, {
      ...{ owner: owner.owner, endpoints: this.endpoints, targets, source: options.source, clock },
      listenersOf: (target) => options.registries[targets.indexOf(target)]?.listeners,
      onChange: () => {
        this.#changed();
      },
    });
    this.#adopt(options.orders, options.drains);
    targets.push(...options.registries.map((registry) => this.#target(registry)));
    this.janitors = options.registries.map((registry) => this.#janitor(registry));
  }

  /** Calls back after anything that a view shows may have changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** What should exist is known, and every registry shows it as far as it can. */
  get converged(): boolean {
    return this.endpoints.listedAt !== undefined && this.targets.every((target) => target.converged);
  }

  /** What the settings say of containers, addresses or policies has changed: everything is looked at again. */
  settingsChanged(owner: OwnerFacts): void {
    this.endpoints.hostChanged(owner, 'settings-changed');
    for (const target of this.targets) target.reconsider();
    for (const janitor of this.janitors) janitor.reconsider();
    this.#changed();
  }

  /** `signals.source` ends first at a shutdown: the targets go on until they have said goodbye. */
  async run(signals: { readonly source: AbortSignal; readonly targets: AbortSignal }): Promise<void> {
    const { source, registries } = this.#options;
    const subscription = source.signals.subscribe((said) => {
      this.#take(said);
      if (said.type === 'listed') void this.commands.sweep(signals.source);
    });
    const stopResync = this.#resync();
    try {
      await Promise.all([
        source.run(signals.source),
        ...this.targets.map((target) => target.run(signals.targets)),
        ...registries.map(({ fleet }) => fleet.run(signals.targets)),
        ...registries.map(({ listeners }) => this.#listening(listeners, signals.source)),
        // What others left is no affair of an agent that leaves itself.
        ...this.janitors.map((janitor) => janitor.run(signals.source)),
      ]);
    } finally {
      stopResync();
      subscription.unsubscribe();
      this.endpoints.dispose();
    }
  }

  /** Who feeds proxies is of interest only while something is drained by a command. */
  async #listening(listeners: Listeners, signal: AbortSignal): Promise<void> {
    const subscription = listeners.changes.subscribe(() => {
      this.#changed();
    });
    await runWhile(
      () => this.commands.book.all().some(({ drained }) => drained),
      (changed) => this.onChange(changed),
      (until) => listeners.run(until),
      signal,
    );
    subscription.unsubscribe();
  }

  #resync(): () => void {
    const { clock, random } = this.#options;
    let cancel: () => void;
    const arm = (): void => {
      const { resyncMs } = this.#options;
      // A little early and never in step: many hosts must not list one registry at the same moment.
      cancel = clock.timer(resyncMs * (0.9 + 0.1 * random()), () => {
        for (const target of this.targets) target.relist();
        arm();
      });
    };
    arm();
    return () => {
      cancel();
    };
  }

  #target(registry: Registry): Target {
    const { reader, writer, audience } = registry;
    const { clock, random, log, debounce, batchKeys, source, owner, meterOf } = this.#options;
    return new Target({
      meter: meterOf?.(reader.target),
      reader,
      writer,
      audience,
      get policy() {
        return registry.policy;
      },
      endpoints: this.endpoints,
      history: this.history,
      debounce,
      batchKeys,
      clock,
      random,
      log,
      confirm: () => {
        source.relist();
      },
      onChange: () => {
        this.#changed();
      },
      onRecords: (records) => {
        for (const { key, owned } of records) if (owned) this.endpoints.published(key);
        const { owner: id } = owner;
        this.#adopt(
          records.map(({ key, value }) => readOrder(id, key, value)).filter((order) => order !== undefined),
          records.map(({ key, value }) => readDrain(id, key, value)).filter((note) => note !== undefined),
        );
      },
    });
  }

  #janitor(registry: Registry): Janitor {
    const { clock, random, log, owner, lostHosts } = this.#options;
    const { reader, fleet, estates } = registry;
    return new Janitor({
      ...{ target: reader.target, fleet, estates, clock, random, log, self: owner.owner },
      probe: lostHosts.probe,
      get policy() {
        return registry.policy;
      },
      get graceMs() {
        return lostHosts.graceMs;
      },
      onChange: () => {
        this.#changed();
      },
    });
  }

  /** Orders come first: a note of a drain by command counts only while the order holds. */
  #adopt(orders: readonly DrainOrder[], drains: readonly DrainNote[]): void {
    this.commands.learn(orders);
    this.endpoints.adopt(drains);
    this.endpoints.obey();
  }

  #take(said: SourceSignal): void {
    const { source, log } = this.#options;
    const first = said.type === 'listed' && this.endpoints.listedAt === undefined;
    this.#takeSafely(said);
    if (said.type === 'unknown')
      log.warn(
        { source: source.name, reason: said.failure.message, code: said.failure.code },
        'source out of sight; containers count as last reported',
      );
    if (said.type === 'listed' && said.differences > 0)
      log.info({ source: source.name, differences: said.differences }, 'a list found what no event had told');
    if (first) {
      log.info({ source: source.name, containers: this.endpoints.size }, 'source in sight');
      for (const target of this.targets) target.reconsider();
    }
    this.#changed();
  }

  /** Whatever one container's metadata may break in us, the others go on. */
  #takeSafely(said: SourceSignal): void {
    try {
      this.endpoints.take(said);
    } catch (error) {
      const container = said.type === 'seen' ? said.container.name : undefined;
      const reason = messageOf(error);
      this.#options.log.error(
        { container, reason, signal: said.type },
        'container left out: a defect of Portolan, please report it',
      );
    }
  }

  #changed(): void {
    this.commands.settle();
    for (const listener of this.#listeners) listener();
  }
}
