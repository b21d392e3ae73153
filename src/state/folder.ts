import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseDrainNote } from '../core/drain-note.ts';
import { type DrainOrder, parseDrainOrder } from '../core/drain-order.ts';
import type { DrainNote } from '../core/lifecycle.ts';

const Life = z.object({ instance: z.string(), boot: z.string() });
const Lives = z.array(Life);
const Orders = z.array(z.looseObject({ subject: z.string() }));
const Drains = z.array(z.looseObject({ endpoint: z.string() }));

/** One process that ran on this folder, and the boot of the machine that it ran in. */
export type Life = z.infer<typeof Life>;

/** Enough to recognise the heartbeat of any predecessor that can still be in a registry. */
const LIVES_KEPT = 20;

/**
 * What an agent remembers between two processes: the owner id, which instances ran here, what was drained by
 * command, and the drains of an embedded registry. Unreadable or damaged files count as absent, except the owner id: guessing that would orphan every record.
 */
export class StateFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async prepare(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o750 });
  }

  async ownerId(): Promise<string | undefined> {
    try {
      return (await readFile(join(this.path, 'owner'), 'utf8')).trim() || undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async saveOwnerId(owner: string): Promise<void> {
    await this.#write('owner', `${owner}\n`);
  }

  async lives(): Promise<readonly Life[]> {
    return (await this.#read('instances.json', Lives)) ?? [];
  }

  async beginLife(life: Life): Promise<void> {
    await this.#write('instances.json', JSON.stringify([...(await this.lives()), life].slice(-LIVES_KEPT)));
  }

  async drains(): Promise<readonly DrainNote[]> {
    const notes = (await this.#read('drains.json', Drains)) ?? [];
    return notes.map((note) => parseDrainNote(note.endpoint, note)).filter((note) => note !== undefined);
  }

  async saveDrains(notes: readonly DrainNote[]): Promise<void> {
    await this.#write('drains.json', JSON.stringify(notes));
  }

  async orders(): Promise<readonly DrainOrder[]> {
    const orders = (await this.#read('orders.json', Orders)) ?? [];
    return orders
      .map((order) => parseDrainOrder(order.subject, order))
      .filter((order) => order !== undefined);
  }

  async saveOrders(orders: readonly DrainOrder[]): Promise<void> {
    await this.#write('orders.json', JSON.stringify(orders));
  }

  async #read<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined> {
    try {
      return schema.parse(JSON.parse(await readFile(join(this.path, name), 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** A reader sees the old or the new file, never half of one, also after a power cut. */
  async #write(name: string, text: string): Promise<void> {
    const temporary = join(this.path, `.${name}.new`);
    const file = await open(temporary, 'w', 0o640);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(this.path, name));
  }
}
