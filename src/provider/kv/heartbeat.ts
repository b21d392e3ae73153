import { z } from 'zod';
import type { HostEntry } from '../../core/ports.ts';
import { ownerOf } from './names.ts';
import type { KeyValue } from './store.ts';

/** What an agent tells about itself in its heartbeat; read at each beat, for addresses may change. */
export interface Identity {
  /** New with every start of an agent. */
  readonly instance: string;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly version: string;
  /** Epoch milliseconds of the agent's start. */
  readonly since: number;
}

const heartbeat = z.object({
  instance: z.string().min(1),
  name: z.string(),
  addresses: z.array(z.string()),
  version: z.string(),
  since: z.number(),
  handover: z.boolean().default(false),
});

export interface HeartbeatTerms {
  readonly lease: string;
  readonly ttlSeconds: number;
  readonly handover: boolean;
}

export function encodeHeartbeat(identity: Identity, { lease, ttlSeconds, handover }: HeartbeatTerms): string {
  const { instance, name, addresses, version, since } = identity;
  return JSON.stringify({ instance, name, addresses, version, since, lease, ttl: ttlSeconds, handover });
}

/** undefined when the value is no heartbeat. The lease is the one that the key really hangs on. */
export function decodeHeartbeat({ key, value, lease }: KeyValue): HostEntry | undefined {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return undefined;
  }
  const parsed = heartbeat.safeParse(json);
  return parsed.success ? { ...parsed.data, owner: ownerOf(key), lease } : undefined;
}
