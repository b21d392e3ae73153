import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostCheck } from './host-check.ts';

describe('the Host check', () => {
  const allowed = hostCheck(['10.0.0.5', 'status.example']);

  it.each([
    'localhost',
    'localhost:7979',
    'LOCALHOST',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:7979',
    '10.0.0.5:80',
    'status.example',
  ])('lets %s in', (host) => {
    expect(allowed(host)).toBe(true);
  });

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    'evil.example:7979',
    '127.0.0.1.evil.example',
    'localhost:80:80',
    'localhost, evil',
    'xlocalhost',
    '127.0.0.2',
  ])('keeps %s out', (host) => {
    expect(allowed(host)).toBe(false);
  });

  it('keeps out every name that was not allowed, and never throws', () => {
    fc.assert(
      fc.property(fc.string(), (host) => {
        const bare = host.trim().toLowerCase().replace(/:\d*$/, '');
        const known = ['localhost', '127.0.0.1', '[::1]', '::1', '10.0.0.5', 'status.example'];
        if (!known.includes(bare)) expect(allowed(host)).toBe(false);
      }),
    );
  });
});
