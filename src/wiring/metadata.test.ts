import { describe, expect, it } from 'vitest';
import { type Given, good } from '../../test/kit/config.ts';
import { layoutsOf } from './metadata.ts';

const leased = (given: Given): Readonly<Record<string, boolean>> =>
  Object.fromEntries(layoutsOf(good(given).config).map((layout) => [layout.name, layout.leased]));

describe('the expiry of records', () => {
  it('is prune unless somebody says otherwise', () => {
    expect(leased({})).toEqual({ services: false, announce: false, hosts: false });
  });

  it('is chosen as a whole, and for each layout by itself', () => {
    expect(leased({ flags: { expiry: 'ttl' } })).toEqual({ services: true, announce: true, hosts: true });
    expect(leased({ yaml: 'expiry: ttl\nlayouts: { services: { expiry: prune } }' })).toEqual({
      ...{ services: false, announce: true, hosts: true },
    });
    expect(leased({ env: { PORTOLAN_LAYOUTS_ANNOUNCE_EXPIRY: 'ttl' } })).toEqual({
      ...{ services: false, announce: true, hosts: false },
    });
  });
});
