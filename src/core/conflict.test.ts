import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePrecedence } from './conflict.ts';

describe('a disputed key', () => {
  it('stays with the older container', () => {
    const [young, old] = [
      { group: 'a', createdAt: 20 },
      { group: 'b', createdAt: 10 },
    ];
    expect([young, old].sort(comparePrecedence)).toEqual([old, young]);
  });

  it('goes to the smaller id among containers of one age, in whatever order they come', () => {
    const claims = ['c', 'a', 'b'].map((group) => ({ group, createdAt: 5 }));
    fc.assert(
      fc.property(fc.shuffledSubarray(claims, { minLength: 3 }), (order) => {
        expect(order.toSorted(comparePrecedence).map(({ group }) => group)).toEqual(['a', 'b', 'c']);
      }),
    );
  });
});
