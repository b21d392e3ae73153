import { join } from 'node:path';
import { shown } from '../core/quote.ts';
import type { Settings, TlsFiles } from './config.ts';
import { type Context, complain, type Machine, readText, warn } from './context.ts';
import { checkPem, outsideOf, type PemTexts } from './pem.ts';
import { shownPath } from './problem.ts';
import type { RegistrySettings } from './registry-settings.ts';

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

/** How an engine is reached. */
type Reached = Pick<Settings['docker'], 'host' | 'tlsVerify' | 'certPath'>;

/**
 * The folder that Docker's own client would take: the one that is named, else ~/.docker. Where that holds no authority those
 * that the machine trusts count.
 */
export function engineCertPath(docker: Reached, machine: Machine): string | undefined {
  if (docker.certPath !== undefined || !speaksTls(docker)) return docker.certPath;
  const folder = join(machine.home, '.docker');
  return isThere(join(folder, 'ca.pem'), machine) ? folder : undefined;
}

/** The files of that folder; as with Docker's client there need not be a certificate to show. */
export function checkEngineTls(docker: Reached, setting: readonly PropertyKey[], context: Context): void {
  const { certPath } = docker;
  if (!speaksTls(docker) || certPath === undefined) return;
  const [ca = '', ...shown] = ['ca', 'cert', 'key'].map((name) => join(certPath, `${name}.pem`));
  const [cert, key] = shown.some((file) => isThere(file, context.machine)) ? shown : [];
  checkTlsFiles({ ca, cert, key }, () => setting, context);
}

function speaksTls({ host = '', tlsVerify }: Reached): boolean {
  return host.startsWith('https:') || (tlsVerify && host !== '' && !host.startsWith('unix:'));
}

function isThere(file: string, { readFile }: Machine): boolean {
  try {
    readFile(file);
    return true;
  } catch (error) {
    return !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
  }
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
