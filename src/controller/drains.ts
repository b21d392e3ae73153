import { parseDrainNote } from '../core/drain-note.ts';
import { type DrainOrder, parseDrainOrder } from '../core/drain-order.ts';
import type { Phase } from '../core/endpoint.ts';
import { parseJson } from '../core/json.ts';
import type { KeyValue } from '../core/layout.ts';
import type { DrainNote } from '../core/lifecycle.ts';

/** Below this prefix an owner's drains are remembered; each is an ordinary record of its own. */
function drainPrefix(owner: string): string {
  return `/portolan/drains/${owner}/`;
}

export function noteOf(endpoint: string, phase: Phase): DrainNote {
  return {
    endpoint,
    cause: phase.cause ?? 'command',
    since: phase.since,
    until: phase.until,
    startedAt: phase.startedAt,
    offered: phase.offered,
  };
}

/** A drain by command that began in rotation, though this process did not see it there; undefined where that changes nothing. */
export function noteOfRotation(endpoint: string, phase: Phase): DrainNote | undefined {
  if (phase.cause !== 'command' || phase.offered) return undefined;
  return { ...noteOf(endpoint, phase), offered: true };
}

/** An endpoint's id begins with its container's. */
export function containerOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.indexOf('/'));
}

export function drainRecord(owner: string, endpoint: string, phase: Phase): KeyValue {
  const { cause, since, until, startedAt, offered } = noteOf(endpoint, phase);
  return {
    key: `${drainPrefix(owner)}${endpoint}`,
    value: JSON.stringify({ cause, since, until, startedAt, offered }),
  };
}

/** An order stands beside the notes of the endpoints; its name has no slash, and theirs have. */
export function orderKey(owner: string, subject: string): string {
  return `${drainPrefix(owner)}${subject}`;
}

export function orderRecord(owner: string, { subject, drained, at }: DrainOrder): KeyValue {
  return { key: orderKey(owner, subject), value: JSON.stringify({ drained, at }) };
}

/** Reads an order back; undefined for a key or value that is none. */
export function readOrder(owner: string, key: string, value: string): DrainOrder | undefined {
  const subject = key.startsWith(drainPrefix(owner)) ? key.slice(drainPrefix(owner).length) : '/';
  if (subject.includes('/')) return undefined;
  return parseDrainOrder(subject, parseJson(value));
}

/** Reads a drain back; undefined for a key or value that is none (somebody's rubbish is not a reason to fail). */
export function readDrain(owner: string, key: string, value: string): DrainNote | undefined {
  if (!key.startsWith(drainPrefix(owner))) return undefined;
  return parseDrainNote(key.slice(drainPrefix(owner).length), parseJson(value));
}
