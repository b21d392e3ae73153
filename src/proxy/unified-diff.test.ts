import { describe, expect, it } from 'vitest';
import { unifiedDiff } from './unified-diff.ts';

const lines = (count: number, letter: string): string =>
  Array.from({ length: count }, (_, n) => `${letter}${String(n)}\n`).join('');

describe('the unified diff of a file', () => {
  it('shows what changes with three lines around', () => {
    const before = lines(9, 'a');
    expect(unifiedDiff('maps/x.map', before, before.replace('a5', 'b'))).toBe(
      '--- maps/x.map\n+++ maps/x.map\n@@ -3,7 +3,7 @@\n a2\n a3\n a4\n-a5\n+b\n a6\n a7\n a8\n',
    );
  });

  it('names no file where there was or will be none', () => {
    expect(unifiedDiff('x', undefined, 'a\nb\n')).toBe('--- /dev/null\n+++ x\n@@ -0,0 +1,2 @@\n+a\n+b\n');
    expect(unifiedDiff('x', 'a\n', undefined)).toBe('--- x\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n');
  });

  it('does not look long for what two long texts have in common', () => {
    const diff = unifiedDiff('x', lines(5000, 'a'), lines(5000, 'b'));
    expect(diff.split('\n').slice(0, 4)).toEqual(['--- x', '+++ x', '@@ -1,5000 +1,5000 @@', '-a0']);
    expect(diff.split('\n')).toHaveLength(10_004);
  });
});
