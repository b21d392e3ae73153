import { quote } from '../core/quote.ts';
import { Secret } from './secret.ts';

/** What a registry's URL says. `url` is the same without credentials, for people. */
export interface RegistryAddress {
  readonly url: string;
  readonly kind: 'memory' | 'etcd';
  readonly tls: boolean;
  /** `host:port` of each member. */
  readonly members: readonly string[];
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

interface UrlProblem {
  readonly what: string;
  readonly remedy: string;
}

type Parsed = { readonly value: RegistryAddress } | { readonly problem: UrlProblem };

const EXAMPLE = 'write etcd://host:2379, etcds:// for TLS, or memory://';
const DEFAULT_PORT = 2379;
const LATER = new Set(['consul', 'consul-tls', 'consul-unix', 'zookeeper', 'skydns2']);

/** What stands behind a colon and is no port may be half of a password, cut at a blank or a semicolon. */
const NO_PORT = /^((?:\[[^\]]*\]|:\d{1,5}(?=[,/]|$)|[^:[])*):(?!\d{1,5}(?:[,/]|$)).*$/s;

/** The URL as it may be shown: everything that could be a user or a password is hidden, even in a malformed one. */
export function hideCredentials(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(url)?.[0] ?? '';
  const at = url.lastIndexOf('@');
  if (at >= 0) return `${scheme}***@${url.slice(at + 1)}`;
  return scheme + url.slice(scheme.length).replace(NO_PORT, '$1:***');
}

/** Reads `etcd://[user:password@]host[:port][,host[:port]...]` and `memory://`; one URL is one registry. */
export function parseRegistryUrl(text: string): Parsed {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text);
  const shown = quote(hideCredentials(text));
  if (match === null) return problem(`${shown} is not a registry URL`, EXAMPLE);
  const [, scheme = '', rest = ''] = match;
  const kind = scheme.toLowerCase();
  if (kind === 'memory') {
    if (rest !== '') return problem(`${shown} has something after memory://`, 'write memory:// alone');
    return {
      value: { url: 'memory://', kind, tls: false, members: [], username: undefined, password: undefined },
    };
  }
  if (kind !== 'etcd' && kind !== 'etcds') return problem(unknownScheme(kind, shown), EXAMPLE);
  return parseEtcd(kind, rest, shown);
}

function parseEtcd(scheme: 'etcd' | 'etcds', rest: string, shown: string): Parsed {
  const at = rest.lastIndexOf('@');
  const credentials = at < 0 ? undefined : parseCredentials(rest.slice(0, at));
  if (credentials === null)
    return problem(
      `the user or the password in ${shown} is not percent-encoded`,
      'encode it, or use username and passwordFile',
    );
  const members: string[] = [];
  for (const member of rest
    .slice(at + 1)
    .replace(/\/$/, '')
    .split(',')) {
    if (member.includes('://'))
      return problem(
        `${shown} has a second scheme after a comma`,
        'a comma separates the members of one registry, so write them as host:port; separate registries by a space or ;',
      );
    const parsed = parseMember(member);
    if (parsed === undefined)
      return problem(`${quote(hideCredentials(member))} in ${shown} is not host:port`, EXAMPLE);
    members.push(parsed);
  }
  return {
    value: {
      url: `${scheme}://${members.join(',')}`,
      kind: 'etcd',
      tls: scheme === 'etcds',
      members,
      username: credentials?.username,
      password: credentials?.password,
    },
  };
}

/** `null`: not percent-encoded properly. */
function parseCredentials(text: string): { username: string; password: Secret | undefined } | null {
  const colon = text.indexOf(':');
  try {
    const username = decodeURIComponent(colon < 0 ? text : text.slice(0, colon));
    const password = colon < 0 ? undefined : new Secret(decodeURIComponent(text.slice(colon + 1)));
    return username === '' ? null : { username, password };
  } catch {
    return null;
  }
}

function parseMember(member: string): string | undefined {
  if (!/^(?:\[[0-9a-f:.%]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/i.test(member)) return undefined;
  const port = /:(\d+)$/.exec(member.replace(/^\[.*\]/, ''))?.[1];
  if (port === undefined) return `${member}:${DEFAULT_PORT}`;
  return Number(port) >= 1 && Number(port) <= 65_535 ? member : undefined;
}

function unknownScheme(scheme: string, shown: string): string {
  if (LATER.has(scheme)) return `${shown} names a kind of registry that this version does not have`;
  if (scheme === 'http' || scheme === 'https') return `${shown} does not say what kind of registry it is`;
  return `${shown} has an unknown scheme`;
}

function problem(what: string, remedy: string): { readonly problem: UrlProblem } {
  return { problem: { what, remedy } };
}
