import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../../../test/kit/certificates.ts';
import { eventually } from '../../../test/kit/eventually.ts';
import { systemClock } from '../../telemetry/clock.ts';
import { EtcdConnection } from './connection.ts';
import type { EtcdCredentials } from './link.ts';

let certificates: Certificates;
let server: Http2SecureServer;
/** Serial numbers of the client certificates that were shown, oldest first. */
const shown: string[] = [];
const sockets = new Set<TLSSocket>();
/** Calls under way; nobody answers them. */
const streams: ServerHttp2Stream[] = [];

beforeEach(async () => {
  certificates = await makeCertificates();
  const { ca, serverCertificate: cert, serverKey: key } = certificates;
  server = createSecureServer({ ca, cert, key, requestCert: true });
  server.on('secureConnection', (socket: TLSSocket) => {
    shown.push(socket.getPeerX509Certificate()?.serialNumber ?? 'none');
    sockets.add(socket.on('error', () => undefined).on('close', () => sockets.delete(socket)));
  });
  server.on('stream', (stream) => streams.push(stream.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  shown.length = 0;
  streams.length = 0;
  await certificates.remove();
});

describe('renewed credentials', () => {
  it('are shown at the next call on a new connection, and the old one ends', async () => {
    const ca = Buffer.from(certificates.ca);
    const shape = (cert: string, key: string): EtcdCredentials => ({
      tls: { ca, cert: Buffer.from(cert), key: Buffer.from(key) },
    });
    let credentials = shape(certificates.clientCertificate, certificates.clientKey);
    const { port } = server.address() as AddressInfo;
    const connection = new EtcdConnection({
      endpoints: [`https://localhost:${port}`],
      clock: systemClock,
      credentials: () => credentials,
      timeoutMs: 60_000,
    });
    let left = 0;
    connection.onLeave(() => {
      left += 1;
    });
    const look = (): void => {
      void connection.open((client) => client.kv.range({ key: Buffer.from('/') }));
    };
    look();
    look();
    await eventually(() => streams.length === 2);
    const { certificate, key } = await certificates.renewClient();
    credentials = shape(certificate, key);
    look();
    await eventually(() => streams.length === 3);
    expect(shown).toHaveLength(2);
    expect(shown[1]).not.toBe(shown[0]);
    expect(left).toBe(1);
    streams[0]?.close();
    await eventually(() => streams[0]?.destroyed === true);
    // A call on the old connection still waits for its answer.
    expect(sockets.size).toBe(2);
    streams[1]?.close();
    await eventually(() => sockets.size === 1);
    connection.close();
  });
});
