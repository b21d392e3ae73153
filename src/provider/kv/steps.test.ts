import { describe, expect, it } from 'vitest';
import type { Cause } from '../../core/cause.ts';
import type { Change } from '../../core/plan.ts';
import { halve, packUnits, phasesOf, type Step, stepOf, type Unit, weightOf } from './steps.ts';

const cause: Cause = { code: 'started', at: 0, explained: true };
const create = (key: string, group = key): Change => ({
  ...{ action: 'create', key, value: 'v', group, leased: false, entryRevision: undefined, cause },
});
const remove = (key: string, group = key): Change => ({
  ...{ action: 'delete', key, before: 'v', group, expected: '5', entryRevision: '4', cause },
});
const step = (change: Change): Step => stepOf(change, `/entry${change.key}`, '77');
const keysOf = (units: readonly Unit[]) => units.map((unit) => unit.map(({ change }) => change.key));

describe('a step', () => {
  it('creates only where neither record nor entry stands', () => {
    const { compares, then } = step(create('/a'));
    expect(compares).toEqual([
      { key: '/a', target: 'create', revision: '0' },
      { key: '/entry/a', target: 'mod', revision: '0' },
    ]);
    expect(then).toEqual([
      { type: 'put', key: '/a', value: 'v', lease: '0' },
      { type: 'put', key: '/entry/a', value: '/a', lease: '0' },
    ]);
  });

  it('creates over the left-over entry that was planned on', () => {
    const { compares } = step({ ...create('/a'), entryRevision: '9' } as Change);
    expect(compares[1]).toEqual({ key: '/entry/a', target: 'mod', revision: '9' });
  });

  it('deletes only the revisions that were planned on', () => {
    expect(step(remove('/a')).compares).toEqual([
      { key: '/a', target: 'mod', revision: '5' },
      { key: '/entry/a', target: 'mod', revision: '4' },
    ]);
    expect(step({ ...remove('/a'), entryRevision: undefined } as Change).compares).toHaveLength(1);
  });

  it('takes the entry along to a new lease', () => {
    const update: Change = {
      ...{ action: 'update', key: '/a', value: 'w', before: 'v', group: '/a', expected: '5', cause },
      ...{ leased: true, unhung: false },
    };
    expect(step(update).then).toMatchObject([{ lease: '77' }, { key: '/entry/a', lease: '77' }]);
    expect(step({ ...update, leased: false }).then).toMatchObject([{ lease: '0' }]);
  });

  it('takes the entry along off a lease, and puts one back under the lease of its record', () => {
    const common = { key: '/a', group: '/a', expected: '5', cause };
    const off = step({
      ...{ action: 'update', value: 'v', before: 'v', leased: false, unhung: true, ...common },
    });
    expect(off.then).toMatchObject([{ lease: '0' }, { key: '/entry/a', lease: '0' }]);
    const restored = step({ action: 'restore', leased: true, ...common });
    expect(restored.then).toMatchObject([{ key: '/entry/a', lease: '77' }]);
  });
});

describe('phases', () => {
  it('adds first, removes last, and keeps a mixed group together in between', () => {
    const changes = [remove('/old'), create('/x', 'mixed'), remove('/y', 'mixed'), create('/new')];
    expect(phasesOf(changes.map(step)).map(keysOf)).toEqual([[['/new']], [['/x', '/y']], [['/old']]]);
  });
});

describe('packing', () => {
  const group = (name: string, size: number): Unit =>
    Array.from({ length: size }, (_, n) => step(create(`/${name}${n}`, name)));

  it('never exceeds the limit and never takes a group apart that fits', () => {
    const batches = packUnits([group('a', 30), group('b', 30), group('c', 10)], 127);
    expect(batches.map((batch) => batch.map((unit) => unit.length))).toEqual([[30, 30], [10]]);
    for (const batch of batches) expect(weightOf(batch.flat())).toBeLessThanOrEqual(127);
  });

  it('cuts only a group that is larger than a transaction', () => {
    const batches = packUnits([group('a', 100)], 127);
    expect(batches.map((batch) => batch.flat().length)).toEqual([63, 37]);
  });
});

describe('halving', () => {
  it('goes between groups first, then through the last one, down to a single step', () => {
    const a = [step(create('/a1', 'a')), step(create('/a2', 'a'))];
    const b = [step(create('/b', 'b'))];
    expect(halve([a, b])).toEqual([[a], [b]]);
    expect(halve([a])).toEqual([[[a[0]]], [[a[1]]]]);
    expect(halve([b])).toBeUndefined();
  });
});
