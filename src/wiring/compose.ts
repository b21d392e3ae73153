import type { Config } from '../config/config.ts';
import { AnnounceLoop, type Registry } from '../controller/announce.ts';
import type { Describe } from '../controller/endpoints-options.ts';
import type { HealthTerms } from '../controller/health.ts';
import type { DampingTerms } from '../core/damping.ts';
import { type DescribeContext, describe } from '../core/desired.ts';
import type { DrainOrder } from '../core/drain-order.ts';
import type { Layout, OwnerFacts } from '../core/layout.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { TargetMeter } from '../core/meter.ts';
import type { HostProbe, Prober } from '../core/ports.ts';
import { normalizePrefix } from '../layout/prefix.ts';
import type { Engine } from '../source/docker/engine.ts';
import { createDockerSource } from '../source/docker/source.ts';
import type { FollowedHost } from './host.ts';
import type { Instance } from './identity.ts';
import type { AgentIo } from './io.ts';
import { dialectsBy, dialectsOf, layoutsOf } from './metadata.ts';
import { AgentOrders } from './orders.ts';
import { AgentStatus } from './status.ts';

/** Who this agent is and where it stands. */
export interface Whereabouts {
  readonly owner: string;
  readonly instance: Instance;
  readonly host: FollowedHost;
  readonly since: number;
}

export interface ComposeOptions {
  readonly config: Config;
  readonly io: AgentIo;
  readonly drains: readonly DrainNote[];
  /** Drains by command that an earlier process left in the state folder. */
  readonly orders: readonly DrainOrder[];
  readonly here: Whereabouts;
  readonly engine: Engine;
  readonly registries: readonly Registry[];
  readonly prober: Prober;
  /** Asks a host that is lost whether it lives. */
  readonly hostProbe: HostProbe;
  /** Hears what the loop of each registry does. */
  readonly meterOf?: ((target: string) => TargetMeter) | undefined;
  /** Keys of one batch; a simulator takes few, so that the borders between batches are crossed often. */
  readonly batchKeys?: number | undefined;
}

/** Puts loop and status together over an engine and registries that are already open: the agent's, or a simulator's. */
export function compose(options: ComposeOptions): {
  readonly loop: AnnounceLoop;
  readonly status: AgentStatus;
  /** The settings that were given have changed. */
  readonly settingsChanged: () => void;
  readonly orders: AgentOrders;
} {
  const { config, io, drains, here, engine, registries, prober, hostProbe } = options;
  const { owner, instance, host, since } = here;
  const { clock, random, log, version } = io;
  const facts = (): OwnerFacts => ({ owner, hostName: host.name, addresses: host.current, version });
  const source = createDockerSource({
    ...{ engine, clock, random, log },
    get resyncMs() {
      return config.resync;
    },
  });
  const layouts = layoutsOf(config);
  const describeOne = describer(config, host, objectionsBy(layouts, facts));
  const loop = new AnnounceLoop({
    ...{ source, registries, describe: describeOne, layouts, drains, clock, random, log },
    ...{ orders: options.orders, owner: facts() },
    health: healthOf(config, { prober, random, log }),
    ...{ batchKeys: options.batchKeys, meterOf: options.meterOf },
    get drainMs() {
      return config.drainTime;
    },
    get resyncMs() {
      return config.resync;
    },
    lostHosts: {
      get graceMs() {
        return config.deadHostGrace;
      },
      probe: hostProbe,
    },
    debounce: {
      get quietMs() {
        return config.debounce.minMs;
      },
      get maxWaitMs() {
        return config.debounce.maxMs;
      },
    },
  });
  host.onChange(() => {
    loop.endpoints.hostChanged(facts());
  });
  const status = new AgentStatus({
    ...{ loop, source, clock },
    readers: new Map(registries.map(({ reader }) => [reader.target, reader])),
    policyOf: (target) => registries.find(({ reader }) => reader.target === target)?.policy ?? 'sync',
    describe: (container) => describeOne(container, (id) => loop.endpoints.find(id), loop.endpoints.hearsay),
    identity: { version, owner, instance: instance.id, startedAt: since },
  });
  const settingsChanged = (): void => {
    loop.settingsChanged(facts());
  };
  const orders = new AgentOrders({ loop, source, clock });
  return { loop, status, orders, settingsChanged };
}

function healthOf(config: Config, outside: Pick<HealthTerms, 'prober' | 'random' | 'log'>): HealthTerms {
  return {
    ...outside,
    get parallel() {
      return config.probes.parallel;
    },
    get damping() {
      return dampingOf(config);
    },
  };
}

function dampingOf({ flaps }: Config): DampingTerms | undefined {
  const { damping, after, within, firstOut, longestOut } = flaps;
  if (!damping) return undefined;
  return { after, withinMs: within, firstMs: Math.min(firstOut, longestOut), longestMs: longestOut };
}

function objectionsBy(
  layouts: readonly Layout[],
  facts: () => OwnerFacts,
): NonNullable<DescribeContext['objections']> {
  return (endpoint) => layouts.flatMap((layout) => layout.objection?.(endpoint, facts()) ?? []);
}

/** The pure description with what this agent brings to it; addresses and settings are those of the moment. */
export function describer(
  config: Config,
  host: Pick<FollowedHost, 'current'>,
  objections: NonNullable<DescribeContext['objections']>,
): Describe {
  // Only which dialects are on changes while the agent runs.
  const all = dialectsBy(config);
  const prefix = normalizePrefix(config.layouts.announce.prefix);
  return (container, find, hearsay) => {
    const { address, network, family, docker, announcements: by } = config;
    const { enabled, disabled } = dialectsOf(all, config);
    return describe(container, {
      host: host.current,
      defaults: { address, network, family },
      oneOff: docker.oneOff,
      dialects: enabled,
      disabledDialects: disabled,
      objections,
      find,
      announcements: { ...hearsay, by, prefix },
    });
  };
}
