import type { Change } from '../../core/plan.ts';
import type { PartialObservation } from '../../core/ports.ts';
import type { Revision } from '../../core/record.ts';
import { entryOf, recordOf } from './interest.ts';
import type { Compare, KeyValue, Operation } from './store.ts';

/** One change as its part of a transaction. */
export interface Step {
  readonly change: Change;
  readonly entryKey: string;
  readonly compares: readonly Compare[];
  readonly then: readonly Operation[];
  /** What it takes of a transaction's limit. */
  readonly weight: number;
}

/** Changes that move together where they fit into one transaction. */
export type Unit = readonly Step[];

export function stepOf(change: Change, entryKey: string, lease: string): Step {
  const { compares, then } = partsOf(change, entryKey, 'leased' in change && change.leased ? lease : '0');
  // A failed compare reads record and entry, so no step weighs less than two.
  return { change, entryKey, compares, then, weight: Math.max(2, compares.length, then.length) };
}

const mod = (key: string, revision: Revision | undefined): Compare => ({
  key,
  target: 'mod',
  revision: revision ?? '0',
});

function partsOf(change: Change, entryKey: string, lease: string): Pick<Step, 'compares' | 'then'> {
  const { key } = change;
  const putEntry: Operation = { type: 'put', key: entryKey, value: key, lease };
  const dropEntry: Operation = { type: 'delete', key: entryKey };
  switch (change.action) {
    case 'create':
      return {
        compares: [{ key, target: 'create', revision: '0' }, mod(entryKey, change.entryRevision)],
        then: [{ type: 'put', key, value: change.value, lease }, putEntry],
      };
    case 'update': {
      const put: Operation = { type: 'put', key, value: change.value, lease, previous: true };
      return { compares: [mod(key, change.expected)], then: withEntry(change) ? [put, putEntry] : [put] };
    }
    case 'delete': {
      const entry = change.entryRevision === undefined ? [] : [mod(entryKey, change.entryRevision)];
      return { compares: [mod(key, change.expected), ...entry], then: [{ type: 'delete', key }, dropEntry] };
    }
    case 'forget':
      return {
        compares: [mod(key, change.expected), mod(entryKey, change.entryRevision)],
        then: [dropEntry],
      };
    case 'restore':
      return { compares: [mod(key, change.expected), mod(entryKey, undefined)], then: [putEntry] };
  }
}

/** Under another lease than before the entry must come along, or it would go with the old one. */
function withEntry({ leased, unhung }: Change & { action: 'update' }): boolean {
  return leased || unhung;
}

function rankOf(unit: Unit): number {
  const removes = unit.filter(
    ({ change }) => change.action === 'delete' || change.action === 'forget',
  ).length;
  if (removes === 0) return 0;
  return removes < unit.length ? 1 : 2;
}

/** Groups in three phases, one after the other: what only adds or changes, what does both, what only removes. */
export function phasesOf(steps: readonly Step[]): readonly (readonly Unit[])[] {
  const groups = new Map<string, Step[]>();
  for (const step of steps) {
    const group = groups.get(step.change.group);
    if (group === undefined) groups.set(step.change.group, [step]);
    else group.push(step);
  }
  const phases: [Unit[], Unit[], Unit[]] = [[], [], []];
  for (const unit of groups.values()) phases[rankOf(unit)]?.push(unit);
  return phases.filter((phase) => phase.length > 0);
}

/** Fills transactions up to the limit without taking a group apart, unless it does not fit by itself. */
export function packUnits(units: readonly Unit[], limit: number): readonly (readonly Unit[])[] {
  const batches: Unit[][] = [];
  let room = 0;
  for (const unit of units.flatMap((whole) => cut(whole, limit))) {
    const weight = weightOf(unit);
    const open = batches.at(-1);
    if (open !== undefined && weight <= room) {
      open.push(unit);
      room -= weight;
    } else {
      batches.push([unit]);
      room = limit - weight;
    }
  }
  return batches;
}

function cut(unit: Unit, limit: number): readonly Unit[] {
  if (weightOf(unit) <= limit) return [unit];
  const parts: Step[][] = [];
  let room = 0;
  for (const step of unit) {
    const open = parts.at(-1);
    if (open !== undefined && step.weight <= room) {
      open.push(step);
      room -= step.weight;
    } else {
      parts.push([step]);
      room = limit - step.weight;
    }
  }
  return parts;
}

export function weightOf(unit: Unit): number {
  return unit.reduce((sum, { weight }) => sum + weight, 0);
}

/** Two halves of a batch, between groups if there are several; undefined when it is a single step. */
export function halve(batch: readonly Unit[]): readonly (readonly Unit[])[] | undefined {
  const [only] = batch;
  if (only === undefined) return undefined;
  if (batch.length > 1) {
    const middle = batch.length >> 1;
    return [batch.slice(0, middle), batch.slice(middle)];
  }
  if (only.length < 2) return undefined;
  const middle = only.length >> 1;
  return [[only.slice(0, middle)], [only.slice(middle)]];
}

/** What a step that succeeded at `revision` left behind. */
export function seenAfter(
  { change }: Step,
  revision: Revision,
  lease: string,
  previous: KeyValue | undefined,
): readonly PartialObservation[] {
  const { key } = change;
  const hung = 'leased' in change && change.leased ? lease : '0';
  const entry = { modRevision: revision, lease: hung };
  switch (change.action) {
    case 'create':
    case 'update': {
      const { value } = change;
      const createRevision = change.action === 'create' ? revision : previous?.createRevision;
      if (createRevision === undefined) throw new Error(`an update of nothing at ${key}`);
      const record = { value, createRevision, modRevision: revision, lease: hung };
      const both = change.action === 'create' || withEntry(change);
      return [{ key, revision, record, ...(both ? { entry } : {}) }];
    }
    case 'delete':
      return [{ key, revision, record: null, entry: null }];
    case 'forget':
      return [{ key, revision, entry: null }];
    case 'restore':
      return [{ key, revision, entry }];
  }
}

/** What a failed transaction read at the step's keys. */
export function seenInstead(
  { change, entryKey }: Step,
  revision: Revision,
  found: ReadonlyMap<string, KeyValue>,
): readonly PartialObservation[] {
  const { key } = change;
  const record = found.get(key);
  const entry = found.get(entryKey);
  return [
    {
      key,
      revision,
      record: record === undefined ? null : recordOf(record),
      entry: entry === undefined ? null : entryOf(entry),
    },
  ];
}

/** Whether the step's compares hold against what was read. */
export function holds({ compares }: Step, found: ReadonlyMap<string, KeyValue>): boolean {
  return compares.every(({ key, target, revision }) => {
    const entry = found.get(key);
    return ((target === 'create' ? entry?.createRevision : entry?.modRevision) ?? '0') === revision;
  });
}
