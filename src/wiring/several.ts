import { setMaxListeners } from 'node:events';
import type { Config } from '../config/config.ts';
import { messageOf } from '../core/failure.ts';
import type { Log } from '../core/ports.ts';
import { StateFolder } from '../state/folder.ts';
import { announce } from './announcing.ts';
import type { Assembly, AssemblyOptions } from './assembly.ts';
import { newInstance } from './identity.ts';
import { type AgentIo, StartError } from './io.ts';
import { listenAll } from './listeners.ts';
import { type Configured, configuredMembers, type Member, Members } from './members.ts';
import { SeveralOrders } from './several-orders.ts';
import { routeForSeveral } from './several-proxies.ts';
import { SeveralStatus } from './several-status.ts';
import { openShared, type Shared } from './shared.ts';
import { prepareFolder } from './state.ts';
import type { Scraped } from './telemetry.ts';

/**
 * Several engines in one agent. It listens before it knows any of them, and each is put together, runs and ends by
 * itself: one that is away or cannot be used is told, and concerns no other. Returns the exit code.
 */
export async function announceSeveral(
  given: Config,
  io: AgentIo,
  open?: AssemblyOptions['open'],
): Promise<number> {
  // Everything of every engine listens to it.
  setMaxListeners(0, io.signal);
  const shared = await openShared(given, io);
  const { config } = shared;
  try {
    await prepareFolder(new StateFolder(config.stateDir));
    const configured = await configuredMembers(config, io);
    const members = new Members(configured.map(({ member }) => member));
    const instance = newInstance().id;
    const source = statusOf(members, { instance, config, io });
    const orders = new SeveralOrders(members);
    const { telemetry, stores } = shared;
    const metrics = (): string => telemetry.scrape(scraped(source, members));
    const listeners = config.once ? undefined : await listenAll(config, { source, metrics, orders }, io);
    shared.beat(() => source.status());
    const stopReloads = shared.follow(() => members.assemblies);
    const routing = config.once
      ? Promise.resolve()
      : routeForSeveral({ config, stores, members, instance, meters: telemetry.meters, status: source }, io);
    try {
      return await runAll(configured, members, { shared, open });
    } finally {
      stopReloads();
      await routing;
      await listeners?.close();
    }
  } finally {
    await shared.close();
  }
}

/** What several engines show together. */
export function statusOf(
  members: Members<Assembly>,
  { instance, config, io }: { readonly instance: string; readonly config: Config; readonly io: AgentIo },
): SeveralStatus {
  const { version, clock } = io;
  const targets = config.registries.map(({ name }) => name);
  const identity = { version, instance, startedAt: clock.now() };
  return new SeveralStatus({ members, identity, targets, clock });
}

function scraped(source: SeveralStatus, { all }: Members<Assembly>): Scraped {
  const loops = all.flatMap(({ name: engine, assembly }) =>
    assembly === undefined ? [] : [{ engine, loop: assembly.loop }],
  );
  return { status: source.status(), loops, routes: source.proxyStatus.shown };
}

async function runAll(
  configured: readonly Configured[],
  members: Members<Assembly>,
  { shared, open }: { readonly shared: Shared; readonly open: AssemblyOptions['open'] },
): Promise<number> {
  const codes = await Promise.all(
    configured.map(async ({ member, config, io, place }) => {
      const alone = async (): Promise<number> =>
        await announce({ config, io, shared, place, open }, (assembly) => {
          members.joined(member, assembly);
          return Promise.resolve(() => Promise.resolve());
        });
      return await isolated(member, members, alone, io.log);
    }),
  );
  if (members.all.every(({ failure }) => failure !== undefined))
    throw new StartError(members.all.map(({ name, failure }) => `${name}: ${failure ?? ''}`).join('; '));
  return Math.max(...codes);
}

/** What goes wrong with one engine is told, and ends nothing else. */
export async function isolated<A extends Assembly>(
  member: Member<A>,
  members: Members<A>,
  run: () => Promise<number>,
  log: Log,
): Promise<number> {
  try {
    return await run();
  } catch (error) {
    const reason = messageOf(error);
    members.failed(member, reason);
    log.error({ reason }, 'an engine is not followed; the others are');
    return 1;
  }
}
