import type { Member, Members } from './members.ts';

/** Which engines a reference may mean: `west/web` says so, `web` may be in any; no container has a slash in its name. */
export function membersMeant(
  reference: string,
  { all }: Pick<Members, 'all'>,
): { readonly meant: readonly Member[]; readonly container: string } {
  const [, engine, container = ''] = /^([^/]+)\/(.+)$/.exec(reference) ?? [];
  const named = all.filter(({ name }) => name === engine);
  return named.length === 0 ? { meant: all, container: reference } : { meant: named, container };
}
