import { describe, expect, it } from 'vitest';
import { quoteLabel, withoutValue } from './secretive.ts';

describe('values inside messages', () => {
  it.each([
    'https://user:pass@host/path',
    '-----BEGIN PRIVATE KEY-----',
    'password=abc',
    'API_KEY: abc',
    '{"token":"abc"}',
    'Bearer abc',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.x',
    'ghp_0123456789abcdef0123456789',
    'AKIAIOSFODNN7EXAMPLE',
    'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY',
  ])('of labels are hidden where they look like a secret: %s', (text) => {
    expect(quoteLabel(text)).toBe('"***"');
  });

  it.each([
    '99999',
    'HTPP',
    'internal/app/dev/web',
    '/a//b',
    'shop.example.com',
    'a b',
    '',
    'token',
    '8080,9090',
  ])('of labels are quoted else: %s', (text) => {
    expect(quoteLabel(text)).toBe(`"${text}"`);
  });

  it('of variables are never shown', () => {
    expect(['', 'x', 'hunter2'].map(withoutValue)).toEqual([
      'an empty text',
      'a text of 1 character',
      'a text of 7 characters',
    ]);
  });
});
