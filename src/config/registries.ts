import { shown } from '../core/quote.ts';
import type { RegistryConfig, RegistrySettings, Settings, TlsFiles } from './config.ts';
import { type Context, complain, warn } from './context.ts';
import { shownPath } from './problem.ts';
import { Secret } from './secret.ts';

/** Hosts that only this machine can reach. */
export const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|::1|\[::1\])$/;

/** The registries to write to; without any, the embedded one. */
export function registries(settings: Settings, context: Context): RegistryConfig[] {
  const entries: RegistryConfig[] = [];
  settings.registries.forEach((entry, index) => {
    const registry = oneRegistry(entry, index, settings, context);
    if (entries.some(({ name }) => name === registry.name))
      complain(context, ['registries', index], `is a second registry with the name ${shown(registry.name)}`, {
        remedy: 'name each registry once, or give them different names',
      });
    entries.push(registry);
  });
  return entries.length > 0 ? entries : [embedded(settings)];
}

function embedded(settings: Settings): RegistryConfig {
  const none = { members: [], tls: undefined, username: undefined, password: undefined };
  return { name: 'memory://', url: 'memory://', kind: 'memory', policy: settings.policy, ...none };
}

function oneRegistry(
  entry: RegistrySettings,
  index: number,
  settings: Settings,
  context: Context,
): RegistryConfig {
  const { url } = entry;
  const keys = ['registries', index];
  const own = { username: entry.username ?? url.username, password: ownPassword(entry, keys, context) };
  const fallback = url.kind === 'etcd' && own.username === undefined && own.password === undefined;
  const login = fallback
    ? { username: settings.etcd.username, password: commonPassword(settings, context) }
    : own;
  // A password file that cannot be read is a problem of its own.
  const hasPassword = fallback
    ? common(settings)
    : login.password !== undefined || entry.passwordFile !== undefined;
  if ((login.username !== undefined) !== hasPassword)
    complain(
      context,
      fallback ? ['etcd'] : keys,
      `has a ${hasPassword ? 'password without a user name' : 'user name without a password'}`,
      { remedy: 'give both or neither' },
    );
  if (login.password !== undefined && !url.tls && url.members.some((member) => !isLoopback(member)))
    warn(context, keys, 'sends its password without TLS', 'use etcds://');
  return {
    name: entry.name ?? url.url,
    url: url.url,
    kind: url.kind,
    members: url.members,
    tls: tlsOf(entry, index, settings, context),
    ...login,
    policy: entry.policy ?? settings.policy,
  };
}

const common = ({ etcd }: Settings): boolean =>
  etcd.password !== undefined || etcd.passwordFile !== undefined;

const isLoopback = (member: string): boolean => LOOPBACK.test(member.replace(/:\d+$/, ''));

function ownPassword(
  entry: RegistrySettings,
  keys: readonly PropertyKey[],
  context: Context,
): Secret | undefined {
  if (entry.password !== undefined && entry.passwordFile !== undefined)
    complain(context, keys, 'has both password and passwordFile', { remedy: 'keep passwordFile' });
  const fromFile =
    entry.passwordFile === undefined
      ? undefined
      : readPassword(entry.passwordFile, [...keys, 'passwordFile'], context);
  return fromFile ?? entry.password ?? entry.url.password;
}

/** A password and a password file may both be set, by sources of different rank: the higher one counts. */
function commonPassword({ etcd }: Settings, context: Context): Secret | undefined {
  const { password, passwordFile } = etcd;
  if (passwordFile === undefined) return password;
  const rank = (path: string): number =>
    ['default', 'file', 'env', 'flag'].indexOf(context.given.get(path)?.origin.type ?? 'default');
  if (password !== undefined && rank('etcd.password') > rank('etcd.passwordFile')) return password;
  if (password !== undefined && rank('etcd.password') === rank('etcd.passwordFile')) {
    complain(context, ['etcd', 'password'], 'stands beside etcd.passwordFile', {
      remedy: 'keep only one of them',
    });
    return password;
  }
  return readPassword(passwordFile, ['etcd', 'passwordFile'], context);
}

function readPassword(path: string, keys: readonly PropertyKey[], context: Context): Secret | undefined {
  if (!context.machine.readSecrets) return undefined;
  const text = read(path, keys, context)?.replace(/\r?\n$/, '');
  if (text === '')
    complain(context, keys, `names an empty file, ${shownPath(path)}`, {
      remedy: 'write the password into it',
    });
  return text === undefined || text === '' ? undefined : new Secret(text);
}

function read(path: string, keys: readonly PropertyKey[], context: Context): string | undefined {
  try {
    return context.machine.readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    const remedy = 'check the path and who may read it';
    complain(context, keys, `names a file that cannot be read, ${shownPath(path)} (${code})`, { remedy });
    return undefined;
  }
}

function tlsOf(
  entry: RegistrySettings,
  index: number,
  settings: Settings,
  context: Context,
): TlsFiles | undefined {
  const { ca, cert, key } = entry.tls ?? settings.etcd.tls;
  const base = entry.tls === undefined ? ['etcd', 'tls'] : ['registries', index, 'tls'];
  if (!entry.url.tls) {
    if (entry.tls !== undefined)
      complain(context, base, `is set, but ${shown(entry.url.url)} is without TLS`, {
        remedy: 'write etcds://',
      });
    return undefined;
  }
  if ((cert === undefined) !== (key === undefined))
    complain(context, base, `has a ${cert === undefined ? 'key without cert' : 'cert without key'}`, {
      remedy: 'give both or neither',
    });
  if (context.machine.readSecrets)
    for (const [name, path] of Object.entries({ ca, cert, key }))
      if (path !== undefined) read(path, [...base, name], context);
  return { ca, cert, key };
}
