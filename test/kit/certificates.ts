import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** PEM texts of a throw-away authority, a server for localhost and a client, and the files they are kept in. */
export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
  /** Paths for settings that want files. */
  readonly files: { readonly ca: string; readonly clientCertificate: string; readonly clientKey: string };
  /** Another client certificate of the same authority, as a renewal would make it. */
  readonly renewClient: () => Promise<{ readonly certificate: string; readonly key: string }>;
  readonly remove: () => Promise<void>;
}

const openssl = async (folder: string, ...args: readonly string[]): Promise<void> => {
  await execute('openssl', [...args], { cwd: folder, timeout: 30_000 });
};

const authority = async (folder: string): Promise<void> => {
  const subject = ['-subj', '/CN=portolan test authority', '-days', '2'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(folder, 'req', '-x509', ...key, ...subject, '-keyout', 'ca.key', '-out', 'ca.pem');
};

// etcd's own gateway is a client of its server port, so the server's certificate needs both uses.
const issue = async (folder: string, name: string, use: string, names: string): Promise<void> => {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    folder,
    'req',
    ...key,
    '-subj',
    `/CN=${name}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
  );
  await writeFile(join(folder, `${name}.ext`), `extendedKeyUsage=${use}\nsubjectAltName=${names}\n`);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  await openssl(
    folder,
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...signer,
    '-extfile',
    `${name}.ext`,
    '-out',
    `${name}.pem`,
  );
};

/** Makes an authority, a server certificate (localhost, 127.0.0.1, ::1 and `names`) and a client certificate. */
export const makeCertificates = async (names: readonly string[] = []): Promise<Certificates> => {
  const folder = await mkdtemp(join(tmpdir(), 'portolan-tls-'));
  await authority(folder);
  const hosts = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', ...names.map((name) => `DNS:${name}`)];
  await issue(folder, 'server', 'serverAuth,clientAuth', hosts.join(','));
  await issue(folder, 'client', 'clientAuth', 'DNS:client');
  const read = async (file: string): Promise<string> => await readFile(join(folder, file), 'utf8');
  let renewals = 0;
  const renewClient = async () => {
    renewals += 1;
    const name = `client-${renewals}`;
    await issue(folder, name, 'clientAuth', 'DNS:client');
    return { certificate: await read(`${name}.pem`), key: await read(`${name}.key`) };
  };
  return {
    folder,
    renewClient,
    ca: await read('ca.pem'),
    serverCertificate: await read('server.pem'),
    serverKey: await read('server.key'),
    clientCertificate: await read('client.pem'),
    clientKey: await read('client.key'),
    files: {
      ca: join(folder, 'ca.pem'),
      clientCertificate: join(folder, 'client.pem'),
      clientKey: join(folder, 'client.key'),
    },
    remove: async () => {
      await rm(folder, { recursive: true, force: true });
    },
  };
};
