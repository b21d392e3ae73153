import { isIP } from 'node:net';
import * as z from 'zod';
import { DURATION_PATTERN, formatDuration, parseDuration } from '../core/duration.ts';
import { EXPIRIES } from '../core/layout.ts';
import { quote, shown } from '../core/quote.ts';
import { parsePath } from '../core/segment.ts';

/** Zod's own issues say what is wrong; ours also carry the remedy. */
export function complain(context: z.RefinementCtx, message: string, remedy: string): z.ZodNever['_output'] {
  context.addIssue({ code: 'custom', message, params: { remedy } });
  return z.NEVER;
}

const DURATION_REMEDY = 'write a number and a unit, such as 250ms, 15s or 5m';

/** A duration as text, in milliseconds after parsing. `never`: a plain 0 is one too. */
export function duration(
  limits: { readonly min?: number; readonly max?: number; readonly never?: true } = {},
) {
  const { min = 0, max = 24 * 3_600_000, never } = limits;
  return z
    .string()
    .meta({ pattern: never === true ? `^0$|${DURATION_PATTERN.source}` : DURATION_PATTERN.source })
    .transform((text, context): number => {
      const ms = never === true && text === '0' ? 0 : parseDuration(text);
      if (ms === undefined) return complain(context, `${quote(text)} is not a duration`, DURATION_REMEDY);
      if (ms < min || ms > max) {
        const range = `write a duration from ${formatDuration(min)} to ${formatDuration(max)}`;
        return complain(context, `${text} is too ${ms < min ? 'short' : 'long'}`, range);
      }
      return ms;
    });
}

/** A whole number, written as such or as text. */
export function count(limits: { readonly min: number; readonly max: number }) {
  const { min, max } = limits;
  return z.union([z.number(), z.string()]).transform((given, context): number => {
    const text = String(given).trim();
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    const what = `${quote(text)} is not a whole number from ${String(min)} to ${String(max)}`;
    return complain(context, what, `write a number such as ${String(min)}`);
  });
}

export interface DebounceWindow {
  readonly minMs: number;
  readonly maxMs: number;
}

/** `min:max`, as docker-gen writes its `-wait`. */
export const debounceWindow = z.string().transform((text, context): DebounceWindow => {
  const [first = '', second = '', ...more] = text.split(':');
  const minMs = parseDuration(first);
  const maxMs = parseDuration(second);
  const remedy = 'write min:max, such as 2ms:20ms';
  if (minMs === undefined || maxMs === undefined || more.length > 0)
    return complain(context, `${quote(text)} is not a pair of durations`, remedy);
  if (maxMs < minMs)
    return complain(context, `the longest wait ${second} is shorter than the quiet time ${first}`, remedy);
  if (maxMs > 60_000) return complain(context, `${second} is too long`, 'wait at most 1m');
  return { minMs, maxMs };
});

/** Which address of this host consumers elsewhere are told. */
export type AdvertiseRule =
  | { readonly type: 'literal'; readonly ip: string }
  | { readonly type: 'interface'; readonly name: string }
  | { readonly type: 'cidr'; readonly cidr: string };

export const advertiseRule = z.string().transform((text, context): AdvertiseRule => {
  const remedy =
    'write an IP address, iface:<name> such as iface:eth0, or cidr:<network> such as cidr:10.0.0.0/8';
  if (text.startsWith('iface:') && /^[^\s/:]{1,15}$/.test(text.slice(6)))
    return { type: 'interface', name: text.slice(6) };
  if (text.startsWith('cidr:') && isCidr(text.slice(5))) return { type: 'cidr', cidr: text.slice(5) };
  if (isIP(text) !== 0) return { type: 'literal', ip: text };
  return complain(context, `${quote(text)} is not an address rule`, remedy);
});

function isCidr(text: string): boolean {
  const [ip = '', bits = '', ...more] = text.split('/');
  const family = isIP(ip);
  return (
    family !== 0 && more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  );
}

/** A key prefix; comes out with one slash at each end, so that `/services/` never catches `/services2`. */
export const keyPrefix = z.string().transform((text, context): string => {
  const remedy = 'write a path such as /services';
  const parsed = parsePath(text);
  if (!text.startsWith('/')) return complain(context, `${quote(text)} does not begin with /`, remedy);
  if ('error' in parsed) return complain(context, `${quote(text)} ${parsed.error}`, remedy);
  const prefix = `/${parsed.segments.join('/')}/`;
  if (prefix.startsWith('/portolan/'))
    return complain(context, `${shown(text)} lies below /portolan, where the bookkeeping is`, remedy);
  return prefix;
});

/** How the records of one layout expire; without a say of its own it follows the setting for all. */
export function layoutExpiry() {
  return z.enum(EXPIRIES).optional();
}

/** Of a layout whose records never hang on a lease, for the reason given; it does not follow the setting for all. */
export function neverLeased(why: string) {
  return z
    .enum(EXPIRIES)
    .default('prune')
    .transform((expiry, context) =>
      expiry === 'prune'
        ? expiry
        : complain(context, `ttl is not possible here: ${why}`, 'leave it at prune'),
    );
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** `host:port`, or `off`. */
export const listenAddress = z.string().transform((text, context): ListenAddress | undefined => {
  if (text === 'off') return undefined;
  const match = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+|):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    return complain(
      context,
      `${quote(text)} is not host:port`,
      'write host:port such as 127.0.0.1:7979, or off',
    );
  const host = (match[1] ?? '').replace(/^\[|\]$/g, '');
  return { host: host === '' ? '::' : host, port };
});

/** It becomes a segment of keys, and a field of documents. */
export const machineName = z.string().transform((text, context): string => {
  if (/^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?$/.test(text)) return text;
  return complain(context, `${quote(text)} is not the name of a host`, 'use 1 to 128 of A-Z a-z 0-9 . _ -');
});

export const ownerId = z.string().transform((text, context): string => {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  return complain(context, `${quote(text)} is not an owner id`, 'use 1 to 64 of A-Z a-z 0-9 . _ -');
});
