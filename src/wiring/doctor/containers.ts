import type { Describe } from '../../controller/endpoints-options.ts';
import { whyNot } from '../../controller/why.ts';
import type { Hearsay } from '../../core/announcement.ts';
import type { Container } from '../../core/container.ts';
import type { Finding } from '../../core/doctor.ts';
import { doubtsOf } from '../../core/doubts.ts';
import type { Source } from '../../core/ports.ts';

/** More would hide what else was found. */
const MOST = 100;

/** What containers announce themselves is not asked for. */
const DEAF: Hearsay = { word: () => ({ type: 'unread' }), isShared: () => false };

/** Reads every container once, as the agent does, and looks for those that seem to be meant to be published and are not. */
export async function examineContainers(
  source: Source,
  describe: Describe,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const containers = await listOf(source, signal);
  const find = (id: string): Container | undefined => containers.get(id);
  const found = [...containers.values()].flatMap((container) => {
    const description = describe(container, find, DEAF);
    return doubtsOf(container, description, whyNot(description));
  });
  return found.slice(0, MOST);
}

/** Empty when the engine does not tell, which is a finding elsewhere. */
async function listOf(source: Source, signal: AbortSignal): Promise<ReadonlyMap<string, Container>> {
  const containers = new Map<string, Container>();
  const listed = new AbortController();
  const subscription = source.signals.subscribe((said) => {
    if (said.type === 'seen') containers.set(said.container.id, said.container);
    if (said.type === 'ended') containers.delete(said.id);
    if (said.type === 'listed' || said.type === 'unknown') listed.abort();
  });
  await source.run(AbortSignal.any([signal, listed.signal]));
  subscription.unsubscribe();
  return containers;
}
