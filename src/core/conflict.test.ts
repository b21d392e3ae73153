import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { container } from '../../test/kit/containers.ts';
import { settle } from './conflict.ts';

const claim = (n: number, createdAt: number) => {
  const { id, name } = container(n);
  return { endpoint: { id: `${id}/web/80-tcp-0`, createdAt, containerId: id, containerName: name } };
};

describe('a disputed key', () => {
  it('stays with the older container, and the others are told who has it', () => {
    const [young, old] = [claim(1, 20), claim(2, 10)];
    const contest = settle('/services/web/x', [young, old]);
    expect(contest?.winner).toBe(old);
    expect(contest?.losers).toMatchObject([
      {
        claim: young,
        reason: {
          code: 'key-collision',
          about: '/services/web/x',
          message: expect.stringContaining('c2 (000000000002)') as string,
        },
      },
    ]);
  });

  it('goes to the smaller id among containers of one age, in whatever order they come', () => {
    const claims = [claim(3, 5), claim(1, 5), claim(2, 5)];
    fc.assert(
      fc.property(fc.shuffledSubarray(claims, { minLength: 3 }), (order) => {
        const contest = settle('/k', order);
        expect(contest?.winner).toBe(claims[1]);
        expect(contest?.losers.map(({ claim }) => claim)).toEqual([claims[2], claims[0]]);
      }),
    );
  });

  it('is nobody’s when nobody claims it', () => {
    expect(settle('/k', [])).toBeUndefined();
  });
});
