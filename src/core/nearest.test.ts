import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nearest } from './nearest.ts';
import { printable } from './printable.ts';

describe('the nearest right word', () => {
  it.each([
    ['resinc', 'resync'],
    ['POLICY', 'policy'],
    ['polciy', 'policy'],
    ['handovr', 'handover'],
    ['x', undefined],
    ['something', undefined],
  ])('of %s is %s', (word, expected) => {
    expect(nearest(word, ['resync', 'policy', 'handover'])).toBe(expected);
  });

  it('of a right word is the word itself', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z]{1,20}$/),
        fc.array(fc.stringMatching(/^[a-z]{1,20}$/)),
        (word, others) => {
          expect(nearest(word, [...others, word])).toBe(word);
        },
      ),
    );
  });

  it('comes quickly even when the word is very long', () => {
    expect(nearest('a'.repeat(1_000_000), ['a', 'policy'])).toBeUndefined();
  });
});

describe('printable text', () => {
  it('writes out what could move the cursor, colour the screen or turn the direction', () => {
    expect(printable('a\u001b[2Jb\u009bc\u202ed\n\u0007')).toBe('a\\x1b[2Jb\\x9bc\\u202ed\\x0a\\x07');
  });

  it('leaves letters of every language alone', () => {
    expect(printable('größe 港口 🚢')).toBe('größe 港口 🚢');
  });
});
