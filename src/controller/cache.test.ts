import { describe, expect, it } from 'vitest';
import type { Change } from '../core/plan.ts';
import type { PartialObservation } from '../core/ports.ts';
import type { ObservedRecord } from '../core/record.ts';
import { ObservedCache } from './cache.ts';

const record = (value: string, mod: string, create = mod) => ({
  value,
  modRevision: mod,
  createRevision: create,
  lease: '0',
});
const listed = (...records: ObservedRecord[]) => new Map(records.map((each) => [each.key, each]));
const nobody = () => false;
const wrote = (cache: ObservedCache, key: string, value: string, revision: string): void => {
  const seen: PartialObservation[] = [
    { key, revision, record: record(value, revision), entry: { modRevision: revision, lease: '0' } },
  ];
  cache.merge(seen, 0, () => true);
  const change = {
    action: 'create',
    key,
    value,
    group: key,
    leased: false,
    entryRevision: undefined,
    cause: { code: 'started', at: 0, explained: true },
  } satisfies Change;
  cache.applied({ change, outcome: { type: 'settled', revision }, seen });
};

describe('the observed side', () => {
  it('is unknown until the first list', () => {
    const cache = new ObservedCache();
    expect(cache.known).toBe(false);
    cache.replace(listed(), '1', 0);
    expect(cache.known).toBe(true);
  });

  it('tells what a list found different from what was believed', () => {
    const cache = new ObservedCache();
    const one = { key: 'a', record: record('v', '2'), entry: { modRevision: '2', lease: '0' } };
    expect(cache.replace(listed(one), '2', 0)).toEqual(['a']);
    expect(cache.replace(listed(one), '3', 0)).toEqual([]);
    expect(cache.replace(listed(), '4', 0)).toEqual(['a']);
    expect(cache.owned).toBe(0);
  });

  it('keeps our own write when a list that began before it arrives late', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '9');
    expect(cache.replace(listed(), '8', 0)).toEqual([]);
    expect(cache.get('a')?.record?.value).toBe('v');
  });

  it('ignores a watch event that is older than what is known', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '9');
    expect(cache.merge([{ key: 'a', revision: '7', record: null }], 0, nobody)).toEqual([]);
    expect(cache.merge([{ key: 'a', revision: '10', record: null }], 0, nobody)).toEqual(['a']);
    expect(cache.get('a')).toMatchObject({ record: undefined, entry: { modRevision: '9' } });
  });

  it('does not mix up the ages of a record and of its ledger entry', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '5');
    cache.merge([{ key: 'a', revision: '7', entry: null }], 0, nobody);
    expect(cache.merge([{ key: 'a', revision: '6', record: record('w', '6', '5') }], 0, nobody)).toEqual([
      'a',
    ]);
  });

  it('calls a key contested after three alterations by others within a minute, and not by our own echo', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '1');
    cache.merge([{ key: 'a', revision: '2', record: record('mine', '2', '1') }], 0, () => true);
    for (const [i, at] of [0, 70_000, 80_000].entries())
      cache.merge(
        [{ key: 'a', revision: String(3 + i), record: record(`x${String(i)}`, String(3 + i), '1') }],
        at,
        nobody,
      );
    expect(cache.contested('a', 80_000)).toBe(false);
    cache.merge([{ key: 'a', revision: '6', record: record('y', '6', '1') }], 90_000, nobody);
    expect(cache.contested('a', 90_000)).toBe(true);
    expect(cache.contested('a', 160_000)).toBe(false);
  });

  it('remembers the lease of a record that is gone, until it is there again or was withdrawn', () => {
    const cache = new ObservedCache();
    const leased = { ...record('v', '2'), lease: '77' };
    const one = { key: 'a', record: leased, entry: { modRevision: '2', lease: '77' } };
    cache.replace(listed(one), '2', 0);
    cache.merge([{ key: 'a', revision: '3', record: null }], 0, nobody);
    expect(cache.lostLease('a')).toBe('77');
    wrote(cache, 'a', 'v', '4');
    expect(cache.lostLease('a')).toBeUndefined();
    cache.replace(listed({ ...one, record: { ...leased, modRevision: '5' } }), '5', 0);
    cache.replace(listed(), '6', 0);
    expect(cache.lostLease('a')).toBe('77');
    cache.forget();
    expect(cache.lostLease('a')).toBeUndefined();
  });

  it('takes a record for its own that was written with its entry, and another lease for an alteration', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '1');
    const moved = { ...record('v', '2', '1'), lease: '77' };
    cache.merge(
      [{ key: 'a', revision: '2', record: moved, entry: { modRevision: '2', lease: '77' } }],
      0,
      nobody,
    );
    expect([cache.isAsWritten('a'), cache.lastWritten('a')]).toEqual([true, '2']);
    for (const revision of ['3', '5', '7']) {
      cache.merge([{ key: 'a', revision, record: record('v', revision, '1') }], 0, nobody);
      expect(cache.isAsWritten('a')).toBe(false);
      const back = String(Number(revision) + 1);
      cache.merge([{ key: 'a', revision: back, record: { ...moved, modRevision: back } }], 0, () => true);
    }
    expect(cache.contested('a', 0)).toBe(true);
  });

  it('counts what this owner holds', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '1');
    wrote(cache, 'b', 'v', '2');
    cache.merge([{ key: 'c', revision: '3', record: record('theirs', '3') }], 0, nobody);
    expect([cache.owned, cache.isOwned('a'), cache.isOwned('c')]).toEqual([2, true, false]);
    cache.merge([{ key: 'a', revision: '4', record: null, entry: null }], 0, nobody);
    expect(cache.owned).toBe(1);
  });

  it('forgets what it wrote when the registry turns out to be another one', () => {
    const cache = new ObservedCache();
    wrote(cache, 'a', 'v', '9');
    cache.forget();
    expect(cache.lastWritten('a')).toBeUndefined();
    cache.replace(listed({ key: 'a', record: record('v', '3'), entry: undefined }), '3', 0);
    expect(cache.isOwned('a')).toBe(false);
  });
});
