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

  it('of the engine lie in ~/.docker when no folder is named and TLS is verified, as with Docker itself', () => {
    const folder = '/home/ann/.docker';
    const home = {
      [`${folder}/ca.pem`]: made.ca,
      [`${folder}/cert.pem`]: made.clientCertificate,
      [`${folder}/key.pem`]: made.clientKey,
    };
    const of = (given: Parameters<typeof good>[0]) => good(given).config.docker.certPath;
    const verified = { DOCKER_HOST: 'tcp://engine', DOCKER_TLS_VERIFY: '1' };
    expect(of({ env: verified, files: home })).toBe(folder);
    expect(of({ env: { ...verified, DOCKER_CERT_PATH: '/certs' }, readSecrets: false })).toBe('/certs');
    expect(of({ env: { DOCKER_HOST: 'tcp://engine' }, files: home })).toBeUndefined();
    expect(of({ env: { DOCKER_TLS_VERIFY: '1' }, files: home })).toBeUndefined();
    // Without an authority of its own those that the machine trusts count.
    expect(of({ env: verified })).toBeUndefined();
    expect(of({ env: verified, files: { [`${folder}/ca.pem`]: made.ca } })).toBe(folder);
    expect(errors({ env: verified, files: { ...home, [`${folder}/key.pem`]: made.serverKey } })).toEqual([
      expect.stringContaining(`${folder}/key.pem is not the key of the certificate`) as string,
    ]);
    const half = { [`${folder}/ca.pem`]: made.ca, [`${folder}/cert.pem`]: made.clientCertificate };
    expect(errors({ env: verified, files: half })).toEqual([expect.stringContaining('key.pem') as string]);
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
