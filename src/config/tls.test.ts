import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../../test/kit/certificates.ts';
import { errors, good } from '../../test/kit/config.ts';
import { formatProblem } from './problem.ts';

let made: Certificates;
beforeAll(async () => {
  made = await makeCertificates();
});
afterAll(async () => {
  await made.remove();
});

const flags = {
  registries: ['etcds://a'],
  'etcd.tls.ca': '/ca',
  'etcd.tls.cert': '/c',
  'etcd.tls.key': '/k',
};
const files = () => ({ '/ca': made.ca, '/c': made.clientCertificate, '/k': made.clientKey });

describe('files for TLS', () => {
  it('are read and judged, and the configuration keeps only their paths', () => {
    const { config, warnings } = good({ flags, files: files(), now: Date.now() });
    expect(config.registries[0]?.tls).toEqual({ ca: '/ca', cert: '/c', key: '/k' });
    expect(warnings).toEqual([]);
  });

  it.each([
    [{ '/ca': 'x' }, '--etcd-ca: etcd.tls.ca: /ca holds no certificate (PEM); name a file of certificates'],
    [{ '/c': '' }, '--etcd-cert: etcd.tls.cert: /c holds no certificate (PEM); name a file with the cert'],
    [{ '/k': 'secret' }, '--etcd-key: etcd.tls.key: /k holds no private key (PEM); name the unencrypted key'],
  ])('are refused when they cannot be used: %j', (spoilt, words) => {
    const found = errors({ flags, files: { ...files(), ...spoilt } });
    expect(found).toEqual([expect.stringContaining(words)]);
  });

  it('are refused when the key is that of another certificate', () => {
    const found = errors({ flags, files: { ...files(), '/k': made.serverKey } });
    expect(found).toEqual([
      expect.stringMatching(/^--etcd-key: .*: \/k is not the key of the certificate; /),
    ]);
  });

  it('of the engine are judged as well, where TLS is spoken to it', () => {
    const engine = { 'docker.host': 'tcp://engine', 'docker.tlsVerify': true, 'docker.certPath': '/certs' };
    const all = { '/certs/ca.pem': made.ca, '/certs/cert.pem': made.clientCertificate };
    expect(errors({ flags: engine, files: { ...all, '/certs/key.pem': made.serverKey } })).toEqual([
      expect.stringContaining('docker.certPath: /certs/key.pem is not the key of the certificate') as string,
    ]);
    const plain = { ...engine, 'docker.host': 'unix:///run/docker.sock' };
    expect(errors({ flags: plain })).toEqual([]);
    good({ flags: engine, files: { ...all, '/certs/key.pem': made.clientKey } });
  });

  it('warn with file and date when their time is over or has not come', () => {
    const after = good({ flags, files: files(), now: Date.now() + 5 * 86_400_000 });
    expect(after.warnings.map(formatProblem)).toEqual([
      expect.stringMatching(
        /^--etcd-ca: etcd\.tls\.ca: \/ca expired on \d{4}-\d\d-\d\dT[\d:]{8}Z; renew it$/,
      ),
      expect.stringMatching(/^--etcd-cert: etcd\.tls\.cert: \/c expired on .*; renew it$/),
    ]);
    const before = good({ flags, files: files(), now: Date.now() - 86_400_000 });
    expect(before.warnings.map(formatProblem).join()).toMatch(/\/c is not valid before \d{4}-/);
  });
});
