import { failure } from '../../src/core/failure.ts';
import type { SimHost } from './host.ts';
import { HOST_FAULTS } from './host-faults.ts';
import type { Link, Mode } from './network.ts';
import { act, type Deed, picked, type Scene } from './step.ts';
import type { World } from './world.ts';

const NEW_LEASE_MS = 25_000;

/** Changes the ways of some hosts to one registry for a while. */
function onTheWay(hosts: (scene: Scene) => readonly SimHost[], mode: Mode): Deed {
  return (scene) => {
    const { world, registry, step } = scene;
    const ways = hosts(scene).map((host) => [host, host.ways[registry.index]] as const);
    for (const [host, way] of ways) {
      if (way === undefined) continue;
      way.mode = mode;
      world.disturb(host, registry.index, step.ms + NEW_LEASE_MS + 10_000);
      if (mode === 'refused')
        eachLink(world, host, registry.index, (link) => {
          link.breakWatches('disconnected', failure('registry-unreachable'));
        });
    }
    world.later(step.ms, () => {
      for (const [host, way] of ways) {
        if (way === undefined) continue;
        way.mode = 'up';
        eachLink(world, host, registry.index, (link) => {
          link.flush();
        });
      }
    });
  };
}

function eachLink(world: World, host: SimHost, registry: number, run: (link: Link) => void): void {
  for (const process of world.processes.values()) {
    const link = process.links[registry];
    if (process.host === host && process.state !== 'ended' && link !== undefined) run(link);
  }
}

/** The engine behaves like this for a while, and needs so long to be caught up with. */
function onTheEngine(begin: (scene: Scene) => void, end: (scene: Scene) => void, recoveryMs: number): Deed {
  return (scene) => {
    const { world, host, step } = scene;
    world.disturb(host, undefined, step.ms + recoveryMs);
    begin(scene);
    world.later(step.ms, () => {
      end(scene);
    });
  };
}

/** Everything dies with the engine, and half of it comes back, without an event. */
const engineRestarts = onTheEngine(
  ({ world, host }) => {
    host.engine.goAway();
    host.engine.quietly(() => {
      for (const subject of host.alive()) act(world, host, subject, 'die');
    });
  },
  ({ world, host, step }) => {
    // Another fault may have brought it back meanwhile.
    host.engine.goAway();
    host.engine.quietly(() => {
      for (const [n, subject] of host.all.entries())
        if ((n + step.pick) % 2 === 0) act(world, host, subject, 'start');
    });
    host.engine.comeBack();
  },
  35_000,
);

/** More events than the engine remembers, while nobody listens. */
const flood = onTheEngine(
  ({ world, host, step }) => {
    host.engine.goAway();
    const subject = picked(host.alive(), step.pick);
    if (subject !== undefined) act(world, host, subject, 'stop');
    host.run(step.pick);
    const restless = picked(host.alive(), step.pick);
    for (let n = 0; n < 150 && restless !== undefined; n += 1) {
      act(world, host, restless, 'pause');
      act(world, host, restless, 'unpause');
    }
  },
  ({ host }) => {
    host.engine.comeBack();
  },
  12_000,
);

/**
 * For three seconds the engine's list is empty although nothing has ended: the brake must hold until it is read again.
 * Only when so much is registered, and nothing else is going on, that the brake is bound to engage.
 */
const engineLies: Deed = async ({ world, host }) => {
  while (host.alive().filter(({ offers }) => offers.length > 0).length < 7) host.run(0);
  await world.advance(95_000);
  const isOurs = (where: string): boolean => where.includes(host.owner);
  const calm = world.registries.every(({ index }) => world.isCalm(host, index));
  if (!calm || world.agent(host)?.state !== 'running' || [...world.disturbed.keys()].some(isOurs)) return;
  world.disturb(host, undefined, 25_000);
  host.engine.lying = true;
  host.engine.cut();
  await world.advance(3_000);
  host.engine.lying = false;
  await world.advance(20_000);
};

/** What engines, and the way to them, do. */
const ENGINE_FAULTS: Readonly<Record<string, Deed>> = {
  'stream cut': ({ world, host }) => {
    world.disturb(host, undefined, 6_000);
    host.engine.cut();
  },
  'stream deaf': ({ world, host }) => {
    world.disturb(host, undefined, 25_000);
    host.engine.deafen();
  },
  'events skipped': onTheEngine(
    ({ world, host }) => {
      host.engine.skips = () => world.random() < 0.5;
    },
    ({ host }) => {
      host.engine.skips = () => false;
    },
    25_000,
  ),
  'events never sent': ({ world, host, step }) => {
    world.disturb(host, undefined, 75_000);
    host.engine.quietly(() => {
      for (const [n, subject] of host.all.entries())
        if ((n + step.pick) % 3 === 0) act(world, host, subject, n % 2 === 0 ? 'die' : 'start');
    });
  },
  'events flood': flood,
  'inspections slow': onTheEngine(
    ({ world, host, step }) => {
      host.engine.delayMs = (call) =>
        call.startsWith('inspect') ? world.random() * (step.pick % 2 === 0 ? 300 : 7_000) : 0;
    },
    ({ host }) => {
      host.engine.delayMs = () => 0;
    },
    45_000,
  ),
  'inspections fail': onTheEngine(
    ({ host, step }) => {
      host.engine.failNext('inspect', 1 + (step.pick % 12));
    },
    ({ host }) => {
      host.engine.failNext('inspect', 0);
    },
    35_000,
  ),
  /** Those of a single container: nothing but their own retries make up for it soon. */
  'inspections fail at a start': async ({ world, host }) => {
    world.disturb(host, undefined, 4_000);
    host.engine.failNext('inspect', 3);
    host.run(1);
    await world.advance(6_000);
    host.engine.failNext('inspect', 0);
  },
  'lists fail': onTheEngine(
    ({ host, step }) => {
      host.engine.failNext('list', 1 + (step.pick % 3));
      host.engine.cut();
    },
    ({ host }) => {
      host.engine.failNext('list', 0);
    },
    15_000,
  ),
  'engine away': onTheEngine(
    ({ host }) => {
      host.engine.goAway();
    },
    ({ host }) => {
      host.engine.comeBack();
    },
    15_000,
  ),
  'engine hangs': onTheEngine(
    ({ host }) => {
      host.engine.hang();
    },
    ({ host }) => {
      host.engine.comeBack();
    },
    75_000,
  ),
  'engine restarts': engineRestarts,
  'engine lies': engineLies,
};

