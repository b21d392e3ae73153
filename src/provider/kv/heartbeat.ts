import { z } from 'zod';
import { parseJson } from '../../core/json.ts';
import type { HostCard, HostEntry, JanitorClaim } from '../../core/ports.ts';
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

const card = z.object({
  instance: z.string().min(1),
  name: z.string(),
  addresses: z.array(z.string()),
  version: z.string(),
  since: z.number(),
});
const heartbeat = card.extend({ handover: z.boolean().default(false) });

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
  const parsed = heartbeat.safeParse(parseJson(value));
  return parsed.success ? { ...parsed.data, owner: ownerOf(key), lease } : undefined;
}

/** What outlives the heartbeat, so that agents which never saw it know whom they miss and where to look for it. */
export function encodeCard({ instance, name, addresses, version, since }: Identity): string {
  return JSON.stringify({ instance, name, addresses, version, since });
}

/** A card that nobody can read still tells that there was a host, but not where. */
export function decodeCard({ key, value, modRevision: revision }: KeyValue): HostCard {
  const parsed = card.safeParse(parseJson(value));
  const said = parsed.success
    ? parsed.data
    : { instance: '', name: '', addresses: [], version: '', since: 0 };
  return { ...said, owner: ownerOf(key), revision };
}

const claim = z.object({ owner: z.string(), finding: z.enum(['looking', 'unattended']).catch('looking') });

/** Who looks after a lost host, and what that agent has found. */
export function encodeClaim({ owner, finding }: JanitorClaim): string {
  return JSON.stringify({ owner, finding });
}

/** Whatever stands there keeps others away, even if nobody can read who it is. */
export function decodeClaim({ value }: Pick<KeyValue, 'value'>): JanitorClaim {
  const parsed = claim.safeParse(parseJson(value));
  return parsed.success ? parsed.data : { owner: '', finding: 'looking' };
}
