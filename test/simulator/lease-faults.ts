import type { Expiry, SimHost } from './host.ts';
import { atRest } from './lease-watch.ts';
import type { Deed, Scene } from './step.ts';
import type { World } from './world.ts';

const TTL_MS = 15_000;
/** A beat may be as old as this, and its answer on the way. */
const BEAT_MS = TTL_MS / 3 + 500;
const GRACE_MS = 2_000;
const RECOVERY_MS = 65_000;
const NEXT: Readonly<Record<Expiry, Expiry>> = { prune: 'ttl', ttl: 'mixed', mixed: 'prune' };

/** The registries in which nothing is wrong for the host. */
function calmOnes({ world, host }: Scene) {
  return world.registries.filter(({ index }) => world.isCalm(host, index));
}

/** Somebody else of the host might take over. */
function isAlone(world: World, host: SimHost): boolean {
  const agent = world.agent(host);
  const others = [...world.processes.values()].filter(
    (process) => process.host === host && process !== agent && process.state !== 'ended' && !process.dryRun,
  );
  return agent?.state === 'running' && others.length === 0;
}

/** What happens to leases, and to those who keep them. */
export const LEASE_FAULTS: Readonly<Record<string, Deed>> = {
  'keep-alives lost': ({ world, host, registry, step }) => {
    const way = host.ways[registry.index];
    if (way === undefined) return;
    world.disturb(host, registry.index, step.ms + 35_000);
    way.beatless = true;
    world.later(step.ms, () => {
      way.beatless = false;
    });
  },
  /** The records show for how long: not shorter than a lease lives after its last beat, and not longer than promised. */
  'agent dies for good': async (scene) => {
    const { world, host } = scene;
    const calm = calmOnes(scene);
    if (!isAlone(world, host)) return;
    const before = await Promise.all(
      calm.map(async (registry) => ({
        registry,
        records: (await registry.entries()).filter(({ key }) => isRecordOf(host, key)),
      })),
    );
    world.disturb(host, undefined, TTL_MS + RECOVERY_MS);
    if (calm.length === world.registries.length) world.leases.died(host, TTL_MS - BEAT_MS);
    world.agent(host)?.kill();
    await world.advance(TTL_MS + GRACE_MS);
    if (world.agent(host)?.state !== 'ended') return;
    for (const { registry, records } of before) await world.leases.checkDead(host, registry, records);
    world.start(host);
  },
  'agent upgraded': async (scene) => {
    const { world, host, step } = scene;
    // Often only when everything has come to rest, so that it can be told that nothing is written.
    if (step.pick % 2 === 0) await world.advance(95_000);
    if (!isAlone(world, host)) return;
    const old = world.agent(host);
    const calm = calmOnes(scene);
    const silent = calm.length === world.registries.length && host.expiry === 'prune' && atRest(world, host);
    world.disturb(host, undefined, 15_000 + step.ms + RECOVERY_MS);
    world.leases.upgradeBegins(
      host,
      calm.map(({ index }) => index),
    );
    old?.stop();
    for (let waited = 0; waited < 15_000 && old?.state !== 'ended'; waited += 100) await world.advance(100);
    await world.advance(step.ms);
    const other = step.pick % 3 === 0 && !(world.terms.onlooker && host.index === 0);
    if (other) host.expiry = NEXT[host.expiry];
    if (world.agent(host)?.state === 'ended') world.start(host);
    await world.advance(20_000);
    world.leases.upgradeEnds(host, silent && !other);
  },
};

/** A record that readers see, of a container. */
function isRecordOf({ owner }: SimHost, key: string): boolean {
  return !key.startsWith('/portolan/') && key.includes(`/sim/${owner}/`);
}
