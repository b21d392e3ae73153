import { checkAll, foreignIn } from './checks.ts';
import { command } from './orders.ts';
import { Violation } from './promises.ts';
import { act } from './step.ts';
import { drains, mayBeOut, OUT_MS, SURVIVES_MS } from './subjects.ts';
import type { World } from './world.ts';

/** The longest fault, and what it takes to be noticed. */
const HEALED_MS = 50_000;
/** A relist, a brake and a backoff, one after the other. */
const CONVERGED_MS = 110_000;
const REST_MS = 130_000;

/** Faults and changes stop: the registries become equal to what the containers offer, and then nothing is written. */
export async function finish(world: World, waitForDrains: boolean): Promise<void> {
  await handoversEnd(world);
  await world.advance(HEALED_MS);
  for (const process of world.processes.values())
    if (process !== world.agent(process.host) && !process.dryRun) process.kill();
  for (const host of world.hosts) {
    world.startAgain(host);
    host.ordersUncertain = false;
  }
  await strangersLeave(world);
  if (!waitForDrains) await ordersEnd(world);
  await drainsEnd(world, waitForDrains);
  if (world.hosts.some((host) => host.alive().some((subject) => mayBeOut(subject, world.now))))
    await world.advance(OUT_MS);
  await world.advance(CONVERGED_MS);
  await checkAll(world);
  await world.leases.checkRest();
  if (world.violation !== undefined) return;
  const { commits } = world;
  await world.advance(REST_MS);
  if (world.commits !== commits)
    world.violated(
      new Violation(
        'idempotence',
        `${String(world.commits - commits)} writes after everything had come to rest`,
      ),
    );
  checkOnlookers(world);
}

/** A host that is off for good has nobody to take its heartbeat over. */
async function handoversEnd(world: World): Promise<void> {
  for (const registry of world.registries)
    for (const { key, lease } of await registry.entries())
      if (world.hosts.some(({ isOff, owner }) => isOff && key === `/portolan/hosts/${owner}`))
        await registry.revoke(lease);
}

/** What they altered, and half of what they hold, they give back. */
async function strangersLeave(world: World): Promise<void> {
  for (const registry of world.registries) {
    const foreign = [...foreignIn(world, registry).keys()];
    const given = foreign.filter((_, n) => n % 2 === 0);
    const altered = [...world.disturbed.keys()]
      .filter((where) => where.startsWith(`${String(registry.index)} `) && !world.foreign.has(where))
      .map((where) => where.slice(2));
    await registry.meddle([...given, ...altered].map((key) => ({ type: 'delete', key })));
    for (const key of given) world.foreign.delete(`${String(registry.index)} ${key}`);
  }
  world.disturbed.clear();
  for (const where of world.foreign.keys()) world.disturbed.set(where, Number.POSITIVE_INFINITY);
}

async function ordersEnd(world: World): Promise<void> {
  for (const host of world.hosts) for (const whom of host.ordered) command(world, host, whom, false);
  await world.advance(10_000);
}

async function drainsEnd(world: World, wait: boolean): Promise<void> {
  const draining = world.hosts.flatMap((host) =>
    host.all
      .filter((subject) => subject.endUncertain || drains(subject, world.now))
      .map((subject) => ({ host, subject })),
  );
  if (draining.length === 0) return;
  for (const { host, subject } of draining)
    if (!wait || subject.endUncertain) act(world, host, subject, 'die');
  if (wait) await world.advance(SURVIVES_MS);
}

function checkOnlookers(world: World): void {
  for (const process of world.processes.values()) {
    if (!process.dryRun || process.state === 'ended') continue;
    if (process.links.some(({ writes }) => writes))
      world.violated(new Violation('dry run cannot write', `${process.instance} has opened a writer`));
    const lines = process.status
      .targetPlans()
      .flatMap((target) => target.lines.filter(({ action }) => action !== 'leave'));
    // What others were told after it was started it does not know.
    if (lines.length > 0 && process.host.folder.length === 0)
      world.violated(
        new Violation(
          'dry run cannot write',
          `a plan after convergence has ${String(lines.length)} lines, as ${lines[0]?.key ?? ''}`,
        ),
      );
  }
}
