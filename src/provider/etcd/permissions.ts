import { type Failure, failure } from '../../core/failure.ts';

/** Keys (or prefixes) that a call reads and those that it writes. */
export interface Access {
  readonly reads: Iterable<string>;
  readonly writes?: Iterable<string>;
}

/** Says what has to be granted, as one would write it for `etcdctl role grant-permission --prefix`. */
export function denied({ reads, writes = [] }: Access, prefixes: readonly string[]): Failure {
  const areas = new Map<string, 'read' | 'readwrite'>();
  // Transactions compare what they write, which is to read it.
  for (const key of writes) areas.set(areaOf(key, prefixes), 'readwrite');
  for (const key of reads) {
    const area = areaOf(key, prefixes);
    if (!areas.has(area)) areas.set(area, 'read');
  }
  const wanted = [...areas].sort().map(([area, right]) => `${right} on the prefix ${area}`);
  return failure('registry-denied', `permission denied; the role needs ${wanted.join(', ')}`);
}

/** The prefix that the settings give, else the first part of the key. */
function areaOf(key: string, prefixes: readonly string[]): string {
  return prefixes.find((prefix) => key.startsWith(prefix)) ?? /^\/[^/]*\/?/.exec(key)?.[0] ?? key;
}
