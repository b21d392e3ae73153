import { describe, expect, it } from 'vitest';
import { addressesOf, judgeLost, type LostFacts, portsOf } from './lost-host.ts';
import type { FleetHost } from './ports.ts';

const card = {
  ...{ owner: 'gone', instance: 'i', name: 'gone', addresses: ['10.0.0.1'], version: '1', since: 0 },
  revision: '7',
};
const host: FleetHost = { owner: 'gone', attended: false, heartbeat: undefined, card, janitor: undefined };
const judge = (facts: Partial<LostFacts>) =>
  judgeLost({ host, absentMs: 30_000, graceMs: 30_000, policy: 'sync', self: 'here', ...facts });
const record = (value: string) => ({
  record: { value, createRevision: '1', modRevision: '1', lease: '0' },
});

describe('a host without a heartbeat', () => {
  it('is looked at when the grace is over, not before', () => {
    expect(judge({ absentMs: 29_999 })).toMatchObject({ type: 'wait', ms: 1 });
    expect(judge({})).toEqual({ type: 'look' });
  });

  it('is left alone with a grace of 0, where nothing may be removed, and where nobody knows its addresses', () => {
    for (const facts of [
      { graceMs: 0 },
      { policy: 'create-only' as const },
      { host: { ...host, card: { ...card, addresses: ['example.org', '0.0.0.0', ''] } } },
    ])
      expect(judge(facts).type).toBe('leave');
  });

  it('is left to the agent that looks after it, unless that is this one', () => {
    const claimed = (owner: string) => ({ ...host, janitor: { owner, finding: 'looking' as const } });
    expect(judge({ host: claimed('other') }).type).toBe('others');
    expect(judge({ host: claimed('here') })).toEqual({ type: 'look' });
  });

  it('is asked at few addresses, all of them literal', () => {
    const addresses = ['10.0.0.1', '10.0.0.1', 'evil.example', 'fd00::1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
    expect(addressesOf({ ...host, card: { ...card, addresses } })).toEqual([
      '10.0.0.1',
      'fd00::1',
      '10.0.0.2',
      '10.0.0.3',
    ]);
  });

  it('is asked at the well-known ports and at few of those that it published', () => {
    const values = [
      'not JSON',
      '{"EXT_PORT":"8080"}',
      '{"EXT_PORT":"8080"}',
      '{"EXT_PORT":"99999"}',
      '{"EXT_PORT":9}',
    ];
    expect(portsOf(values.map(record))).toEqual([22, 80, 443, 8080, 9]);
    const many = Array.from({ length: 100 }, (_, n) => record(`{"EXT_PORT":"${String(n + 1000)}"}`));
    expect(portsOf([{ record: undefined }, ...many])).toHaveLength(8);
  });
});
