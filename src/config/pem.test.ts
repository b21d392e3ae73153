import { createPrivateKey } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../../test/kit/certificates.ts';
import { checkPem, outsideOf } from './pem.ts';

let made: Certificates;
beforeAll(async () => {
  made = await makeCertificates();
});
afterAll(async () => {
  await made.remove();
});

describe('PEM texts', () => {
  it('fit each other, with or without an authority, and also in a bundle or a chain', () => {
    const { ca, clientCertificate: cert, clientKey: key } = made;
    for (const texts of [
      {},
      { ca },
      { cert, key },
      { ca: `# ours\n${ca}\n${ca}`, cert: `${cert}${ca}`, key },
    ])
      expect(checkPem(texts)).toHaveProperty('validity');
  });

  it('are told apart when they do not, without a word of what they say', () => {
    const { ca, clientCertificate: cert, clientKey: key, serverKey } = made;
    const half = (text: string) => text.slice(0, text.length / 2);
    const lock = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const encrypted = createPrivateKey(key).export(lock);
    const cases = [
      [{ ca: 'nonsense' }, 'ca', 'holds no certificate (PEM)'],
      [{ ca: '' }, 'ca', 'holds no certificate (PEM)'],
      [{ cert: half(cert), key }, 'cert', 'holds no certificate (PEM)'],
      [{ cert: cert.replace('M', '!'), key }, 'cert', 'holds a certificate that cannot be read'],
      [{ cert, key: half(key) }, 'key', 'holds a private key that cannot be read'],
      [{ cert, key: cert }, 'key', 'holds no private key (PEM)'],
      [
        { cert, key: encrypted.toString() },
        'key',
        'holds a key with a passphrase, which nobody can enter here',
      ],
      [{ cert, key: serverKey }, 'key', 'is not the key of the certificate'],
      [{ ca, cert: ca, key }, 'key', 'is not the key of the certificate'],
    ] as const;
    for (const [texts, file, what] of cases) expect(checkPem(texts)).toEqual({ problem: { file, what } });
  });

  it('are judged by the time: of a bundle of authorities the one that lasts longest counts', () => {
    const checked = checkPem({ ca: made.ca, cert: made.clientCertificate, key: made.clientKey });
    const validity = 'validity' in checked ? checked.validity : [];
    expect(validity.map(({ file }) => file)).toEqual(['ca', 'cert']);
    for (const span of validity) {
      expect(outsideOf(span, span.from)).toBeUndefined();
      expect(outsideOf(span, span.to)).toBeUndefined();
    }
    const span = { file: 'cert', from: Date.UTC(2026, 0, 1), to: Date.UTC(2026, 5, 1, 12) } as const;
    expect(outsideOf(span, Date.UTC(2027, 0, 1))).toBe('expired on 2026-06-01T12:00:00Z');
    expect(outsideOf(span, Date.UTC(2025, 0, 1))).toBe('is not valid before 2026-01-01T00:00:00Z');
  });
});