const everyone = ({ world }: Scene) => world.hosts;
const one = ({ host }: Scene) => [host];

/** What registries, and the way to them, do. */
const REGISTRY_FAULTS: Readonly<Record<string, Deed>> = {
  'registry refuses': onTheWay(everyone, 'refused'),
  'registry hangs': onTheWay(everyone, 'hanging'),
  'partition, refused': onTheWay(one, 'refused'),
  'partition, silent': onTheWay(one, 'hanging'),
  'answers lost': ({ world, host, registry, step }) => {
    const way = host.ways[registry.index];
    if (way === undefined) return;
    way.lossy = 0.5;
    world.disturb(host, registry.index, step.ms + 35_000);
    world.later(step.ms, () => {
      way.lossy = 0;
    });
  },
  /** A single write is lost: nothing but its own retry makes up for it soon. */
  'answer lost once': async ({ world, host, registry }) => {
    const way = host.ways[registry.index];
    if (way === undefined) return;
    world.disturb(host, registry.index, 14_000);
    way.lossy = 1;
    host.run(0);
    await world.advance(50 + 2 * way.latencyMs);
    way.lossy = 0;
    await world.advance(16_000);
  },
  'registry slow': ({ world, host, registry, step }) => {
    const way = host.ways[registry.index];
    if (way === undefined) return;
    way.latencyMs = 600;
    world.disturb(host, registry.index, step.ms + 15_000);
    world.later(step.ms, () => {
      way.latencyMs = world.terms.latencyMs;
    });
  },
  compaction: async ({ world, registry, host, step }) => {
    await registry.compact();
    if (step.pick % 2 === 0) return;
    world.disturb(host, registry.index, 8_000);
    eachLink(world, host, registry.index, (link) => {
      link.breakWatches('compacted', failure('registry-compacted'));
    });
  },
  'watch cancelled': ({ world, registry, host }) => {
    world.disturb(host, registry.index, 8_000);
    eachLink(world, host, registry.index, (link) => {
      link.breakWatches('cancelled', failure('registry-unreachable'));
    });
  },
  'watch gap': ({ world, registry, host }) => {
    world.disturb(host, registry.index, 8_000);
    eachLink(world, host, registry.index, (link) => {
      link.breakWatches('gap', failure('registry-unreachable'));
    });
  },
  'watch silent': ({ world, registry, host }) => {
    world.disturb(host, registry.index, 20_000);
    eachLink(world, host, registry.index, (link) => {
      link.silenceWatches();
    });
  },
  'lease lost': async ({ world, registry, host }) => {
    world.disturb(host, registry.index, 8_000);
    const heartbeat = (await registry.entries()).find(({ key }) => key === `/portolan/hosts/${host.owner}`);
    if (heartbeat !== undefined && heartbeat.lease !== '0') await registry.revoke(heartbeat.lease);
  },
  'registry restored': async ({ world, registry, step }) => {
    world.disturb(undefined, registry.index, 50_000);
    await registry.restore(1 + (step.pick % 40), step.ms % 2 === 0);
    await world.restored(registry);
  },
};

/** What happens to the agents themselves. */
const AGENT_FAULTS: Readonly<Record<string, Deed>> = {
  'agent killed': ({ world, host, step }) => {
    world.disturb(host, undefined, step.ms + NEW_LEASE_MS);
    world.agent(host)?.kill();
    world.later(step.ms, () => {
      world.startAgain(host);
    });
  },
  'agent restarted': async ({ world, host }) => {
    world.disturb(host, undefined, 15_000 + NEW_LEASE_MS);
    const old = world.agent(host);
    if (old === undefined) return;
    old.stop();
    for (let waited = 0; waited < 15_000 && isRunning(old); waited += 500) await world.advance(500);
    old.kill();
    world.startAgain(host);
  },
  'agent started twice': ({ world, host, step }) => {
    if (
      [...world.processes.values()].some(
        (process) =>
          process.host === host &&
          process.state !== 'ended' &&
          process !== world.agent(host) &&
          !process.dryRun,
      )
    )
      return;
    if (host.isOff) return;
    const twin = world.start(host, 'twin');
    world.later(step.ms, () => {
      world.disturb(host, undefined, 15_000 + NEW_LEASE_MS);
      if (step.pick % 2 === 0) twin.kill();
      else twin.stop();
    });
  },
  'clock stepped': ({ world, host, step }) => {
    const agent = world.agent(host);
    if (agent === undefined) return;
    agent.clock.offsetMs += (step.pick % 2 === 0 ? 1 : -1) * step.ms * 200;
    world.clockMoved(host);
  },
};

function isRunning(process: { readonly state: string }): boolean {
  return process.state !== 'ended';
}

export const MACHINE_FAULTS: Readonly<Record<string, Deed>> = {
  ...ENGINE_FAULTS,
  ...REGISTRY_FAULTS,
  ...AGENT_FAULTS,
  ...HOST_FAULTS,
};
