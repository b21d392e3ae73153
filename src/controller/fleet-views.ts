import type { Cause } from '../core/cause.ts';
import { planEstate } from '../core/estate.ts';
import { type HostState, stateOf } from '../core/lost-host.ts';
import { compareText } from '../core/order.ts';
import type { Clock, FleetHost, HostEntry } from '../core/ports.ts';
import type { HostView, OrphanView } from '../core/status.ts';
import type { Janitor } from './janitor.ts';

/** Every owner of a registry: by its heartbeat, or by its card when that is gone. */
export function hostViews(janitor: Janitor): readonly HostView[] {
  const { fleet, absences, target, self } = janitor;
  const views = [...fleet.hosts.values()].flatMap((host): HostView[] => {
    const { owner, heartbeat, card } = host;
    const entry =
      heartbeat ??
      (card === undefined ? undefined : { ...card, lease: '0', handover: false, drainedSince: undefined });
    if (entry === undefined) return [];
    const { instance, name, addresses, version, since, lease, handover, drainedSince } = entry;
    return [
      {
        ...{ owner, instance, name, addresses, version, since, lease, handover, drainedSince, target },
        self: owner === self,
        state: hostState(janitor, host),
        lostSince: absences.get(owner)?.sinceWall,
      },
    ];
  });
  return views.sort((a, b) => compareText(a.owner, b.owner));
}

/** A host of which only the heartbeat has been read. */
export function unlistedHost({ target, self }: Janitor, host: HostEntry): HostView {
  const state = host.handover ? 'handover' : 'alive';
  const { drainedSince } = host;
  return { ...host, target, self: host.owner === self, state, lostSince: undefined, drainedSince };
}

export function hostCounts(janitor: Janitor): Readonly<Record<HostState, number>> | undefined {
  if (!janitor.fleet.known) return undefined;
  const counts = { alive: 0, handover: 0, lost: 0, unattended: 0 };
  for (const host of janitor.fleet.hosts.values())
    if (host.attended || host.card !== undefined) counts[hostState(janitor, host)] += 1;
  return counts;
}

function hostState({ absences }: Janitor, host: FleetHost): HostState {
  return stateOf(host, absences.get(host.owner)?.answers === true);
}

/** What hosts without a heartbeat left. A host whose ledger cannot be read has no rows. */
export async function orphanViews(
  janitor: Janitor,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly OrphanView[]> {
  const { fleet, absences, target } = janitor;
  const cause: Cause = { code: 'host-lost', at: clock.now(), explained: true };
  const lists = await Promise.all(
    [...absences.values()].map(async ({ owner, sinceWall, nextAt, why: waiting }) => {
      const estate = await fleet.estate(owner, signal);
      const host = fleet.hosts.get(owner);
      if (!estate.ok || host === undefined) return [];
      const nextTryAt = nextAt === undefined ? undefined : clock.now() + (nextAt - clock.monotonic());
      const state = hostState(janitor, host);
      return planEstate(estate.value, cause).map(
        ({ key, action, why }): OrphanView => ({
          ...{ target, owner, key, state, lostSince: sinceWall, action, why, nextTryAt, waiting },
        }),
      );
    }),
  );
  return lists.flat().sort((a, b) => compareText(a.owner, b.owner) || compareText(a.key, b.key));
}
