import { once } from 'node:events';
import { type AddressInfo, createConnection } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.ts';

/** Puts TLS, and the demand for a client certificate, before a unix socket: an engine as it listens on TCP. */
export class TlsProxy {
  /** Serial numbers of the client certificates that were shown, one for each connection. */
  readonly shown: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<TLSSocket>();

  private constructor({ ca, serverCertificate: cert, serverKey: key }: Certificates, path: string) {
    this.#server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (client) => {
      this.shown.push(client.getPeerX509Certificate()?.serialNumber ?? 'none');
      this.#sockets.add(client);
      const server = createConnection(path);
      client.on('error', () => undefined).on('close', () => server.destroy());
      client.on('close', () => this.#sockets.delete(client));
      server.on('error', () => undefined).on('close', () => client.destroy());
      client.pipe(server).pipe(client);
    });
  }

  static async start(certificates: Certificates, path: string): Promise<TlsProxy> {
    const proxy = new TlsProxy(certificates, path);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
