import type { SimHost } from './host.ts';
import { Violation } from './promises.ts';
import type { SimRegistry } from './registry.ts';
import type { Deed } from './step.ts';
import type { World } from './world.ts';

const TTL_MS = 15_000;
const GRACE_MS = 30_000;
/** From the end of the grace until nothing is left; beside it small batches take a way to the registry and back each. */
const CLEARED_MS = 2_000;
const UNDISTURBED_MS = 95_000;

/** Somebody must be left to see it: no second host goes. */
function mayGo(world: World, host: SimHost): boolean {
  const others = world.hosts.filter((other) => other !== host);
  return !host.isOff && others.every((other) => !other.isOff);
}

/** Where its heartbeat is kept alive when it goes, and another agent sees all of it, nothing may be left in time. */
async function isCleared(world: World, host: SimHost, goes: () => void): Promise<void> {
  const before = world.registries.filter(({ index }) => world.isCalm(host, index));
  const runs = world.agent(host)?.state === 'running';
  const since = world.now;
  goes();
  await world.advance(TTL_MS + GRACE_MS + CLEARED_MS + 40 * world.terms.latencyMs);
  if (!runs) return;
  for (const registry of before) {
    const seen = world.hosts.some(
      (other) =>
        other !== host &&
        world.agent(other)?.state === 'running' &&
        world.isCalm(other, registry.index) &&
        world.calmSince(other, registry.index) <= since,
    );
    if (seen) await checkGone(world, host, registry);
  }
}

async function checkGone(world: World, { owner }: SimHost, registry: SimRegistry): Promise<void> {
  for (const entry of await registry.entries()) {
    const where = `${String(registry.index)} ${entry.key}`;
    const bookkeeping = ['owners', 'drains', 'hosts', 'cards', 'janitors'].some((part) =>
      `${entry.key}/`.startsWith(`/portolan/${part}/${owner}/`),
    );
    const theirs = world.foreign.has(where) || world.disturbed.has(where);
    const own = !entry.key.startsWith('/portolan/') && registry.origin(entry)?.actor.owner === owner;
    if (bookkeeping || (own && !theirs))
      world.violated(
        new Violation('lost hosts', `${entry.key} of ${owner}, which is off, was not removed in time`),
      );
  }
}

/** Until another agent looks after the host; false when none does. */
async function untilClaimed(world: World, { owner }: SimHost, registry: SimRegistry): Promise<boolean> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    if ((await registry.entries()).some(({ key }) => key === `/portolan/janitors/${owner}`)) return true;
    await world.advance(20);
  }
  return false;
}

/** What happens to whole hosts. */
export const HOST_FAULTS: Readonly<Record<string, Deed>> = {
  'host powered off for good': async ({ world, host, step }) => {
    if (!mayGo(world, host)) return;
    if (step.pick % 2 === 0) await world.advance(UNDISTURBED_MS);
    await isCleared(world, host, () => {
      world.powerOff(host);
    });
  },
  /** While somebody asks whether it lives, or just before or after that. */
  'host back at the last moment': async ({ world, host, registry, step }) => {
    if (!mayGo(world, host) || world.agent(host)?.state !== 'running') return;
    world.powerOff(host);
    await world.advance(TTL_MS / 2 + GRACE_MS);
    if (await untilClaimed(world, host, registry)) await world.advance(900 + (step.pick % 140));
    world.powerOn(host);
  },
  'agent dead on a living host': async ({ world, host, step }) => {
    if (host.isOff) return;
    const lasts = TTL_MS + GRACE_MS + 5_000 + (step.pick % 30) * 1_000;
    world.disturb(host, undefined, lasts + 40_000);
    world.agent(host)?.kill();
    await world.advance(lasts);
    world.startAgain(host);
  },
};
