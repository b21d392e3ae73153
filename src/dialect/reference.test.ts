import { describe, expect, it } from 'vitest';
import { LABEL_KEYS } from './labels.ts';
import { labelReference } from './reference.ts';
import { VARIABLES } from './variables.ts';

describe('the reference of labels and variables', () => {
  const text = labelReference();

  it('has every label and every variable', () => {
    for (const key of LABEL_KEYS) expect(text).toContain(`\`portolan.${key}\``);
    for (const { name } of Object.values(VARIABLES)) expect(text).toContain(`\`${name}\``);
  });

  it('is well-formed: every row of a table has five cells', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('|'));
    expect(rows.map((line) => line.split(/(?<!\\)\|/).length)).toEqual(rows.map(() => 7));
    expect(text.endsWith('.\n')).toBe(true);
  });
});
