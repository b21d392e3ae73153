import { expectations, problemAt } from './expected.ts';
import { Violation } from './promises.ts';
import { act, actOnOne, type Deed, picked } from './step.ts';
import { PROBED_MS, type Subject } from './subjects.ts';

const isAlive = ({ aliveSince }: { readonly aliveSince: number | undefined }): boolean =>
  aliveSince !== undefined;
const isDown = ({ aliveSince }: { readonly aliveSince: number | undefined }): boolean =>
  aliveSince === undefined;

/** So many changes, one a millisecond: longer than any quiet window may wait. */
const STORM_MS = 80;
const STORM_CONTAINERS = 4;

/** Under constant change a new container must show up all the same. */
const storm: Deed = async ({ world, host, step }) => {
  // Half of them after a rest, so that nothing else excuses a delay.
  if (step.pick % 2 === 0) await world.advance(95_000);
  for (let n = 0; n < STORM_CONTAINERS; n += 1) host.run(0);
  const restless = host.alive().slice(-STORM_CONTAINERS);
  await world.advance(50);
  // Into the midst of it: whatever comes first after a quiet time need not wait.
  let newcomer: Subject | undefined;
  const lasts = STORM_MS + 4 * world.terms.latencyMs;
  for (let ms = 0; ms < lasts; ms += 1) {
    if (ms === STORM_MS / 4) newcomer = host.run(0);
    const one = picked(restless, ms);
    if (one !== undefined) act(world, host, one, ms % 8 < 4 ? 'pause' : 'unpause');
    await world.advance(1);
  }
  const wanted = expectations(host, world.now).filter(({ subject }) => subject === newcomer);
  for (const registry of world.registries) {
    if (!world.isCalm(host, registry.index)) continue;
    const content = new Map((await registry.entries()).map(({ key, value }) => [key, value]));
    for (const expectation of wanted) {
      const problem = problemAt(expectation, content.get(expectation.key), host);
      if (problem !== undefined)
        world.violated(new Violation('convergence', `under constant change ${problem}`));
    }
  }
};

/** Up and down, more often than is tolerated. */
const flaps: Deed = async ({ world, host, step }) => {
  const subject = picked(
    host.alive().filter(({ spec, probed }) => spec.health === true || probed),
    step.pick,
  );
  if (subject === undefined) return;
  for (let n = 0; n < 4; n += 1) {
    act(world, host, subject, subject.probed ? 'close' : 'unhealthy');
    await world.advance(subject.probed ? PROBED_MS : 200);
    act(world, host, subject, subject.probed ? 'open' : 'healthy');
    await world.advance(subject.probed ? PROBED_MS : 200);
  }
};

/** What people do with containers. */
export const ACTIONS: Readonly<Record<string, Deed>> = {
  run: ({ host, step }) => {
    host.run(step.pick);
  },
  'run several': ({ host, step }) => {
    for (let n = 0; n < 4; n += 1) host.run(step.pick + n);
  },
  create: ({ host, step }) => {
    host.create(step.pick);
  },
  start: actOnOne('start', isDown),
  stop: actOnOne('stop', isAlive),
  term: actOnOne('term', (subject) => isAlive(subject) && subject.spec.stubborn === true),
  exit: actOnOne('die', isAlive),
  remove: actOnOne('remove'),
  pause: actOnOne('pause', isAlive),
  unpause: actOnOne('unpause', isAlive),
  healthy: actOnOne('healthy', ({ spec }) => spec.health === true),
  unhealthy: actOnOne('unhealthy', ({ spec }) => spec.health === true),
  'port opens': actOnOne('open', ({ probed, portClosed }) => probed && portClosed),
  'port closes': actOnOne('close', ({ probed, portClosed }) => probed && !portClosed),
  flaps,
  rename: actOnOne('rename'),
  restart: ({ world, host, step }) => {
    const subject = picked(host.all, step.pick);
    if (subject === undefined) return;
    act(world, host, subject, 'stop');
    act(world, host, subject, 'start');
  },
  'restart slowly': async ({ world, host, step }) => {
    const subject = picked(host.all, step.pick);
    if (subject === undefined) return;
    act(world, host, subject, 'term');
    await world.advance(step.pick % 7);
    act(world, host, subject, 'die');
    await world.advance(step.pick % 11);
    act(world, host, subject, 'start');
  },
  'compose down': ({ world, host }) => {
    for (const subject of host.alive()) act(world, host, subject, 'stop');
  },
  'move the host': ({ world, host, step }) => {
    host.address = `10.0.${String(host.index)}.${String(1 + (step.pick % 250))}`;
    for (const process of world.processes.values()) if (process.host === host) process.hostMoved();
    world.disturb(host, undefined, 2_000);
  },
  storm,
  rest: async ({ world }) => {
    await world.advance(80_000);
  },
};
