import { z } from 'zod';

/** The subject of an order that is meant for every container of the host; no container's id looks like it. */
export const WHOLE_HOST = 'host';

/** The last word about one subject: drained, or no longer drained, since `at` (epoch ms). */
export interface DrainOrder {
  /** A container's id, or `WHOLE_HOST`. */
  readonly subject: string;
  readonly drained: boolean;
  readonly at: number;
  /** The end of a drain that every registry knew: a later process need not tell it again. Kept in the state folder only. */
  readonly settled?: boolean | undefined;
}

const schema = z.object({ drained: z.boolean(), at: z.number(), settled: z.boolean().optional() });

/** Reads an order from parsed JSON; undefined for what is none. */
export function parseDrainOrder(subject: string, json: unknown): DrainOrder | undefined {
  const parsed = schema.safeParse(json);
  return parsed.success ? { subject, ...parsed.data } : undefined;
}
