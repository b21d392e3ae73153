import { failure } from '../../src/core/failure.ts';
import type { KeyValue } from '../../src/provider/kv/store.ts';
import { Violation } from './promises.ts';
import { act, type Deed, picked, type Scene } from './step.ts';
import { FOREIGN } from './subjects.ts';

/** Damage is repaired within a second, but the same record not twice within half a second. */
const REPAIRED_MS = 2_500;
const FOR_EVER = Number.POSITIVE_INFINITY;

/** One record of the host that nobody has touched for a while. */
async function ownRecord({ world, host, registry, step }: Scene): Promise<KeyValue | undefined> {
  const own = (await registry.entries()).filter(
    (entry) =>
      !entry.key.startsWith('/portolan/') &&
      entry.key.includes(host.owner) &&
      registry.origin(entry)?.actor.owner === host.owner &&
      !world.disturbed.has(`${String(registry.index)} ${entry.key}`),
  );
  return picked(own, step.pick);
}

function withRecord(meddle: (scene: Scene, key: string) => Promise<void>): Deed {
  return async (scene) => {
    const found = await ownRecord(scene);
    if (found !== undefined) await meddle(scene, found.key);
  };
}

function disturb({ world, registry }: Scene, key: string, ms: number): void {
  const where = `${String(registry.index)} ${key}`;
  world.disturbed.set(where, world.now + ms);
  // Three alterations within a minute are a contest: none of the others may become one by accident.
  if (ms !== FOR_EVER) world.later(Math.max(ms, 61_000), () => world.disturbed.delete(where));
}

async function put({ registry }: Scene, key: string, value = FOREIGN, lease = '0'): Promise<void> {
  await registry.meddle([{ type: 'put', key, value, lease }]);
}

/** Takes the key: from here on the record is a stranger's. */
async function take(scene: Scene, key: string): Promise<void> {
  const { world, registry } = scene;
  await registry.meddle([{ type: 'delete', key }]);
  await put(scene, key);
  disturb(scene, key, FOR_EVER);
  world.foreign.set(`${String(registry.index)} ${key}`, FOREIGN);
}

/** What others do to a registry. */
export const STRANGERS: Readonly<Record<string, Deed>> = {
  'record deleted': withRecord(async (scene, key) => {
    await scene.registry.meddle([{ type: 'delete', key }]);
    disturb(scene, key, REPAIRED_MS);
  }),
  /** Nothing but a fresh read and a fresh watch can tell of it. */
  'record deleted unwatched': withRecord(async (scene, key) => {
    const { world, host, registry, step } = scene;
    world.disturb(host, registry.index, 8_000);
    for (const process of world.processes.values())
      if (process.host === host)
        process.links[registry.index]?.breakWatches(
          step.pick % 2 === 0 ? 'cancelled' : 'gap',
          failure('registry-unreachable'),
        );
    await world.advance(9_000);
    await scene.registry.meddle([{ type: 'delete', key }]);
    disturb(scene, key, REPAIRED_MS);
    await world.advance(REPAIRED_MS);
  }),
  'record altered': withRecord(async (scene, key) => {
    await put(scene, key);
    disturb(scene, key, REPAIRED_MS);
  }),
  'record contested': withRecord(async (scene, key) => {
    disturb(scene, key, FOR_EVER);
    for (let n = 0; n < 3; n += 1) {
      await put(scene, key, `${FOREIGN} ${String(n)}`);
      await scene.world.advance(2_000);
    }
  }),
  'record leased away': withRecord(async (scene, key) => {
    const lease = await scene.registry.grant(20);
    if (!lease.ok) return;
    disturb(scene, key, 45_000);
    await put(scene, key, FOREIGN, lease.value.id);
  }),
  'record replaced': withRecord(async (scene, key) => {
    await take(scene, key);
  }),
  /** Whoever restarts in the same moment cannot know that the record was its own: so only where all is well. */
  'ledger entry deleted': async ({ world, registry, host, step }) => {
    if (!world.isCalm(host, registry.index)) return;
    const ledger = `/portolan/owners/${host.owner}/`;
    const entries = (await registry.entries()).filter(({ key }) => key.startsWith(ledger));
    const entry = picked(entries, step.pick);
    if (entry === undefined) return;
    await registry.meddle([{ type: 'delete', key: entry.key }]);
    await world.advance(REPAIRED_MS);
    const content = (await registry.entries()).map(({ key }) => key);
    if (content.includes(entry.value) && !content.includes(entry.key))
      world.violated(new Violation('convergence', `the ledger entry of ${entry.value} was not restored`));
  },
  'key squatted': async (scene) => {
    const { host, step, world } = scene;
    const subject = host.create(step.pick % 2);
    const [offer] = subject.offers;
    if (offer === undefined) return;
    const key = `/services${offer.path}/${subject.id.slice(0, 12)}`;
    await take(scene, key);
    act(world, host, subject, 'start');
  },
  'record replaced at death': async (scene) => {
    const { world, host, step, registry } = scene;
    const subject = picked(
      host.alive().filter(({ offers }) => offers.length > 0),
      step.pick,
    );
    const [offer] = subject?.offers ?? [];
    if (subject === undefined || offer === undefined) return;
    const key = `/services${offer.path}/${subject.id.slice(0, 12)}`;
    const stands = (await registry.entries()).some((entry) => entry.key === key);
    if (!stands || world.disturbed.has(`${String(registry.index)} ${key}`)) return;
    act(world, host, subject, 'stop');
    await world.advance(step.pick % 3);
    await take(scene, key);
  },
};
