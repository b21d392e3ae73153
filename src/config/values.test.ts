import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../core/duration.ts';
import { hideCredentials, parseRegistryUrl } from './registry-url.ts';
import { Secret } from './secret.ts';
import { machineName, neverLeased } from './values.ts';

describe('the name of a host', () => {
  it('is what can stand in a key and means nothing there', () => {
    for (const name of ['fury', 'web-1.example.org', 'A_1']) expect(machineName.parse(name)).toBe(name);
    for (const name of ['', '.', '..', 'a/b', 'a b', '-a', 'a.', 'é', 'a'.repeat(129)])
      expect(machineName.safeParse(name).success, name).toBe(false);
  });
});

describe('the expiry of a layout that never hangs on a lease', () => {
  const expiry = neverLeased('readers would look the lease up for each answer');

  it('is prune, and anything else is refused with the reason and the remedy', () => {
    expect([expiry.parse(undefined), expiry.parse('prune')]).toEqual(['prune', 'prune']);
    expect(expiry.safeParse('ttl').error?.issues).toMatchObject([
      {
        message: 'ttl is not possible here: readers would look the lease up for each answer',
        params: { remedy: 'leave it at prune' },
      },
    ]);
  });
});

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['15s', 15_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1500],
    ['2m5s10ms', 125_010],
    ['0s', 0],
  ])('%s is %d milliseconds', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(['', '5', 's', '-5s', '5 s', '5d', '1s1m', '1e3s', '5sm', '.5s'])('is not %j', (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it('is read back from how it is written', () => {
    fc.assert(
      fc.property(fc.nat(100_000_000), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe('a secret', () => {
  const secret = new Secret('hunter2');

  it('gives its value only when it is revealed', () => {
    expect(secret.reveal()).toBe('hunter2');
  });

  it('is not shown by text, JSON or inspection, alone or inside something', () => {
    const box = { list: [secret], nested: { secret } };
    const shown = [
      String(secret),
      secret.toString(),
      JSON.stringify(box),
      inspect(box, { depth: null, showHidden: true }),
      inspect(secret, { customInspect: false, showHidden: true }),
    ];
    expect(shown.join('\n')).not.toContain('hunter2');
    expect(shown[0]).toBe('***');
  });
});

describe('a registry URL', () => {
  it('hides everything that could be a password, even where the URL is malformed', () => {
    expect(hideCredentials('etcd://u:p@ss/w@rd@a:1')).toBe('etcd://***@a:1');
    expect(hideCredentials('u:p@a')).toBe('***@a');
    expect(hideCredentials('etcd://a:1,b:2')).toBe('etcd://a:1,b:2');
    expect(hideCredentials('etcds://[::1]:2379,[fd00::7],b:2/')).toBe('etcds://[::1]:2379,[fd00::7],b:2/');
    // As a variable with a blank in the password leaves it.
    expect(hideCredentials('etcd://user:hunter')).toBe('etcd://user:***');
    expect(hideCredentials('user:hunter')).toBe('user:***');
  });

  it.each([
    'etcd://',
    'etcd://a:0',
    'etcd://a:99999',
    'etcd://a/path',
    'etcd://a?x=1',
    'etcd://a,,b',
    'etcd://[::1',
    'etcd://:pw@a',
    'memory://x',
    'consul://a',
    'a:2379',
    '',
  ])('is not %j', (url) => {
    expect(parseRegistryUrl(url)).toHaveProperty('problem');
  });

  it('never gets its password into the URL that is shown or into a complaint', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z@/:,]{0,9}zq[a-z@/:,%]{0,9}$/),
        fc.constantFrom('a:1', 'a', '', ' '),
        (password, host) => {
          expect(JSON.stringify(parseRegistryUrl(`etcd://user:${password}@${host}`))).not.toContain('zq');
        },
      ),
    );
  });
});
