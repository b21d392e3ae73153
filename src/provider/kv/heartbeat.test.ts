import { describe, expect, it } from 'vitest';
import { decodeHeartbeat, encodeHeartbeat } from './heartbeat.ts';
import { Names } from './names.ts';

const identity = { instance: 'i', name: 'n', addresses: ['192.0.2.1'], version: '1', since: 5 };
const at = (value: string) => ({
  ...{ key: '/portolan/hosts/o', value, lease: '7', createRevision: '1', modRevision: '1' },
});

describe('a heartbeat', () => {
  it('is read back as it was written, with the owner of its key and the lease it hangs on', () => {
    const value = encodeHeartbeat(identity, { lease: '6', ttlSeconds: 15, handover: false });
    expect(decodeHeartbeat(at(value))).toEqual({ ...identity, owner: 'o', lease: '7', handover: false });
  });

  it.each(['', 'x', '{}', '[]', 'null', '{"instance":""}', '{"instance":1}'])('is not %j', (value) => {
    expect(decodeHeartbeat(at(value))).toBeUndefined();
  });
});

describe('names', () => {
  it('end in a slash where they are prefixes, and one owner never catches another', () => {
    expect(new Names('web').ledger).toBe('/portolan/owners/web/');
    expect(new Names('web2').ledger.startsWith(new Names('web').ledger)).toBe(false);
  });

  it.each(['', '.', '..', 'a/b', 'a b'])('refuse the owner %j', (owner) => {
    expect(() => new Names(owner)).toThrow(/owner id/);
  });

  it('own no bookkeeping but their own drains', () => {
    const names = new Names('o');
    expect(names.mayOwn('/services/a')).toBe(true);
    expect(names.mayOwn('/portolan/hosts/o')).toBe(false);
    expect(names.mayOwn('/portolan/drains/o/x')).toBe(true);
    expect(names.mayOwn('/portolan/drains/other/x')).toBe(false);
  });
});
