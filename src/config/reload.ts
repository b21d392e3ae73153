import { isDeepStrictEqual } from 'node:util';
import type { Config, RegistryConfig } from './config.ts';
import { LEAVES } from './settings.ts';

/** What a running agent makes of a configuration that was read again. */
export interface ReloadPlan {
  /** New values where they can be taken over, those from before everywhere else. */
  readonly config: Config;
  /** Settings that changed and can be taken over, by their names. */
  readonly applied: readonly string[];
  /** Settings that changed and need a restart. */
  readonly restart: readonly string[];
}

/** Sorts what differs between two configurations of one process. */
export function planReload(before: Config, after: Config): ReloadPlan {
  const config = structure(before);
  const applied: string[] = [];
  const restart: string[] = [];
  for (const { path, keys, meta } of LEAVES.values()) {
    const value = valueAt(after, keys);
    // What registries and logins amount to is compared below, registry by registry.
    if (RESOLVED.test(path) || isDeepStrictEqual(valueAt(before, keys), value)) continue;
    if (meta.reload === true) put(config, keys, value);
    (meta.reload === true ? applied : restart).push(path);
  }
  const registries = planRegistries(before.registries, after.registries);
  if (registries.restart) restart.push('registries');
  return {
    config: { ...(config as unknown as Config), registries: registries.merged },
    applied: [...applied, ...registries.applied],
    restart,
  };
}

/** Whether two registries are reached with the same login and the same files. */
export function sameLogin(a: RegistryConfig, b: RegistryConfig): boolean {
  const { password: mine } = a;
  const { password: yours } = b;
  const samePassword = mine === undefined || yours === undefined ? mine === yours : mine.equals(yours);
  return (
    samePassword &&
    a.username === b.username &&
    a.passwordFile === b.passwordFile &&
    isDeepStrictEqual(a.tls, b.tls)
  );
}

const RESOLVED = /^(?:registries|etcd\..*)$/;

function planRegistries(before: readonly RegistryConfig[], after: readonly RegistryConfig[]) {
  const applied: string[] = [];
  let restart = after.length !== before.length;
  const merged = before.map((old) => {
    const found = after.find(({ name }) => name === old.name);
    if (found?.url !== old.url || (found.tls === undefined) !== (old.tls === undefined)) {
      restart = true;
      return old;
    }
    if (!sameLogin(old, found)) applied.push(`login of ${old.name}`);
    if (old.policy !== found.policy) applied.push(`policy of ${old.name}`);
    return found;
  });
  return { merged, applied, restart };
}

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A copy of the groups; the values in them are shared. */
function structure(config: Config): Tree {
  const copy = (tree: Tree): Tree =>
    Object.fromEntries(
      Object.entries(tree).map(([key, value]) => [key, isTree(value) ? copy(value) : value]),
    );
  return copy(config as unknown as Tree);
}

function valueAt(config: Config, keys: readonly string[]): unknown {
  let part: unknown = config;
  for (const key of keys) part = isTree(part) ? part[key] : undefined;
  return part;
}

/** Only paths of the schema come in here. */
function put(root: Tree, keys: readonly string[], value: unknown): void {
  let node = root;
  for (const key of keys.slice(0, -1)) node = node[key] as Tree;
  node[keys.at(-1) ?? ''] = value;
}
