import { describe, expect, it } from 'vitest';
import { settingsSchema } from './config.ts';
import { configJsonSchema, configReference } from './reference.ts';
import { LEAVES, SETTINGS } from './settings.ts';

interface Node {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly description?: string;
  readonly additionalProperties?: boolean;
}

const leavesOf = (node: Node, path: readonly string[]): (readonly [string, Node])[] =>
  node.properties === undefined
    ? [[path.join('.'), node]]
    : Object.entries(node.properties).flatMap(([key, child]) => leavesOf(child, [...path, key]));

describe('the one schema', () => {
  const schema = configJsonSchema() as Node;

  it('gives the JSON Schema exactly the settings that the loader knows, each with its sentence', () => {
    const leaves = leavesOf(schema, []);
    expect(leaves.map(([path]) => path)).toEqual([...LEAVES.keys()]);
    for (const [, node] of leaves) expect(node.description).toMatch(/\.$/);
    expect(schema.additionalProperties).toBe(false);
  });

  it('gives every setting names that no other has', () => {
    const names = SETTINGS.flatMap(({ env, flag }) => [...env, ...(flag === undefined ? [] : [flag])]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^(?:[A-Z]+(?:_[A-Z]+)*|--[a-z]+(?:-[a-z]+)*)$/);
  });

  it('gives no secret a flag, because command lines are public', () => {
    for (const { meta, flag } of SETTINGS) if (meta.secret === true) expect(flag).toBeUndefined();
  });

  it('accepts an empty input', () => {
    expect(settingsSchema.safeParse({}).success).toBe(true);
  });

  it('puts every setting, variable and flag into the reference', () => {
    const text = configReference();
    for (const { path, env, flag, meta } of SETTINGS) {
      for (const name of [path, ...env, ...(flag === undefined ? [] : [flag])])
        expect(text).toContain(`\`${name}\``);
      expect(text).toContain(meta.description.replaceAll('|', '\\|'));
    }
  });
});
