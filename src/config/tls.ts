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
  else checkTlsFiles({ ca, cert, key }, base, context);
  return { ca, cert, key };
}

/** Reads the files and judges what is in them. A certificate out of its time only warns: it may be renewed any moment. */
function checkTlsFiles(files: Partial<TlsFiles>, base: readonly PropertyKey[], context: Context): void {
  const texts: Record<keyof PemTexts, string | undefined> = {
    ca: undefined,
    cert: undefined,
    key: undefined,
  };
  const names = Object.keys(texts) as (keyof PemTexts)[];
  for (const name of names) {
    const path = files[name];
    if (path !== undefined) texts[name] = readText(path, [...base, name], context);
  }
  const checked = checkPem(texts);
  if ('problem' in checked) {
    const { file, what } = checked.problem;
    complain(context, [...base, file], `${shownPath(files[file] ?? '')} ${what}`, { remedy: REMEDIES[file] });
    return;
  }
  for (const validity of checked.validity) {
    const what = outsideOf(validity, context.machine.now());
    const { file } = validity;
    if (what !== undefined)
      warn(context, [...base, file], `${shownPath(files[file] ?? '')} ${what}`, 'renew it');
  }
}

const REMEDIES: Readonly<Record<keyof PemTexts, string>> = {
  ca: 'name a file of certificates (-----BEGIN CERTIFICATE-----)',
  cert: 'name a file with the certificate, then those that signed it',
  key: 'name the unencrypted key (PEM) that belongs to the certificate',
};
