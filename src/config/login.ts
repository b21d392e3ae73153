import type { RegistryConfig, Settings } from './config.ts';
import { type Context, complain, readText } from './context.ts';
import { shownPath } from './problem.ts';
import type { RegistrySettings } from './registry-settings.ts';
import { Secret } from './secret.ts';

type Login = Pick<RegistryConfig, 'username' | 'password' | 'passwordFile'>;

/** Who logs in to a registry: as it says itself, or as is said for all of etcd. */
export function loginOf(
  entry: RegistrySettings,
  keys: readonly PropertyKey[],
  settings: Settings,
  context: Context,
): Login {
  const own = ownLogin(entry, keys, context);
  const silent = own.username === undefined && own.password === undefined && own.passwordFile === undefined;
  const fallback = entry.url.kind === 'etcd' && silent;
  const login = fallback ? commonLogin(settings, context) : own;
  // A password file that cannot be read is a problem of its own.
  const hasPassword = login.password !== undefined || login.passwordFile !== undefined;
  if ((login.username !== undefined) !== hasPassword)
    complain(
      context,
      fallback ? ['etcd'] : keys,
      `has a ${hasPassword ? 'password without a user name' : 'user name without a password'}`,
      { remedy: 'give both or neither' },
    );
  return login;
}

/** The password in the text of its file: without the end of the line that editors leave. */
export function passwordIn(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function ownLogin(entry: RegistrySettings, keys: readonly PropertyKey[], context: Context): Login {
  const { passwordFile } = entry;
  const username = entry.username ?? entry.url.username;
  if (passwordFile === undefined)
    return { username, password: entry.password ?? entry.url.password, passwordFile };
  if (entry.password !== undefined)
    complain(context, keys, 'has both password and passwordFile', { remedy: 'keep passwordFile' });
  const password = readPassword(passwordFile, [...keys, 'passwordFile'], context);
  return { username, password, passwordFile };
}

/** A password and a password file may both be set, by sources of different rank: the higher one counts. */
function commonLogin({ etcd }: Settings, context: Context): Login {
  const { username, password, passwordFile } = etcd;
  const inline = { username, password, passwordFile: undefined };
  if (passwordFile === undefined) return inline;
  const rank = (path: string): number =>
    ['default', 'file', 'env', 'flag'].indexOf(context.given.get(path)?.origin.type ?? 'default');
  if (password !== undefined && rank('etcd.password') > rank('etcd.passwordFile')) return inline;
  if (password !== undefined && rank('etcd.password') === rank('etcd.passwordFile')) {
    complain(context, ['etcd', 'password'], 'stands beside etcd.passwordFile', {
      remedy: 'keep only one of them',
    });
    return inline;
  }
  return {
    username,
    password: readPassword(passwordFile, ['etcd', 'passwordFile'], context),
    passwordFile,
  };
}

function readPassword(path: string, keys: readonly PropertyKey[], context: Context): Secret | undefined {
  const text = readText(path, keys, context);
  const password = text === undefined ? undefined : passwordIn(text);
  if (password === '')
    complain(context, keys, `names an empty file, ${shownPath(path)}`, {
      remedy: 'write the password into it',
    });
  return password === undefined || password === '' ? undefined : new Secret(password);
}
