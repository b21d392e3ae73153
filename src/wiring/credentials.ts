import { readFile } from 'node:fs/promises';
import type { RegistryConfig } from '../config/config.ts';
import { passwordIn } from '../config/login.ts';
import { checkPem, outsideOf, type PemTexts } from '../config/pem.ts';
import type { Clock, Log } from '../core/ports.ts';
import type { EtcdCredentials } from '../provider/etcd/link.ts';
import { FollowedFiles, type Made, type Recipe, type Texts } from './followed-files.ts';
import { StartError } from './io.ts';

const PASSWORD = 'password';

/** What each registry is shown, by its name. */
export type RegistryCredentials = ReadonlyMap<string, FollowedFiles<EtcdCredentials>>;

/** Reads the files of every registry and follows them from now on. Throws a readable error when they cannot be used. */
export async function followCredentials(
  registries: readonly RegistryConfig[],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<RegistryCredentials> {
  const followed = new Map<string, FollowedFiles<EtcdCredentials>>();
  for (const registry of registries.filter(({ kind }) => kind === 'etcd')) {
    const opened = await FollowedFiles.open({
      recipe: credentialsOf(registry),
      subject: { target: registry.name },
      readFile: (path) => readFile(path, 'utf8'),
      clock,
      log,
    });
    if ('problem' in opened) {
      for (const files of followed.values()) files.stop();
      throw new StartError(`${registry.name}: ${opened.problem}`);
    }
    followed.set(registry.name, opened.files);
  }
  return followed;
}

export function credentialsOf({
  tls,
  username,
  password,
  passwordFile,
}: Pick<RegistryConfig, 'tls' | 'username' | 'password' | 'passwordFile'>): Recipe<EtcdCredentials> {
  const files = pathsOf({ ...tls, [PASSWORD]: passwordFile });
  const make = (texts: Texts): Made<EtcdCredentials> => {
    const secret = passwordFile === undefined ? password?.reveal() : passwordIn(texts.get(PASSWORD) ?? '');
    if (passwordFile !== undefined && secret === '') return { problem: `${passwordFile} is empty` };
    const auth =
      username === undefined || secret === undefined ? undefined : { user: username, password: secret };
    if (tls === undefined) return { value: { auth } };
    return pemFrom(texts, files, (pem) => ({
      auth,
      tls: { ...buffer('ca', pem.ca), ...buffer('cert', pem.cert), ...buffer('key', pem.key) },
    }));
  };
  return { files, make };
}

/** Certificates that fit each other, or what is wrong with them and in which file. */
export function pemFrom<T>(
  texts: Texts,
  files: ReadonlyMap<string, string>,
  make: (pem: PemTexts) => T,
): Made<T> {
  const pem = { ca: texts.get('ca'), cert: texts.get('cert'), key: texts.get('key') };
  const checked = checkPem(pem);
  if ('problem' in checked) {
    const { file, what } = checked.problem;
    return { problem: `${files.get(file) ?? file} ${what}` };
  }
  const notes = (now: number): readonly string[] =>
    checked.validity.flatMap((validity) => {
      const what = outsideOf(validity, now);
      return what === undefined ? [] : [`${files.get(validity.file) ?? validity.file} ${what}`];
    });
  return { value: make(pem), notes };
}

function pathsOf(files: Readonly<Record<string, string | undefined>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(files).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

function buffer<Name extends string>(name: Name, text: string | undefined): Partial<Record<Name, Buffer>> {
  return text === undefined ? {} : ({ [name]: Buffer.from(text) } as Record<Name, Buffer>);
}
