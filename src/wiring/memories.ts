import type { DrainOrder } from '../core/drain-order.ts';
import type { DrainNote } from '../core/lifecycle.ts';
import type { Log } from '../core/ports.ts';
import type { StateFolder } from '../state/folder.ts';
import type { Assembly } from './assembly.ts';
import { keep } from './drains.ts';

/** What the state folder remembered at the start. `drains`: undefined unless a registry is an embedded one. */
export interface Memories {
  readonly orders: readonly DrainOrder[];
  readonly drains: readonly DrainNote[] | undefined;
}

/** Keeps them up to date from now on; returns a function that waits for the last write. */
export function keepMemories(
  { loop, orders: given }: Pick<Assembly, 'loop' | 'orders'>,
  { orders, drains }: Memories,
  folder: StateFolder,
  log: Log,
): () => Promise<void> {
  const ofOrders = keep<readonly DrainOrder[]>(
    {
      name: 'orders',
      before: orders,
      read: () => loop.commands.book.all(),
      save: (all) => folder.saveOrders(all),
    },
    loop,
    log,
  );
  given.keptBy(ofOrders.flush);
  if (drains === undefined) return ofOrders.end;
  const ofDrains = keep<readonly DrainNote[]>(
    {
      name: 'drains',
      before: drains,
      read: () => loop.endpoints.drainNotes(),
      save: (notes) => folder.saveDrains(notes),
    },
    loop,
    log,
  );
  return async () => {
    await Promise.all([ofOrders.end(), ofDrains.end()]);
  };
}
