import { describe, expect, it } from 'vitest';
import { TestLoop } from '../../test/kit/loop.ts';
import { seen } from '../../test/kit/loop-script.ts';
import type { MemberAssembly } from './members.ts';
import { Member, Members } from './members.ts';
import { unheard } from './several-proxies.ts';

describe('an embedded registry that proxies follow', () => {
  it('is complete when every engine has said what it offers, and not while one is unknown', async () => {
    const near = new TestLoop();
    const members = new Members([new Member('near'), new Member('far')]);
    const [first, second] = members.all;
    if (first === undefined || second === undefined) throw new Error('no members');
    const names = () => unheard(members).map(({ name }) => name);
    expect(names()).toEqual(['near', 'far']);
    members.joined(first, assemblyOf(near));
    await near.listed(seen(1));
    expect(names()).toEqual(['far']);
    // It cannot be used: what it offers is no better known.
    members.failed(second, 'no certificate');
    expect(names()).toEqual(['far']);
    const far = new TestLoop();
    members.joined(second, assemblyOf(far));
    expect(names()).toEqual(['far']);
    await far.listed();
    expect(names()).toEqual([]);
    await Promise.all([near.end(), far.end()]);
  });
});

function assemblyOf({ loop }: TestLoop): MemberAssembly {
  return { loop } as MemberAssembly;
}
