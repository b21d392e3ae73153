import { createHash } from 'node:crypto';
import { checkSegment } from '../../core/segment.ts';

const ROOT = '/portolan/';
/** Below it every owner's heartbeat. */
export const HOSTS_PREFIX = `${ROOT}hosts/`;

/** Where an owner's bookkeeping stands. Every prefix ends with a slash, so that no owner's name catches another's. */
export class Names {
  readonly heartbeat: string;
  readonly ledger: string;
  readonly drains: string;

  constructor(owner: string) {
    const problem = checkSegment(owner);
    if (problem !== undefined) throw new Error(`the owner id ${problem}`);
    this.heartbeat = `${HOSTS_PREFIX}${owner}`;
    this.ledger = `${ROOT}owners/${owner}/`;
    this.drains = `${ROOT}drains/${owner}/`;
  }

  /** The ledger entry of a record: named by a hash, because a key may be long and has slashes. */
  entry(key: string): string {
    return `${this.ledger}${createHash('sha256').update(key).digest('hex').slice(0, 40)}`;
  }

  /** Whether a ledger entry may speak for this key: the bookkeeping itself is nobody's record, except our drains. */
  mayOwn(key: string): boolean {
    return !key.startsWith(ROOT) || key.startsWith(this.drains);
  }
}

/** The owner that a heartbeat's key names. */
export function ownerOf(heartbeat: string): string {
  return heartbeat.slice(HOSTS_PREFIX.length);
}
