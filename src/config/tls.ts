import { join } from 'node:path';
import { shown } from '../core/quote.ts';
import type { RegistrySettings, Settings, TlsFiles } from './config.ts';
import { type Context, complain, readText, warn } from './context.ts';
import { checkPem, outsideOf, type PemTexts } from './pem.ts';
import { shownPath } from './problem.ts';

/** The files for TLS to a registry: its own, or those for all of etcd. */
export function tlsOf(
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
  else checkTlsFiles({ ca, cert, key }, (file) => [...base, file], context);
  return { ca, cert, key };
}

/** The files of the folder that Docker's own client would take. */
export function checkEngineTls({ docker }: Settings, context: Context): void {
  const { host = '', tlsVerify, certPath } = docker;
  const secure = host.startsWith('https:') || (tlsVerify && host !== '' && !host.startsWith('unix:'));
  if (!secure || certPath === undefined) return;
  const [ca, cert, key] = ['ca', 'cert', 'key'].map((name) => join(certPath, `${name}.pem`));
  checkTlsFiles({ ca, cert, key }, () => ['docker', 'certPath'], context);
}

/** Reads the files and judges what is in them. A certificate out of its time only warns: it may be renewed any moment. */
function checkTlsFiles(
  files: Partial<TlsFiles>,
  setting: (file: keyof TlsFiles) => readonly PropertyKey[],
  context: Context,
): void {
  const texts: Record<keyof PemTexts, string | undefined> = {
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const names = Object.keys(texts) as (keyof PemTexts)[];
  for (const name of names) {
    const path = files[name];
    if (path !== undefined) texts[name] = readText(path, setting(name), context);
  }
  const checked = checkPem(texts);
  if ('problem' in checked) {
    const { file, what } = checked.problem;
    complain(context, setting(file), `${shownPath(files[file] ?? '')} ${what}`, { remedy: REMEDIES[file] });
    return;
  }
  for (const validity of checked.validity) {
    const what = outsideOf(validity, context.machine.now());
    const { file } = validity;
    if (what !== undefined)
      warn(context, setting(file), `${shownPath(files[file] ?? '')} ${what}`, 'renew it');
  }
}

const REMEDIES: Readonly<Record<keyof PemTexts, string>> = {
  ca: 'name a file of certificates (-----BEGIN CERTIFICATE-----)',
  cert: 'name a file with the certificate, then those that signed it',
  key: 'name the unencrypted key (PEM) that belongs to the certificate',
};
