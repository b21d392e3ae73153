import { formatDuration } from '../../core/duration.ts';
import { quote } from '../../core/quote.ts';
import { hideCredentials } from '../registry-url.ts';

/** What an old value means today. `remark`: something else than it said. */
type Read = { readonly value: unknown; readonly remark?: Remark } | { readonly problem: Remark };

interface Remark {
  readonly what: string;
  readonly remedy: string;
}

/** What is known of the setting that is read. `today`: its names, as one would write them. */
export type Reader = (given: unknown, today: string) => Read;

const wrong = (what: string, remedy: string): Read => ({ problem: { what, remedy } });

function textOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given.trim();
  return typeof given === 'number' || typeof given === 'boolean' ? String(given) : undefined;
}

/** A password may stand anywhere. */
const quoted = (given: string): string => quote(hideCredentials(given));

const noText = wrong('is not text', 'write text');

/** As it is; today's setting says what is wrong with it. */
export const text: Reader = (given) => {
  const value = textOf(given);
  return value === undefined ? noText : { value };
};

/** One of several; today there may be more. */
export const single: Reader = (given) => {
  const value = textOf(given);
  return value === undefined ? noText : { value: [value] };
};

/** Milliseconds; comes out as today's duration, within the limits of today's setting. */
export function milliseconds({ min, max }: { readonly min: number; readonly max: number }): Reader {
  return (given, today) => {
    const value = textOf(given);
    if (value === undefined || !/^\d{1,12}$/.test(value))
      return wrong(
        `${value === undefined ? 'this' : quoted(value)} is not a number of milliseconds`,
        `write one, such as 12000, or a duration under one of today's names: ${today}`,
      );
    const ms = Number(value);
    const taken = formatDuration(Math.min(max, Math.max(min, ms)));
    if (ms >= min && ms <= max) return { value: taken };
    const how = ms < min ? 'shorter' : 'longer';
    const what = `${value} ms is ${how} than is possible here; it is taken for ${taken}`;
    return { value: taken, remark: { what, remedy: `write one from ${String(min)} to ${String(max)}` } };
  };
}

/** A path of a socket, which was the only way to an engine. */
export const socket: Reader = (given) => {
  const value = textOf(given);
  if (value === undefined) return noText;
  if (value.startsWith('unix:///')) return { value };
  if (!value.startsWith('/'))
    return wrong(`${quoted(value)} is no path of a socket`, 'write one such as /var/run/docker.sock');
  return { value: `unix://${value}` };
};

/** `info` meant what it means today, and every other word debug. */
export const logLevel: Reader = (given, today) => {
  const value = textOf(given)?.toLowerCase();
  if (value === 'info' || value === 'debug') return { value };
  const what = `${value === undefined ? 'this' : quoted(value)} means debug here, as everything but info did`;
  return { value: 'debug', remark: { what, remedy: `for another level use one of today's names: ${today}` } };
};

/** Somewhere else than today, where the process that starts the agent decides. */
export const logFile: Reader = (given) => {
  const value = textOf(given);
  if (value === undefined || /^(?:STDOUT|\/dev\/stdout)$/.test(value)) return { value };
  const what = 'is not written to: the log goes to the standard output';
  return {
    value,
    remark: { what, remedy: 'redirect it (>> FILE), or read it by docker logs or journalctl' },
  };
};

/** The template of a key: elements in a list, or separated by blanks. */
export const template: Reader = (given) => {
  if (typeof given === 'string') return { value: given.split(/\s+/).filter((element) => element !== '') };
  if (Array.isArray(given)) return { value: given };
  return wrong('is no list of elements', 'write one such as [environment:NAME, service:PORT]');
};

const V3 =
  "the v3 API of etcd is spoken there: service-registrar wrote by the v2 API, and the two do not see each other's keys";
const V3_REMEDY = 'see hack/migration/service-registrar.md for what that means for readers';

/** The URI of a registry, of which there was one. */
export const backend: Reader = (given) => {
  const value = textOf(given);
  if (value === undefined) return noText;
  if (/^consul:/i.test(value))
    return wrong(
      `${quoted(value)} names Consul, which this version does not write to yet`,
      'keep service-registrar for it until a later version, or name an etcd such as etcd://localhost:2379',
    );
  if (!/^etcds?:/i.test(value)) return { value: [value] };
  return { value: [value], remark: { what: V3, remedy: V3_REMEDY } };
};
