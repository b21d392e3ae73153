import { expectations, problemAt } from './expected.ts';
import type { SimHost } from './host.ts';
import { Violation } from './promises.ts';
import type { SimRegistry } from './registry.ts';
import { drains } from './subjects.ts';
import type { World } from './world.ts';

/** From a change to its record, with all that the network takes. */
const PROMPT_MS = 1_500;

/** Wherever nothing has been wrong for a while, every change is there at once, whatever goes on elsewhere. */
export async function checkCalmOnes(world: World): Promise<void> {
  for (const registry of world.registries) {
    const calm = world.hosts.filter((host) => world.isCalm(host, registry.index));
    if (calm.length === 0) continue;
    const content = await contentOf(registry);
    for (const host of calm) checkHost(world, host, registry, content, PROMPT_MS);
  }
}

function checkHost(
  world: World,
  host: SimHost,
  { index }: SimRegistry,
  content: ReadonlyMap<string, string>,
  promptMs: number,
): void {
  for (const expectation of expectations(host, world.now)) {
    const { subject, key } = expectation;
    if (world.now - subject.changedAt < promptMs) continue;
    if ((world.disturbed.get(`${String(index)} ${key}`) ?? 0) > world.now) continue;
    const problem = problemAt(expectation, content.get(key), host);
    if (problem !== undefined) world.violated(new Violation('convergence', `r${String(index)}: ${problem}`));
  }
}

/** When everything has come to rest: exactly what the containers offer, the bookkeeping of it, and what strangers hold. */
export async function checkAll(world: World): Promise<void> {
  for (const registry of world.registries) {
    const content = await contentOf(registry);
    const foreign = foreignIn(world, registry);
    for (const [key, value] of foreign)
      if (content.get(key) !== value)
        world.violated(new Violation('ownership', `r${String(registry.index)}: ${key} was a stranger's`));
    const on = world.hosts.filter(({ isOff }) => !isOff);
    for (const host of on) checkHost(world, host, registry, content, 0);
    const wanted = new Set([
      ...foreign.keys(),
      ...on.flatMap((host) => keysOf(world, host, content, foreign)),
    ]);
    for (const key of content.keys())
      if (!wanted.has(key))
        world.violated(new Violation('convergence', `r${String(registry.index)}: ${key} is nobody's`));
    for (const key of wanted)
      if (!content.has(key))
        world.violated(new Violation('convergence', `r${String(registry.index)}: ${key} is missing`));
  }
}

/** Records, ledger entries, heartbeat and card of a host. */
function keysOf(
  world: World,
  host: SimHost,
  content: ReadonlyMap<string, string>,
  foreign: ReadonlyMap<string, string>,
): readonly string[] {
  const records = expectations(host, world.now)
    .filter(({ shows, key }) => shows !== 'nothing' && !foreign.has(key))
    .filter(({ shows, key }) => shows !== 'withheld' || content.has(key))
    .map(({ key }) => key);
  const shown = [`/hosts/${host.owner}`].filter((key) => !foreign.has(key));
  const own = new Set([...records, ...shown, ...drainsIn(world, host, content)]);
  const ledger = `/portolan/owners/${host.owner}/`;
  const entries = new Map(
    [...content].filter(([key]) => key.startsWith(ledger)).map(([key, value]) => [value, key]),
  );
  for (const key of own)
    if (!entries.has(key)) world.violated(new Violation('convergence', `no ledger entry speaks for ${key}`));
  const beat = [`/portolan/hosts/${host.owner}`, `/portolan/cards/${host.owner}`];
  return [...own, ...beat, ...[...own].flatMap((key) => entries.get(key) ?? [])];
}

/** Notes of drains that are still on. */
function drainsIn(world: World, host: SimHost, content: ReadonlyMap<string, string>): readonly string[] {
  const prefix = `/portolan/drains/${host.owner}/`;
  const draining = host.all.filter((subject) => drains(subject, world.now) || host.isOrdered(subject));
  const notes = [...content.keys()].filter(
    (key) => key.startsWith(prefix) && draining.some(({ id }) => key.startsWith(`${prefix}${id}/`)),
  );
  return [...notes, ...[...host.ordered].map((whom) => `${prefix}${whom}`)];
}

export function foreignIn(world: World, { index }: SimRegistry): ReadonlyMap<string, string> {
  const prefix = `${String(index)} `;
  return new Map(
    [...world.foreign]
      .filter(([where]) => where.startsWith(prefix))
      .map(([where, value]) => [where.slice(prefix.length), value]),
  );
}

async function contentOf(registry: SimRegistry): Promise<ReadonlyMap<string, string>> {
  return new Map((await registry.entries()).map(({ key, value }) => [key, value]));
}
