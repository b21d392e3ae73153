import { createHash } from 'node:crypto';
import { WHOLE_HOST } from '../../core/drain-order.ts';
import { checkSegment } from '../../core/segment.ts';

const ROOT = '/portolan/';
/** Below it every owner's heartbeat. */
export const HOSTS_PREFIX = `${ROOT}hosts/`;
/** Below it what outlives each heartbeat: who it was and where. */
export const CARDS_PREFIX = `${ROOT}cards/`;
/** Below it which agent looks after an owner that is lost. */
export const JANITORS_PREFIX = `${ROOT}janitors/`;
/** Below it every process that feeds proxies, and what these say about drains by command. */
export const LISTENERS_PREFIX = `${ROOT}listeners/`;

/** Where an owner's bookkeeping stands. Every prefix ends with a slash, so that no owner's name catches another's. */
export class Names {
  readonly heartbeat: string;
  readonly card: string;
  readonly janitor: string;
  readonly ledger: string;
  readonly drains: string;

  constructor(owner: string) {
    const problem = checkSegment(owner);
    if (problem !== undefined) throw new Error(`the owner id ${problem}`);
    this.heartbeat = `${HOSTS_PREFIX}${owner}`;
    this.card = `${CARDS_PREFIX}${owner}`;
    this.janitor = `${JANITORS_PREFIX}${owner}`;
    this.ledger = `${ROOT}owners/${owner}/`;
    this.drains = drainsOf(owner);
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

/** The owner that the key of a heartbeat, a card or a janitor names. */
export function ownerOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}

/** Where an owner's order to drain its whole host stands. */
export function hostOrder(owner: string): string {
  return `${drainsOf(owner)}${WHOLE_HOST}`;
}

function drainsOf(owner: string): string {
  return `${ROOT}drains/${owner}/`;
}
