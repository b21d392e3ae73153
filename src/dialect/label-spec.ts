import * as z from 'zod';
import { formatDuration, parseDuration } from '../core/duration.ts';
import { quoteLabel } from '../core/secretive.ts';

/** Where a label may stand: `portolan.<key>`, `portolan.<port>.<key>`, or both. */
type LabelScope = 'container' | 'both';

/** Everything that is said about a label once: it parses, it explains, and it makes the reference. */
export interface LabelSpec<S extends z.ZodType> {
  readonly schema: S;
  readonly scope: LabelScope;
  /** One sentence. */
  readonly sentence: string;
  /** The values, in words. */
  readonly type: string;
  readonly example: string;
  /** What holds without it. */
  readonly fallback: string;
  /** A bad value leaves out what it speaks about; otherwise the fallback holds. Either way there is a reason. */
  readonly leavesOut: boolean;
}

export const label = <S extends z.ZodType>(spec: LabelSpec<S>): LabelSpec<S> => spec;

/** Text that one function understands; `remedy` says what to write instead. */
export function text<T>(remedy: string, parse: (value: string) => T | undefined): z.ZodType<T> {
  return z.string().transform((raw, context): T => {
    // A hostile value may be megabytes long; nothing valid is.
    const value = raw.length > 4096 ? undefined : parse(raw.trim());
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: `${quoteLabel(raw)} is not valid; ${remedy}` });
    return z.NEVER;
  });
}

export const word = <T extends string>(remedy: string, words: readonly T[]): z.ZodType<T> =>
  text(remedy, (value) => words.find((candidate) => candidate.toLowerCase() === value.toLowerCase()));

/** A duration, in milliseconds. */
export const lasting = (min: number, max: number): z.ZodType<number> =>
  text(
    `write a duration from ${formatDuration(min)} to ${formatDuration(max)}, such as 500ms or 10s`,
    (value) => {
      const ms = parseDuration(value);
      return ms === undefined || ms < min || ms > max ? undefined : ms;
    },
  );
