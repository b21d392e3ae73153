import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';

/** PEM texts that are used together. */
export interface PemTexts {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

interface PemProblem {
  readonly file: keyof PemTexts;
  /** Follows the name of the file: `holds no certificate`. */
  readonly what: string;
}

/** A time outside of which a certificate does not count. Epoch milliseconds. */
export interface Validity {
  readonly file: keyof PemTexts;
  readonly from: number;
  readonly to: number;
}

export type Checked = { readonly problem: PemProblem } | { readonly validity: readonly Validity[] };

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]+-----/g;

/** Whether the texts can be parsed and the key is that of the certificate. What is wrong is told without their content. */
export function checkPem({ ca, cert, key }: PemTexts): Checked {
  const authorities = ca === undefined ? [] : certificatesIn(ca);
  if (typeof authorities === 'string') return { problem: { file: 'ca', what: authorities } };
  const chain = cert === undefined ? [] : certificatesIn(cert);
  if (typeof chain === 'string') return { problem: { file: 'cert', what: chain } };
  const secret = key === undefined ? undefined : privateKey(key);
  if (typeof secret === 'string') return { problem: { file: 'key', what: secret } };
  const [own] = chain;
  if (own !== undefined && secret !== undefined && !own.checkPrivateKey(secret))
    return { problem: { file: 'key', what: 'is not the key of the certificate' } };
  const refusal = refusalOf(cert, key);
  if (refusal !== undefined) return { problem: { file: 'cert', what: `is refused by TLS (${refusal})` } };
  return { validity: [...outlastingOf(authorities), ...chain.slice(0, 1).map(validityOf('cert'))] };
}

/** What is wrong with the time, as words that follow the name of the file; undefined: nothing. */
export function outsideOf({ from, to }: Validity, now: number): string | undefined {
  if (now > to) return `expired on ${dateOf(to)}`;
  return now < from ? `is not valid before ${dateOf(from)}` : undefined;
}

/** A bundle is as good as the best of it: old authorities stay in it until the last certificate of theirs is gone. */
function outlastingOf(authorities: readonly X509Certificate[]): readonly Validity[] {
  const all = authorities.map(validityOf('ca'));
  return all.sort((a, b) => b.to - a.to).slice(0, 1);
}

const validityOf =
  (file: keyof PemTexts) =>
  ({ validFrom, validTo }: X509Certificate): Validity => ({
    file,
    from: Date.parse(validFrom),
    to: Date.parse(validTo),
  });

const dateOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');

/** What TLS itself has against them, such as a key that is too short. */
function refusalOf(cert: string | undefined, key: string | undefined): string | undefined {
  if (cert === undefined || key === undefined) return undefined;
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
  }
}

function certificatesIn(text: string): readonly X509Certificate[] | string {
  const blocks = text.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) return 'holds no certificate (PEM)';
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return 'holds a certificate that cannot be read';
  }
}

function privateKey(text: string): KeyObject | string {
  if (!text.includes('PRIVATE KEY-----')) return 'holds no private key (PEM)';
  if (text.includes('ENCRYPTED')) return 'holds a key with a passphrase, which nobody can enter here';
  try {
    return createPrivateKey(text);
  } catch {
    return 'holds a private key that cannot be read';
  }
}
