import { setMaxListeners } from 'node:events';
import type { Config } from '../config/config.ts';
import type { PlanView } from '../core/status.ts';
import { StateFolder } from '../state/folder.ts';
import { assembleWithin } from './announcing.ts';
import type { Assembly } from './assembly.ts';
import { followDry } from './dry-routes.ts';
import { newInstance } from './identity.ts';
import { type AgentIo, StartError } from './io.ts';
import { type Configured, configuredMembers, Members } from './members.ts';
import type { Followed } from './proxies.ts';
import { isolated, statusOf } from './several.ts';
import type { SeveralStatus } from './several-status.ts';
import { openShared, type Shared } from './shared.ts';
import { showPlans } from './show-plans.ts';
import { PLAN_LIMIT_MS, plannable, when } from './waiting.ts';

interface Watched {
  readonly members: Members<Assembly>;
  readonly status: SeveralStatus;
}

/** One pass over all engines, without a writer. What does not answer is a part of the plan that cannot be told. */
export async function planOfSeveral(config: Config, io: AgentIo): Promise<PlanView> {
  return await withoutWriter(config, io, async ({ members, status }) => {
    await when(status, () => allKnown({ members, status }), PLAN_LIMIT_MS, io.clock, io.signal);
    if (members.assemblies.every(({ loop }) => loop.endpoints.listedAt === undefined))
      throw new StartError('no engine answers, so nothing can be planned; is every host in engines right?');
    return await status.plan(io.signal);
  });
}

export async function dryRunOfSeveral(config: Config, io: AgentIo): Promise<number> {
  return await withoutWriter(config, io, async ({ members, status }) => {
    // One engine that is away must not keep what the others would do from being shown.
    const some = (): boolean =>
      status.proxyStatus.heard && members.assemblies.some(({ loop }) => plannable(loop));
    return await showPlans({ status, some, all: () => allKnown({ members, status }) }, config, io);
  });
}

function allKnown({ members: { all }, status }: Watched): boolean {
  return (
    status.proxyStatus.heard &&
    all.every(
      ({ failure, assembly }) =>
        failure !== undefined || (assembly !== undefined && plannable(assembly.loop)),
    )
  );
}

async function withoutWriter<T>(
  given: Config,
  io: AgentIo,
  use: (watched: Watched) => Promise<T>,
): Promise<T> {
  const shared = await openShared(given, io);
  const stop = new AbortController();
  const until = AbortSignal.any([io.signal, stop.signal]);
  setMaxListeners(0, io.signal, stop.signal, until);
  const configured = await configuredMembers(shared.config, { ...io, signal: until });
  const members = new Members(configured.map(({ member }) => member));
  const status = statusOf(members, { instance: newInstance().id, config: shared.config, io });
  const stopReloads = shared.follow(() => members.assemblies);
  const registries = shared.config.registries.flatMap(({ name, kind }): Followed[] => {
    const store = shared.stores.get(name)?.reader;
    return store === undefined ? [] : [{ name, kind, store, desk: undefined }];
  });
  const running = [
    ...configured.map((one) => watch(one, members, shared)),
    followDry({ config: shared.config, registries, io }, status.proxyStatus, until),
  ];
  try {
    return await use({ members, status });
  } finally {
    stop.abort();
    stopReloads();
    await Promise.all(running);
    await shared.close();
  }
}

/** One engine until the signal aborts. */
async function watch(
  { member, config, io, place }: Configured,
  members: Members<Assembly>,
  shared: Shared,
): Promise<void> {
  const run = async (): Promise<number> => {
    const folder = new StateFolder(config.stateDir);
    const orders = await folder.orders();
    const options = { config, io, folder, shared, place, predecessorDead: undefined, drains: [], orders };
    const assembly = await assembleWithin(Number.POSITIVE_INFINITY, options);
    if (assembly === undefined) return 0;
    members.joined(member, assembly);
    await assembly.loop.run({ source: io.signal, targets: io.signal });
    await assembly.close();
    return 0;
  };
  await isolated(member, members, run, io.log);
}
