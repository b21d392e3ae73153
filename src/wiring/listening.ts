import { createHash } from 'node:crypto';
import { Listener, type ListeningRoute } from '../controller/listener.ts';
import type { ListenerDesk, OwnCard } from '../core/listener.ts';
import type { AgentIo } from './io.ts';

/** A proxy and the registry that it follows; `desk`: where it says so. */
interface ToldRoute extends ListeningRoute {
  readonly registry: { readonly name: string; readonly desk: ListenerDesk | undefined };
}

/** One listener for each registry that has proxies. Run them beside the proxies. */
export function openListeners(
  routes: readonly ToldRoute[],
  card: OwnCard,
  { clock, log }: Pick<AgentIo, 'clock' | 'log'>,
): readonly Listener[] {
  const registries = new Set(routes.map(({ registry }) => registry));
  return [...registries].flatMap(({ name, desk }) =>
    desk === undefined
      ? []
      : [
          new Listener({
            ...{ target: name, desk, card, clock, log, nameOf: ackNameOf },
            routes: routes.filter(({ registry }) => registry.name === name),
          }),
        ],
  );
}

/** The key of a record is long and has slashes. */
function ackNameOf(proxy: string, key: string): string {
  return `${proxy}/${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
}
