import { expect, it } from 'vitest';
import { denied } from './permissions.ts';

it('what has to be granted is named by the prefixes of the settings, else by the first part of the key', () => {
  const prefixes = ['/prod/services/', '/announce/'];
  const message = (reads: readonly string[], writes?: readonly string[]) =>
    /needs (.*)\)$/.exec(denied({ reads, ...(writes && { writes }) }, prefixes).message)?.[1];
  expect(message(['/portolan/hosts/me'])).toBe('read on the prefix /portolan/');
  expect(message(['/prod/services/a/b', '/portolan/owners/me/x'], ['/prod/services/a/b'])).toBe(
    'read on the prefix /portolan/, readwrite on the prefix /prod/services/',
  );
  expect(message(['x'], ['/announce/a'])).toBe('readwrite on the prefix /announce/, read on the prefix x');
});
