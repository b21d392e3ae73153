import { z } from 'zod';
import type { DrainNote } from './lifecycle.ts';

const schema = z.object({
  cause: z.enum(['stop-signal', 'unhealthy', 'command']),
  since: z.number(),
  until: z.number().optional(),
  startedAt: z.string().optional(),
  // Notes of before this was remembered were written for endpoints in rotation.
  offered: z.boolean().default(true),
});

/** Reads a remembered drain from parsed JSON; undefined for what is none. */
export function parseDrainNote(endpoint: string, json: unknown): DrainNote | undefined {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const { cause, since, until, startedAt, offered } = parsed.data;
  return { endpoint, cause, since, until, startedAt, offered };
}
