import { type Listeners, restsOf } from '../core/listener.ts';
import type { Target } from './target.ts';

/** What a proxy, or whoever knows the proxies, still has to do for an order. */
interface Waiting {
  readonly target: string;
  readonly why: string | undefined;
  readonly held?: true;
}

/**
 * The proxies that follow a registry and serve one of these records, as far as they are marked there as drained by a
 * command: each has to say that it took the server out of rotation and that no session is left.
 */
export function proxiesAt(
  { name, cache }: Target,
  listeners: Listeners,
  keys: readonly string[],
): readonly Waiting[] {
  if (keys.length === 0) return [];
  if (!listeners.known)
    return [{ target: `the proxies of ${name}`, why: listeners.failure?.message ?? 'not read yet' }];
  const drained = keys.flatMap((key) => {
    const record = cache.get(key)?.record;
    return record === undefined ? [] : [{ key, revision: record.modRevision }];
  });
  return restsOf(listeners.all.values(), drained).map(({ proxy, why, held }) => ({
    ...{ target: proxy, why },
    ...(held ? { held: true } : {}),
  }));
}

/** The record that an order is kept in; the end of a drain needs none where the drain never came. */
interface Kept {
  readonly key: string;
  readonly value: string;
  readonly mayBeAbsent: boolean;
}

/**
 * What a registry still lacks before it has acknowledged an order, in a sentence for people; undefined when it has: the
 * order and the records of all that it concerns have been read there, or the registry has confirmed their writing.
 */
export function missingAt(target: Target, kept: Kept, keys: readonly string[]): string | undefined {
  const { cache, session, failure } = target;
  if (!cache.known) return failure?.message ?? 'the registry has not been read yet';
  if (session.type === 'standby') return `this agent stands by: ${session.why}`;
  if (session.type !== 'held') return 'the registry has not given this agent its lease yet';
  const late = keys.filter((key) => !target.asWanted(key));
  const noted = cache.get(kept.key)?.record?.value;
  if (noted !== kept.value && !(kept.mayBeAbsent && noted === undefined)) late.unshift(kept.key);
  const [first] = late;
  if (first === undefined) return undefined;
  const why = target.journal.get(first)?.why ?? 'not written yet';
  const more = late.length === 1 ? '' : ` (and ${String(late.length - 1)} more)`;
  return `${first}: ${why}${more}`;
}
