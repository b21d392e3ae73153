import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { familyOf, hostAndPort, isLoopback, isWildcard } from './ip.ts';

const nodeFamily = (text: string) => ({ 0: undefined, 4: 'ipv4', 6: 'ipv6' })[isIP(text)];

describe('IP literals', () => {
  it('are told apart as Node tells them apart', () => {
    const known = [
      '10.0.0.1',
      '256.1.1.1',
      '01.2.3.4',
      '1.2.3',
      '::',
      '::1',
      'fd00::1',
      '1::2::3',
      ':1',
      '1:',
      ':::',
    ];
    const more = [
      '::ffff:10.0.0.1',
      '1:2:3:4:5:6:7:8',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1.2.3.4::',
      '',
      '::1.2.3',
    ];
    for (const text of [...known, ...more]) expect([text, familyOf(text)]).toEqual([text, nodeFamily(text)]);
    fc.assert(fc.property(fc.ipV4(), (text) => familyOf(text) === 'ipv4'));
    fc.assert(fc.property(fc.ipV6(), (text) => familyOf(text) === nodeFamily(text)));
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-f:.]{0,20}$/), (text) => familyOf(text) === nodeFamily(text)),
    );
  });

  it('know loopback in every spelling', () => {
    for (const text of [
      '127.0.0.1',
      '127.255.0.9',
      '::1',
      '0:0:0:0:0:0:0:1',
      '::ffff:127.0.0.1',
      '::ffff:7f00:1',
    ])
      expect([text, isLoopback(text)]).toEqual([text, true]);
    for (const text of ['128.0.0.1', '::2', 'fd00::1', '::', '1::1', '::ffff:10.0.0.1', 'localhost', ''])
      expect([text, isLoopback(text)]).toEqual([text, false]);
  });

  it('know the wildcard of both families', () => {
    for (const text of ['0.0.0.0', '::', '0::0']) expect(isWildcard(text)).toBe(true);
    for (const text of ['0.0.0.1', '::1', '', 'any']) expect(isWildcard(text)).toBe(false);
  });

  it('put IPv6 between brackets before a port', () => {
    expect(hostAndPort('10.0.0.1', 80)).toBe('10.0.0.1:80');
    expect(hostAndPort('fd00::1', 80)).toBe('[fd00::1]:80');
  });
});
